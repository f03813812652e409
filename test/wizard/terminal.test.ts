/** `datamesh init` on a real terminal: what a person sees, and what is on disk afterwards. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type Pty, ptyScript } from '../support/pty.ts';

const ENTRY = join(import.meta.dirname, 'init-entry.ts');
let terminal: Pty | undefined;
afterEach(() => terminal?.close());

function init(...args: string[]): Pty {
  terminal = ptyScript(ENTRY, ['init', ...args], { columns: 80, rows: 30 });
  return terminal;
}

const filesUnder = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
    : [];

describe('init on a terminal', () => {
  it('D.9-1 sets up a node by Enter, with the two words from the screen, and gives the terminal back', async () => {
    const pty = init('--quota', '10MiB');
    await pty.waitFor('Welcome');
    await pty.waitFor('✔ free disk');
    for (const wanted of [
      'Name of this node',
      'Data folder',
      'What is this node for?',
      'Who owns',
      'Write down these 24 words',
    ]) {
      pty.write('\r');
      await pty.waitFor(wanted);
    }
    const words = new Map(
      [...pty.text().matchAll(/(\d+)\. ([a-z]+)/g)].map(([, place, word]) => [Number(place), word!]),
    );
    expect(words.size).toBe(24);
    pty.write('\r');
    for (const title of ['First check', 'Second check']) {
      await pty.waitFor(title);
      const place = Number(/Type word (\d+) of/.exec(pty.text())![1]);
      pty.enter(words.get(place)!);
    }
    await pty.waitFor('Passphrase for the keyring');
    // A burst: each Enter counts, whatever the wizard is busy with.
    pty.write('\r'.repeat(20));
    await pty.waitFor('This node is set up');
    pty.write('\r');
    expect((await pty.exited).code).toBe(0);
    const files = filesUnder(pty.home);
    expect(files.map((file) => basename(file)).sort()).toEqual([
      'config.json',
      'config.json.LOCK.guard',
      'device.key',
      'keyring.json',
      'keyring.json.lock.guard',
    ]);
    for (const file of files) expect(statSync(file).mode & 0o777, file).toBe(0o600);
    expect(pty.cursor().visible).toBe(true);
  });

  it.each([
    ['Ctrl-C twice', ['\u0003', '\u0003']],
    ['Esc and y', ['\u001b', 'y']],
  ])('D.9-5 leaves with %s: exit 130 and nothing on disk', async (_, keys) => {
    const pty = init();
    await pty.waitFor('✔ free disk');
    pty.write('\r');
    await pty.waitFor('Name of this node');
    pty.write(keys[0]!);
    await pty.waitFor('Leave? Nothing has been written');
    pty.write(keys[1]!);
    expect((await pty.exited).code).toBe(130);
    expect(filesUnder(pty.home)).toEqual([]);
    expect(pty.cursor().visible).toBe(true);
  });

  it('survives a small terminal and back', async () => {
    const pty = init();
    await pty.waitFor('Enter begin');
    await pty.resize(40, 10);
    pty.write('\r');
    await pty.waitFor('Name of this node');
    await pty.resize(80, 30);
    pty.enter('beta');
    await pty.waitFor('Name of this node: beta');
  });
});
