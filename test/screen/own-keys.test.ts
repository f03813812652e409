/** keys.json in a console on a real terminal. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultConfig } from '../../src/config/fields.ts';
import { writeConfigFile } from '../../src/config/store.ts';
import { ptyScript } from '../support/pty.ts';
import { KEY, promptRow, readyConsole } from './console-harness.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dm-keys-'));
  file = join(folder, 'keys.json');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const consoleWith = (text: string) => {
  writeFileSync(file, text);
  return readyConsole({ columns: 120, rows: 40, env: { DATAMESH_TEST_KEYS: file } });
};

describe('own keys', () => {
  it('act, those of the table no more, and the screen names the new ones', async () => {
    const own = { pause: 'Ctrl-O', 'beginning-of-line': ['Ctrl-X a'], zoom: 'm', quit: 'Ctrl-Space' };
    const pty = await consoleWith(JSON.stringify(own));
    expect(pty.screen().at(-1)).toContain('Ctrl-O pause');
    expect(pty.screen().at(-1)).toContain('Ctrl-Space quit');
    pty.write(KEY.ctrl('g'));
    pty.write(KEY.ctrl('d'));
    await pty.settled();
    expect(pty.text()).not.toContain('PAUSED');
    pty.write(KEY.ctrl('o'));
    await pty.waitFor('PAUSED');
    await pty.waitFor('Ctrl-O resume');

    pty.write('list');
    await pty.waitFor('home> list');
    pty.write(KEY.ctrl('a'));
    pty.write(`${KEY.ctrl('x')}a`);
    await pty.waitUntil('the caret at the begin', () => pty.cursor().column === 'alder home> '.length);
    expect(promptRow(pty)).toBe('alder home> list');
    pty.write(KEY.ctrl('u') + KEY.ctrl('k'));
    await pty.waitUntil('an empty line', () => promptRow(pty) === 'alder home>');

    pty.write(KEY.tab);
    await pty.waitFor('m zoom');
    pty.write('z');
    await pty.waitFor('panel has the keyboard');
    expect(pty.text()).toContain('2 Health');
    pty.write('m');
    await pty.waitUntil('one panel', () => !pty.text().includes('2 Health'));
    pty.write('?');
    await pty.waitFor(/Keys +type to search/);
    pty.write('zoom');
    await pty.waitFor(/ m +zoom +zoom/);
  });

  it('that cannot be are told, one line each, and the console is as it would be without', async () => {
    const pty = await consoleWith('{"pauze": "Ctrl-O", "redraw": "Ctrl-Q", "undo": "Ctrl-G", "zoom": "m"}');
    await pty.waitFor('keys.json: there is no action "pauze"; did you mean pause?');
    await pty.waitFor('keys.json: redraw stays on Ctrl-L: "Ctrl-Q": terminals keep it for flow control');
    await pty.waitFor(
      'keys.json: undo stays on Ctrl-_: Ctrl-G is the key of pause; give pause another one too',
    );
    expect(pty.screen().at(-1)).toContain('Ctrl-L redraw');
    pty.write(KEY.ctrl('g'));
    await pty.waitFor('PAUSED');
    pty.enter('list');
    await pty.waitFor('notes/plan.txt');
  });

  it('are those of the file beside the configuration', async () => {
    const config = join(folder, 'config.json');
    const own = defaultConfig({ name: 'alder', dataDir: join(folder, 'data') });
    await writeConfigFile(config, { ...own, console: { history: false, editorMode: 'vi', mouse: true } });
    writeFileSync(file, '{"pause": "Ctrl-O", "undo": "Ctrl-M"}');
    const entry = resolve(import.meta.dirname, '../support/run-console-entry.tsx');
    const pty = ptyScript(entry, [config], { columns: 120, rows: 40 });
    try {
      await pty.waitFor('keys.json: undo stays on Ctrl-_', 20_000);
      await pty.waitFor('Ctrl-O pause');
      // The other settings of the console in it hold from the start as well.
      await pty.waitFor('(ins) alder main>');
      await pty.waitUntil('the mouse to be asked for', () => pty.raw().includes('\u001b[?1000h'));
    } finally {
      await pty.close();
    }
  }, 40_000);

  it('in a file that is no JSON do not keep the console from starting', async () => {
    const pty = await consoleWith('{"pause": Ctrl-O}');
    await pty.waitFor('keys.json is not used: it is not JSON (line 1, column 11');
    pty.enter('list');
    await pty.waitFor('notes/plan.txt');
  });
});
