/** vi's keys at the prompt of a real terminal. */
import { describe, expect, it } from 'vitest';
import { KEY, promptRow, readyConsole } from './console-harness.ts';

const HOME = '(ins) alder home> ';

describe('set editor.mode vi', () => {
  it('shows its mode, edits, and runs with Enter in both; emacs brings readline’s keys back', async () => {
    const pty = await readyConsole({ columns: 120, rows: 40 });
    pty.enter('set editor.mode vi');
    await pty.waitFor('editor.mode vi');
    await pty.waitUntil('the mode', () => promptRow(pty) === HOME.trim());

    pty.write('lits foo');
    await pty.waitFor(`${HOME}lits foo`);
    pty.write(KEY.escape);
    await pty.waitFor('(cmd) alder home> lits foo');
    pty.write('bD');
    await pty.waitUntil('the cut', () => promptRow(pty) === '(cmd) alder home> lits');
    pty.write('bcwlist');
    await pty.waitFor(`${HOME}list`);
    pty.write(KEY.escape);
    await pty.waitUntil('normal mode', () => promptRow(pty).startsWith('(cmd)'));
    await pty.waitUntil('the caret on the last letter', () => pty.cursor().column === `${HOME}lis`.length);
    pty.write('\r');
    await pty.waitFor('notes/plan.txt');
    await pty.waitUntil('an empty line to insert into', () => promptRow(pty) === HOME.trim());

    pty.write(KEY.escape);
    await pty.waitFor('(cmd) alder home>');
    pty.write('kk');
    await pty.waitFor('(cmd) alder home> set editor.mode vi');
    pty.write('ccset editor.mode emacs\r');
    await pty.waitFor('editor.mode emacs');
    await pty.waitUntil('no mode', () => promptRow(pty) === 'alder home>');
    pty.write(`x${KEY.escape}`);
    await pty.waitUntil('a letter', () => promptRow(pty) === 'alder home> x');
  });

  it('has its keys in the help, and refuses other modes', async () => {
    const pty = await readyConsole({ columns: 120, rows: 40 });
    pty.enter('set editor.mode vim');
    await pty.waitFor("editor.mode is emacs or vi, not 'vim'");
    pty.write('?');
    await pty.waitFor('type to search');
    pty.write('replace a char');
    await pty.waitFor('no key for "replace a char"');
    pty.write(KEY.escape);
    await pty.waitUntil('the output again', () => !pty.text().includes('Esc closes'));
    pty.enter('set editor.mode vi');
    await pty.waitUntil('the mode', () => promptRow(pty) === HOME.trim());
    pty.write('?');
    await pty.waitFor('type to search');
    pty.write('replace a char');
    await pty.waitFor('Prompt, vi after Esc');
    expect(pty.text()).toContain('replace a character by the next one typed');
  });
});
