import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { KEY, promptRow, readyConsole } from './console-harness.ts';

describe('typing', () => {
  it('D.9-17 runs a line and its CR that came in one write', async () => {
    const pty = await readyConsole({ columns: 120, rows: 40 });
    pty.write('status\r');
    await pty.waitFor('› status');
    await pty.waitFor('Data folder');
    expect(promptRow(pty)).toBe('alder home>');
  });

  it('runs several lines of one write in their order', async () => {
    const pty = await readyConsole({ columns: 120, rows: 40 });
    pty.write('list\rcat notes/plan.txt\r');
    await pty.waitFor('line two');
    const text = pty.text();
    expect(text.indexOf('› list')).toBeLessThan(text.indexOf('› cat notes/plan.txt'));
  });

  it('D.9-16 loses none of 200 characters that come at once', async () => {
    const pty = await readyConsole({ columns: 200, rows: 50 });
    const long = Array.from({ length: 200 }, (_, at) => String.fromCharCode(97 + (at % 26))).join('');
    for (const letter of long) pty.write(letter);
    pty.write('\r');
    await pty.waitFor('unknown command');
    const joined = pty
      .screen()
      .map((row) => row.replace(/^│ |\s*│$/g, '').trim())
      .join('');
    expect(joined).toContain(long);
  });

  it('D.9-21 offers a correction that Right inserts and nothing runs', async () => {
    const pty = await readyConsole();
    pty.enter('stauts');
    await pty.waitFor('did you mean status');
    await pty.waitFor('Right or Tab inserts');
    expect(pty.cursor().column).toBe('alder home> '.length);
    pty.write(KEY.right);
    await pty.waitUntil('the caret after it', () => pty.cursor().column === 'alder home> status'.length);
    expect(promptRow(pty)).toBe('alder home> status');
    expect(pty.text()).not.toContain('Data folder');
  });

  it('D.9-21 only names a destructive command, it does not offer to insert it', async () => {
    const pty = await readyConsole();
    pty.enter('delte notes/plan.txt');
    await pty.waitFor('did you mean delete');
    await pty.settled();
    expect(pty.text()).not.toContain('Right or Tab inserts');
    expect(promptRow(pty)).toBe('alder home>');
  });

  it('shows the keys with F1 and with ?, and searches them', async () => {
    const pty = await readyConsole({ columns: 120, rows: 40 });
    pty.write('list');
    await pty.waitFor('home> list');
    pty.write('\u001bOP');
    await pty.waitFor(/Keys +type to search/);
    pty.write('history');
    await pty.waitFor('search the history');
    expect(pty.text()).not.toContain('swap two characters');
    pty.write(KEY.escape);
    await pty.waitUntil('the output again', () => !pty.text().includes('Esc closes'));
    expect(promptRow(pty)).toBe('alder home> list');
    pty.write(KEY.ctrl('u'));
    pty.write('?');
    await pty.waitFor(/Keys +type to search/);
  });

  it('D.9-22 keeps letters away from the panels', async () => {
    const pty = await readyConsole();
    pty.write('ssSzj/k');
    await pty.waitFor('alder home> ssSzj/k');
    expect(pty.text()).toContain('sort:rtt▲');
    expect(pty.screen()[2]).toContain('1 Peers');
  });

  it('D.9-19 puts the caret at the right column after wide, combined and joined characters', async () => {
    const pty = await readyConsole();
    const base = 'alder home> '.length;
    pty.write('日本e\u0301👩‍👩‍👧x');
    await pty.waitUntil('the caret', () => pty.cursor().column === base + 4 + 1 + 2 + 1);
    pty.write(KEY.left + KEY.left);
    await pty.waitUntil('before the family', () => pty.cursor().column === base + 5);
    pty.write('\u007f\u007f');
    await pty.waitUntil('after the first', () => pty.cursor().column === base + 2);
    expect(promptRow(pty).slice(0, 16)).toContain('日');
    expect(promptRow(pty)).not.toContain('本');
  });

  it('D.9-18 shows a pasted block and runs it only after Enter', async () => {
    const pty = await readyConsole({ columns: 120, rows: 40 });
    pty.write('\u001b[200~cat notes/plan.txt\nlist\n\u001b[201~');
    await pty.waitFor('2 lines pasted');
    expect(promptRow(pty)).toContain('cat notes/plan.txt⏎list');
    expect(pty.text()).not.toContain('line two');
    pty.write('\r');
    await pty.waitFor('line two');
    await pty.waitFor('photos/2019/archive.tar');
    expect(pty.text()).not.toContain('lines pasted');
  });

  it('takes nothing of a paste that a line has no room for', async () => {
    const pty = await readyConsole({ columns: 120, rows: 40 });
    pty.write(`\u001b[200~${'cat notes/plan.txt\n'.repeat(4_000)}\u001b[201~`);
    await pty.waitFor('not pasted');
    expect(promptRow(pty)).toBe('alder home>');
  });

  it('D.9-20 completes, opens a menu on the second Tab, and takes the choice', async () => {
    const pty = await readyConsole();
    pty.write('hea');
    await pty.waitFor('home> hea');
    pty.write(KEY.tab);
    await pty.waitFor('home> health');
    pty.write(`${KEY.ctrl('u')}cat `);
    await pty.waitFor('home> cat');
    pty.write(KEY.tab);
    await pty.settled();
    pty.write(KEY.tab);
    await pty.waitFor('1/3');
    pty.write(KEY.tab);
    await pty.waitFor('2/3');
    pty.write('\r');
    await pty.waitFor('home> cat notes/plan.txt');
    pty.write('\r');
    await pty.waitFor('line two');
  });

  it('D.9-20 walks and searches the history, and keeps it from other eyes', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dm-history-'));
    const file = join(folder, 'datamesh/history.jsonl');
    const kept = await readyConsole({ columns: 100, rows: 30, env: { DATAMESH_TEST_HISTORY: file } });
    kept.enter('list');
    await kept.waitFor('notes/plan.txt');
    kept.enter(' status');
    await kept.waitFor('Data folder');
    kept.enter('cat notes/plan.txt');
    await kept.waitFor('line two');
    kept.write(KEY.up);
    await kept.waitFor('home> cat notes/plan.txt');
    kept.write(KEY.up);
    await kept.waitFor('home> list');
    kept.write(KEY.down + KEY.down);
    await kept.waitUntil('an empty line', () => promptRow(kept) === 'alder home>');
    kept.write(KEY.ctrl('r'));
    await kept.waitFor('search this session');
    kept.write('plan');
    await kept.waitFor('▸ cat notes/plan.txt');
    kept.write('\r');
    await kept.waitFor('home> cat notes/plan.txt');
    const lines = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).cmd);
    expect(lines).toEqual(['list', 'cat notes/plan.txt']);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    rmSync(folder, { recursive: true });
  });
});
