/** Draws frames of which each has one large text, new each time, and tells by how many bytes the heap has grown from the two hundredth to the last. `lean` as the console does from sources, `built` in a build. */
import { Writable } from 'node:stream';
import { collect } from '../support/collect.ts';
import { loadInkAs } from './load-ink-as.ts';

const FRAMES = 700;
process.env.NODE_ENV = 'production';
await loadInkAs(process.argv[2]);
const { createElement } = await import('react');
const { render, Text } = await import('ink');
const screen = Object.assign(new Writable({ write: (_chunk, _encoding, done) => done() }), {
  columns: 100,
  rows: 40,
});
const row = '│ '.repeat(49);
const frame = (at: number) =>
  createElement(
    Text,
    null,
    Array.from({ length: 38 }, (_, line) => `${at} ${line} ${row}`.slice(0, 99)).join('\n'),
  );
const options = {
  stdout: screen as unknown as NodeJS.WriteStream,
  patchConsole: false,
  exitOnCtrlC: false,
  maxFps: 1000,
};
const ink = render(frame(0), options);
let before = 0;
for (let at = 1; at <= FRAMES; at++) {
  ink.rerender(frame(at));
  await new Promise((resolve) => setTimeout(resolve, 1));
  if (at !== 200 && at !== FRAMES) continue;
  collect();
  const { heapUsed } = process.memoryUsage();
  if (at === FRAMES) process.stdout.write(JSON.stringify({ grown: heapUsed - before }));
  before = heapUsed;
}
ink.unmount();
