import { describe, expect, it } from 'vitest';
import { KEY, promptRow, readyConsole } from './console-harness.ts';

const selected = (pty: Awaited<ReturnType<typeof readyConsole>>) =>
  pty.screen().find((_, row) => pty.cell(3, row).inverse) ?? '';

describe('panels', () => {
  it('D.9-23 move, sort and filter, and the selection sticks to the peer', async () => {
    const pty = await readyConsole({ columns: 120, rows: 40 });
    pty.write(KEY.tab);
    await pty.waitUntil('a selection', () => selected(pty).includes('birch'));
    pty.write('jj');
    await pty.waitUntil('the third', () => selected(pty).includes('dogwood'));
    pty.write('s');
    await pty.waitFor('sort:name');
    expect(selected(pty)).toContain('dogwood');
    pty.write('/state:active\r');
    await pty.waitFor('/state:active');
    expect(pty.text()).not.toContain('dogwood');
    pty.write(KEY.escape);
    await pty.waitFor('dogwood');
    expect(selected(pty)).toContain('dogwood');
    pty.write('\r');
    await pty.waitFor('Peer dogwood');
    pty.write(KEY.escape);
    await pty.waitFor('1 Peers');
    expect(selected(pty)).toContain('dogwood');
    pty.write(KEY.escape);
    await pty.waitUntil('the prompt has the caret', () => pty.cursor().visible);
    pty.write('list');
    await pty.waitFor('home> list');
  });

  it('lead from health to the objects and to the shard map of one', async () => {
    const pty = await readyConsole({ columns: 120, rows: 40 });
    pty.write(KEY.alt('2'));
    await pty.settled();
    pty.write('\r');
    await pty.waitFor('Health: objects');
    await pty.waitFor('backup/mail.mbox');
    pty.write(KEY.alt('2'));
    await pty.settled();
    pty.write('j\r');
    await pty.waitFor('Object backup/mail.mbox');
    await pty.waitFor('stripe 1');
    expect(pty.text()).toMatch(/stripe 1\s+✔ 0 birch/);
    pty.write(KEY.escape);
    await pty.waitFor('Health: objects');
  });

  it('show every panel where there is room for one, by its number', async () => {
    const pty = await readyConsole();
    for (const [number, title] of Object.entries({
      2: 'Health',
      3: 'Bandwidth',
      4: 'Jobs',
      5: 'Events',
      6: 'Storage',
      1: 'Peers',
    })) {
      pty.write(KEY.alt(number));
      await pty.waitFor(`${number} ${title}`);
    }
  });

  it('D.9-24 stand still while paused', async () => {
    const pty = await readyConsole({ columns: 120, rows: 40, env: { DATAMESH_TEST_MOVING: '1' } });
    pty.write(KEY.ctrl('g'));
    await pty.waitFor('PAUSED');
    await pty.settled();
    const before = pty.screen().slice(1);
    const bytes = pty.raw().length;
    await pty.waitUntil('frames to go by', () => pty.raw().length > bytes + 200, 12_000);
    expect(pty.screen().slice(1)).toEqual(before);
    pty.write(KEY.ctrl('g'));
    await pty.waitUntil('going on', () => !pty.text().includes('PAUSED'));
  });

  it('D.9-25 say so and lose their colour when the samples are old', async () => {
    const pty = await readyConsole({ env: { DATAMESH_TEST_STALE_MS: '5000' } });
    await pty.waitFor('stale 5s');
    const row = pty.screen().findIndex((line) => line.includes('birch'));
    expect(pty.cell(2, row).dim).toBe(true);
    const column = pty.screen()[row]!.indexOf('●');
    expect(pty.cell(column, row).coloured).toBe(false);
  });

  it('tell why the node did not start and offer doctor', async () => {
    const { startConsole } = await import('./console-harness.ts');
    const pty = startConsole({ env: { DATAMESH_TEST_OFFLINE: '1' } });
    await pty.waitFor('offline', 20_000);
    await pty.waitFor('port 4001 is in use');
    await pty.waitFor('home> doctor');
    expect(promptRow(pty)).toContain('doctor');
    expect(pty.cursor().column).toBe('alder home> '.length);
  });

  it('D.9-32 go on while a command runs, and Ctrl-C cancels it', async () => {
    const pty = await readyConsole({
      columns: 120,
      rows: 40,
      env: { DATAMESH_TEST_DELAY_MS: '400', DATAMESH_TEST_MOVING: '1' },
    });
    pty.enter('cat photos/2019/archive.tar');
    await pty.waitFor('Ctrl-C cancels');
    const clock = () => /\d\d:\d\d:\d\d/.exec(pty.screen()[0] ?? '')?.[0];
    const before = clock();
    await pty.waitUntil('the clock to go on', () => clock() !== before);
    pty.write(KEY.ctrl('c'));
    await pty.waitFor(/cancelled/);
    await pty.waitUntil('the command to end', () => !pty.text().includes('Ctrl-C cancels'));
    pty.write(KEY.ctrl('c'));
    await pty.waitFor('Ctrl-D leaves the console');
  });
});
