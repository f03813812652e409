/** The mouse in a real terminal: what it does, and that its reports are off whenever the terminal is somebody else's. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Pty, PtyOptions } from '../support/pty.ts';
import { expectRestored, KEY, promptRow, readyConsole } from './console-harness.ts';

const ON = '\u001b[?1000h\u001b[?1006h';
const OFF = '\u001b[?1006l\u001b[?1000l';
const LEAVE = '\u001b[?1049l';
const ENTER = '\u001b[?1049h';
const folder = mkdtempSync(join(tmpdir(), 'dm-mouse-'));
afterAll(() => rmSync(folder, { recursive: true }));

const wheel = (direction: 'up' | 'down', column: number, row: number) =>
  `\u001b[<${direction === 'up' ? 64 : 65};${column};${row}M`;
const click = (column: number, row: number) => `\u001b[<0;${column};${row}M\u001b[<0;${column};${row}m`;

async function withMouse(options: PtyOptions = {}): Promise<Pty> {
  const pty = await readyConsole({ columns: 120, rows: 40, ...options });
  expect(pty.raw()).not.toContain('\u001b[?1000');
  pty.enter('set mouse on');
  await pty.waitUntil('the mouse to be asked for', () => pty.raw().includes(ON));
  await pty.waitUntil('it to end', () => promptRow(pty) === 'alder home>');
  return pty;
}

/** In order, and nothing on after the last. */
function expectOff(raw: string): void {
  expect(raw.lastIndexOf(OFF)).toBeGreaterThan(raw.lastIndexOf(ON));
  expect(raw.lastIndexOf(LEAVE)).toBeGreaterThan(raw.indexOf(OFF));
  expectRestored(raw);
}

describe('the mouse', () => {
  it('scrolls what is under it and chooses a panel, until it is switched off', async () => {
    const pty = await withMouse();
    pty.enter('help');
    await pty.waitFor('PgUp for more');
    pty.write(wheel('up', 10, 34) + wheel('up', 10, 34));
    await pty.waitFor('6 rows below');
    pty.write(wheel('down', 10, 34));
    await pty.waitFor('3 rows below');

    // Peers: the selection is shown and moves, and the keyboard stays at the prompt.
    const peer = (row: number) => pty.cell(3, row).inverse;
    pty.write(wheel('down', 5, 5) + wheel('down', 5, 5));
    await pty.waitUntil('the fourth peer', () => peer(6));
    pty.write('ls');
    await pty.waitFor('home> ls');

    pty.write(click(100, 5));
    await pty.waitFor('Enter look into');
    pty.write('z');
    await pty.waitUntil('Health alone', () => !pty.text().includes('1 Peers'));
    expect(pty.text()).toContain('2 Health');
    pty.write(click(5, 38));
    await pty.waitUntil('the prompt', () => !pty.text().includes('Enter look into'));
    pty.write(KEY.ctrl('u'));
    pty.forget();
    pty.enter('set mouse off');
    await pty.waitUntil('it to be off', () => pty.raw().includes(OFF));
    expect(pty.raw()).not.toContain(ON);
  });

  it.each([
    ['exit', (pty: Pty) => pty.enter('exit'), 0],
    ['SIGTERM', (pty: Pty) => pty.signal('SIGTERM'), 143],
    ['SIGHUP', (pty: Pty) => pty.signal('SIGHUP'), 129],
  ])('is off after %s', async (_name, end, code) => {
    const pty = await withMouse();
    end(pty);
    expect((await pty.exited).code).toBe(code);
    await pty.waitUntil('the normal screen', () => !pty.alternate());
    expectOff(pty.raw());
  });

  it('is off after a crash', async () => {
    const pty = await withMouse({ env: { DATAMESH_TEST_CRASH: '1' } });
    expect((await pty.exited).code).toBe(70);
    await pty.waitUntil('the normal screen', () => !pty.alternate());
    expectOff(pty.raw());
  });

  it('is off while the shell or an editor has the terminal, and on again afterwards', async () => {
    const editor = join(folder, 'editor.sh');
    writeFileSync(editor, '#!/bin/sh\nprintf "this is the editor"\nprintf "edited" > "$1"\n');
    chmodSync(editor, 0o700);
    const pty = await withMouse({ env: { VISUAL: editor } });
    const between = () => {
      const raw = pty.raw();
      return [OFF, LEAVE, ENTER, ON].map((part) => raw.indexOf(part));
    };
    const inOrder = (places: number[]) =>
      places.every((place, nth) => place >= 0 && place > (places[nth - 1] ?? -1));
    pty.forget();
    pty.write(KEY.ctrl('z'));
    await pty.waitUntil('off, and on again', () => inOrder(between()));

    pty.forget();
    pty.write(`x${KEY.ctrl('x')}${KEY.ctrl('e')}`);
    await pty.waitUntil('the edited line', () => promptRow(pty) === 'alder home> edited', 15_000);
    expect(inOrder(between())).toBe(true);
    const said = pty.raw().indexOf('this is the editor');
    expect(said).toBeGreaterThan(pty.raw().indexOf(OFF));
    expect(said).toBeLessThan(pty.raw().indexOf(ON));
  });
});
