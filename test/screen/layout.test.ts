import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectGolden, KEY, promptRow, readyConsole, startConsole } from './console-harness.ts';

describe('console layouts', () => {
  it.each([
    [80, 24],
    [120, 40],
    [200, 50],
    [60, 16],
  ])('D.9-11 draws %ix%i as the golden file has it', async (columns, rows) => {
    const pty = startConsole({ columns, rows });
    await pty.waitFor('alder home>', 20_000);
    await pty.waitFor('online');
    await pty.settled();
    pty.enter('set refresh 500ms; clear; list');
    await pty.waitFor('notes/plan.txt');
    await pty.waitUntil('the command to end', () => !pty.text().includes('Ctrl-C cancels'));
    // The trend of the peers grows with each sample until it is full.
    if (columns < 100) await pty.waitFor(/PEERS █{8} 15/, 15_000);
    await pty.settled();
    expectGolden(pty, `console-${columns}x${rows}`);
    expect(pty.alternate()).toBe(true);
    // The last cell stays blank, or some terminals scroll.
    expect(pty.cell(columns - 1, rows - 1).text.trim()).toBe('');
  });

  it('keeps prompt, hint and keys in the last three rows while typing', async () => {
    const pty = await readyConsole({ columns: 120, rows: 40 });
    pty.write('put ');
    await pty.waitFor('put <file>');
    expect(promptRow(pty)).toBe('alder home> put');
    expect(pty.screen().at(-2)).toContain('put <file>');
    expect(pty.screen().at(-1)).toContain('Ctrl-D quit');
    expect(pty.cursor()).toMatchObject({ column: 'alder home> put '.length, row: 37, visible: true });
  });

  it('D.9-11 is a line REPL in 59x15, and says why', async () => {
    const pty = startConsole({ columns: 59, rows: 15 });
    await pty.waitFor('alder home>', 20_000);
    expect(pty.text()).toContain('59x15');
    pty.enter('list');
    await pty.waitFor('notes/plan.txt');
    expect(pty.alternate()).toBe(false);
    pty.enter('exit');
    expect((await pty.exited).code).toBe(0);
  });

  it('asks and takes the answer in the line REPL, and does not run it', async () => {
    const pty = startConsole({ env: { DATAMESH_TEST_PLAIN: '1' } });
    await pty.waitFor('alder home>', 20_000);
    pty.enter('delete notes/plan.txt');
    await pty.waitFor('[y/N]');
    pty.enter('n');
    await pty.waitFor('nothing was deleted');
    pty.enter('cat notes/plan.txt');
    await pty.waitFor('line two');
    pty.write('\u001b[A\u001b[A');
    await pty.waitFor(/home> delete notes\/plan.txt$/m);
    expect(pty.text()).not.toContain('unknown command');
  });

  it('drops with Ctrl-C a line that a quote keeps open', async () => {
    const pty = startConsole({ env: { DATAMESH_TEST_PLAIN: '1' } });
    await pty.waitFor('alder home>', 20_000);
    pty.enter('cat "notes');
    await pty.waitFor(/^\.\.\.>$/m);
    pty.write(`plan${KEY.left}${KEY.ctrl('c')}`);
    await pty.waitFor(/leaves\nalder home>$/m);
    pty.enter('cat notes/plan.txt');
    await pty.waitFor('line two');
  });

  it('on a dumb terminal cancels with Ctrl-C what runs, and only that', async () => {
    const pty = startConsole({ env: { TERM: 'dumb' } });
    await pty.waitFor('alder home>', 20_000);
    pty.enter('watch 1s status');
    await pty.waitFor('run 1,');
    pty.write(KEY.ctrl('c'));
    await pty.waitFor(/cancelled\nalder home>$/m);
    pty.enter('cat "notes');
    await pty.waitFor(/^\.\.\.>$/m);
    pty.write(KEY.ctrl('c'));
    await pty.waitFor(/leaves\nalder home>$/m);
    pty.enter('cat notes/plan.txt');
    await pty.waitFor('line two');
    pty.write(KEY.ctrl('d'));
    expect((await pty.exited).code).toBe(0);
  });

  it('shows no secret on a dumb terminal, and goes on with the lines behind it', async () => {
    const pty = startConsole({ env: { TERM: 'dumb' } });
    await pty.waitFor('alder home>', 20_000);
    writeFileSync(join(pty.home, 'some.bundle'), 'datamesh-bundle');
    pty.enter('import some.bundle');
    await pty.waitFor('Passphrase of the bundle');
    pty.enter('hunter\u007fr2');
    await pty.waitFor(/error(.*\n)*alder home>$/m);
    pty.enter('cat notes/plan.txt');
    await pty.waitFor('line two');
    expect(pty.raw()).not.toContain('hunt');
  });

  it.each([
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGINT', 130],
  ])('leaves the line REPL after %s with the status that says so', async (name, code) => {
    const pty = startConsole({ env: { DATAMESH_TEST_PLAIN: '1' } });
    await pty.waitFor('alder home>', 20_000);
    pty.signal(name);
    expect(await pty.exited).toMatchObject({ code });
  });

  it('D.9-28 is append-only with ACCESSIBLE: no caret upwards, no clearing, no second screen', async () => {
    const pty = startConsole({ columns: 100, rows: 30, env: { ACCESSIBLE: '1' } });
    await pty.waitFor('alder home>', 20_000);
    pty.enter('list');
    await pty.waitFor('notes/plan.txt');
    pty.enter('quit');
    await pty.exited;
    expect(pty.raw()).not.toMatch(/\u001b\[\d*A|\u001b\[2J|\u001b\[3J|\u001b\[\?1049h/);
  });

  it('keeps the prompt in sight, and the keys at it, in a window too small for panels', async () => {
    const pty = await readyConsole({ columns: 120, rows: 40 });
    pty.enter('list');
    await pty.waitFor('notes/plan.txt');
    pty.write(KEY.tab);
    await pty.waitFor('look into');
    await pty.resize(40, 12);
    await pty.waitFor('40x12');
    pty.write('stat');
    await pty.waitFor('alder home> stat');
    pty.write(KEY.ctrl('u'));
    pty.write('?');
    await pty.waitFor('no room for the keys');
    pty.write(KEY.tab);
    await pty.waitFor('no room for panels');
    pty.write('info');
    await pty.waitFor('alder home> info');
    await pty.resize(30, 2);
    await pty.waitFor(/30x2.*\nalder home> info$/);
  });

  it('D.9-12 survives a storm of sizes: no ghost rows, text and caret kept', async () => {
    const pty = await readyConsole({ columns: 120, rows: 40 });
    pty.write('info some text');
    await pty.waitFor('info some text');
    const sizes: [number, number][] = [];
    for (let at = 0; at < 15; at++)
      sizes.push([80 + ((at * 37) % 121), 20 + ((at * 11) % 31)], [200 - at * 7, 50 - at]);
    for (const [columns, rows] of [...sizes, [59, 15], [30, 5], [120, 40]] as [number, number][]) {
      await pty.resize(columns, rows);
    }
    await pty.waitFor('2 Health');
    await pty.settled(400);
    const stormed = pty.screen();
    expect(promptRow(pty)).toBe('alder home> info some text');
    expect(pty.cursor()).toMatchObject({ column: 'alder home> info some text'.length, row: 37 });
    const fresh = await readyConsole({ columns: 120, rows: 40 });
    fresh.write('info some text');
    await fresh.waitFor('info some text');
    await fresh.settled();
    expect(stormed).toEqual(fresh.screen());
  }, 40_000);
});
