import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { rowText, rowWidth } from '../../src/panels/cells.ts';
import { themeFrom } from '../../src/panels/theme.ts';
import { type Frame, frameIn } from './frames.ts';
import { firstWatched, screenRows, withFrame } from './watch-rows.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

/** The simulator takes over its process, so it has one of its own. */
function sim(...args: string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args]);
    // All the frames that a watcher could ask for.
    if (args.includes('--feed')) child.stdin.write('.'.repeat(10_000));
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

const hashesIn = (output: string) =>
  [...output.matchAll(/^seed (\d+) ([0-9a-f]{16}):/gm)].map((hit) => `${hit[1]} ${hit[2]}`);

test('a seed replays byte for byte, alone or after others', { timeout: 240_000 }, async () => {
  const [several, alone] = await Promise.all([
    sim('--seed', '5', '--seeds', '3', '--steps', '40'),
    sim('--seed', '7', '--steps', '40'),
  ]);
  expect(hashesIn(several.output)).toHaveLength(3);
  expect(hashesIn(several.output).at(-1)).toBe(hashesIn(alone.output)[0]);
  expect(new Set(hashesIn(several.output)).size).toBe(3);
});

test('a sample of seeds, and those of mended bugs, violate nothing', { timeout: 400_000 }, async () => {
  const sample = await sim('--seed', '1', '--seeds', '12', '--jobs', '2');
  expect(sample.output).toContain('12 seeds, 0 violations');
  expect(sample.code).toBe(0);
  const corpus = await sim('--corpus', '--jobs', '2');
  expect(corpus.output).toContain(' 0 violations');
  expect(corpus.code).toBe(0);
});

test('a run that is watched is the same run, and each frame fills the screen', {
  timeout: 240_000,
}, async () => {
  const args = ['--seed', '47', '--steps', '15'];
  const [plain, fed] = await Promise.all([sim(...args), sim(...args, '--feed')]);
  expect(hashesIn(fed.output)).toEqual(hashesIn(plain.output));
  const frames = fed.output.split('\n').flatMap((line): Frame | Frame[] => frameIn(line) ?? []);
  expect(frames.map(({ atMs }) => Math.round(atMs / 1000))).toEqual(frames.map((_, at) => at + 1));
  const theme = themeFrom({ LANG: 'C.UTF-8' });
  let watched = firstWatched(10);
  for (const frame of frames) {
    watched = withFrame(watched, frame);
    const rows = screenRows(watched, 120, 40, theme);
    expect(rows).toHaveLength(40);
    for (const row of rows) expect(rowWidth(row)).toBeLessThanOrEqual(120);
  }
  const screen = screenRows(watched, 120, 40, theme).map(rowText).join('\n');
  for (const text of ['seed 47', '1 Peers', '2 Health', 'n09', 'q leaves']) expect(screen).toContain(text);
  expect(
    screenRows({ ...watched, paused: true }, 120, 40, theme)
      .map(rowText)
      .join('\n'),
  ).toContain('PAUSED');
  expect(screenRows(watched, 40, 12, theme)).toHaveLength(12);
});
