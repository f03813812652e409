import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type Pty, ptyScript } from '../support/pty.ts';
import { KEY, promptRow } from './console-harness.ts';

const ENTRY = resolve(import.meta.dirname, '../support/run-console-entry.tsx');
const open: Pty[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((pty) => pty.close()));
});

function start(columns = 100, rows = 35): { pty: Pty; config: string } {
  const folder = process.env.TMPDIR ?? '/tmp';
  const config = join(folder, `dm-handover-${process.pid}-${open.length}-${Date.now()}`, 'config.json');
  const pty = ptyScript(ENTRY, [config], { columns, rows });
  open.push(pty);
  return { pty, config };
}

/** Enter through every screen; the two words asked back are read off the screen where they were shown. */
async function throughTheWizard(pty: Pty): Promise<void> {
  await pty.waitFor('datamesh set-up', 20_000);
  let words = new Map<number, string>();
  for (let step = 0; step < 60 && !pty.text().includes('10/'); step++) {
    const text = pty.text();
    if (/9\/9|Review/.test(text)) return;
    const shown = [...text.matchAll(/(\d+)\. ([a-z]+)/g)].map(
      ([, at, word]) => [Number(at), word ?? ''] as const,
    );
    if (shown.length >= 24) words = new Map(shown);
    const asked = /Type word (\d+) of the 24/.exec(text);
    if (asked !== null) {
      pty.write(words.get(Number(asked[1])) ?? '?');
      await pty.settled(80);
    }
    const before = pty.raw().length;
    pty.write('\r');
    await pty.waitUntil('the next screen', () => pty.raw().length > before);
    await pty.settled(80);
  }
}

describe('first start', () => {
  it('leads from the wizard into the console of a real node; keys typed meanwhile are kept, stored files are listed, the terminal comes back', async () => {
    const { pty, config } = start();
    await throughTheWizard(pty);
    expect(pty.alternate()).toBe(false);
    pty.forget();
    // Write; while that is at work: the Enter that ends the wizard and the beginning of a command in one write, the rest in others.
    pty.write('\r');
    pty.write('\rst');
    pty.write('at');
    pty.write('us');
    await pty.waitUntil('the second screen', () => pty.alternate(), 15_000);
    await pty.waitUntil('the typed-ahead line', () => promptRow(pty).endsWith('> status'), 15_000);
    expect(statSync(config).mode & 0o777).toBe(0o600);
    pty.write('\r');
    await pty.waitFor('Data folder', 15_000);
    await pty.waitFor('online');
    const file = join(pty.home, 'hello world.txt');
    writeFileSync(file, 'hello from the console\n');
    pty.enter(`put '${file}' --name hello --allow-degraded --code 1+2`);
    await pty.waitUntil('the put to end', () => !pty.text().includes('Ctrl-C cancels'), 15_000);
    await pty.settled();
    pty.enter('clear; list');
    await pty.waitFor(/NAME .*\n.*hello +23 B/);
    pty.enter('exit');
    expect((await pty.exited).code).toBe(0);
    await pty.waitUntil('the normal screen', () => !pty.alternate());
    expect(pty.raw().lastIndexOf('\u001b[?25h')).toBeGreaterThan(pty.raw().lastIndexOf('\u001b[?25l'));
    const history = readFileSync(join(pty.home, 'state/datamesh/history.jsonl'), 'utf8');
    expect(history).toContain('"cmd":"status"');
  }, 60_000);

  it('leaves nothing behind when the wizard is left', async () => {
    const { pty, config } = start();
    await pty.waitFor('datamesh set-up', 20_000);
    pty.write(KEY.ctrl('c'));
    await pty.settled(200);
    pty.write('y');
    await pty.settled(200);
    pty.write('\r');
    expect((await pty.exited).code).toBe(130);
    expect(() => statSync(config)).toThrow();
    expect(pty.alternate()).toBe(false);
  }, 40_000);
});
