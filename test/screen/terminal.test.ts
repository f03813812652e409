import { describe, expect, it } from 'vitest';
import { expectRestored, KEY, promptRow, readyConsole, startConsole } from './console-harness.ts';

describe('the terminal', () => {
  it.each([
    ['exit', 'exit\r', 0],
    // A job of the node runs: the console asks first.
    ['Ctrl-D and a yes', `${KEY.ctrl('d')}y`, 0],
  ])('D.9-14 is restored after %s', async (_name, typed, code) => {
    const pty = await readyConsole();
    pty.write(typed);
    expect((await pty.exited).code).toBe(code);
    await pty.waitUntil('the normal screen', () => !pty.alternate());
    expectRestored(pty.raw());
  });

  it.each([
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGINT', 130],
  ])('D.9-14 is restored after %s', async (name, code) => {
    const pty = await readyConsole();
    pty.signal(name);
    expect((await pty.exited).code).toBe(code);
    await pty.waitUntil('the normal screen', () => !pty.alternate());
    expectRestored(pty.raw());
  });

  it('D.9-14 is restored after an uncaught exception, which is told', async () => {
    const pty = await readyConsole({ env: { DATAMESH_TEST_CRASH: '1' } });
    expect((await pty.exited).code).toBe(70);
    await pty.waitUntil('the normal screen', () => !pty.alternate());
    expectRestored(pty.raw());
    expect(pty.text()).toContain('boom');
  });

  it('D.9-26 sees no colour code under NO_COLOR, and the selection all the same', async () => {
    const pty = await readyConsole({ env: { NO_COLOR: '1', FORCE_COLOR: undefined } });
    pty.write(KEY.tab);
    await pty.settled();
    // 30–37, 38, 39, 40–49, 90–107 colour; 0, 1, 2, 7 do not.
    expect(pty.raw()).not.toMatch(/\u001b\[(?:\d+;)*(?:3\d|4\d|9\d|10[0-7])(?:;\d+)*m/);
    expect(Array.from({ length: 24 }, (_, row) => pty.cell(3, row).inverse)).toContain(true);
  });

  it('D.9-26 gets only ASCII where the locale is not UTF-8', async () => {
    const pty = startConsole({ env: { LANG: 'C', LC_ALL: 'C' } });
    await pty.waitFor('alder home>', 20_000);
    await pty.waitFor('PEER');
    await pty.settled();
    expect(pty.text()).toContain('+- 1 Peers');
    pty.enter('list');
    await pty.waitFor('notes/plan.txt');
    expect(pty.raw()).toMatch(/^[\u0000-\u007f]*$/);
  });

  it('D.9-31 is given back by Ctrl-Z and taken again', async () => {
    const pty = await readyConsole();
    pty.write('info x');
    await pty.waitFor('home> info x');
    pty.forget();
    pty.write(KEY.ctrl('z'));
    await pty.waitUntil('the normal screen was there', () => pty.raw().includes('\u001b[?1049l'));
    // No shell waits for this process, so it is not stopped and comes back by itself; `fg` takes the same way.
    await pty.waitUntil('the console again', () => pty.alternate() && promptRow(pty).endsWith('> info x'));
    await pty.waitFor('1 Peers');
    pty.write(' y');
    await pty.waitFor('home> info x y');
    expect(pty.raw().lastIndexOf('\u001b[?2004h')).toBeGreaterThan(pty.raw().lastIndexOf('\u001b[?2004l'));
  });

  it('is given back at a SIGTSTP from outside, and taken again', async () => {
    const pty = await readyConsole();
    pty.write('info x');
    await pty.waitFor('home> info x');
    pty.forget();
    pty.signal('SIGTSTP');
    await pty.waitUntil('the normal screen was there', () => pty.raw().includes('\u001b[?1049l'));
    await pty.waitUntil('the console again', () => pty.alternate() && promptRow(pty).endsWith('> info x'));
    expect(pty.raw().lastIndexOf('\u001b[?2004h')).toBeGreaterThan(pty.raw().lastIndexOf('\u001b[?2004l'));
  });

  it('is drawn anew when the console goes on after a SIGSTOP', async () => {
    const pty = await readyConsole();
    await pty.waitFor('1 Peers');
    pty.signal('SIGSTOP');
    await pty.settled();
    pty.forget();
    pty.signal('SIGCONT');
    await pty.waitUntil('the console again', () => pty.raw().includes('\u001b[?1049h') && pty.alternate());
    await pty.waitFor('1 Peers');
    pty.enter('cat notes/plan.txt');
    await pty.waitFor('line two');
  });

  it('D.9-27 is drawn also where CI is set: the console was asked for by name', async () => {
    const pty = await readyConsole({ env: { CI: 'true' } });
    expect(pty.alternate()).toBe(true);
  });

  it('D.9-13 is never cleared after the first frame, and every frame is synchronised', async () => {
    const pty = await readyConsole({ columns: 120, rows: 40, env: { DATAMESH_TEST_MOVING: '1' } });
    pty.forget();
    const frames = () => pty.raw().split('\u001b[?2026h').length - 1;
    for (let at = 0; at < 100; at++) {
      pty.write('abc');
      await pty.waitUntil('the letters', () => promptRow(pty).endsWith('abc'));
      pty.write(KEY.ctrl('u'));
      await pty.waitUntil('an empty line', () => promptRow(pty).endsWith('>'));
    }
    expect(frames()).toBeGreaterThanOrEqual(200);
    const raw = pty.raw();
    expect(raw).not.toMatch(/\u001b\[[23]J/);
    const outside = raw.replace(/\u001b\[\?2026h[\s\S]*?\u001b\[\?2026l/g, '');
    // What a frame that is being written right now may leave at the end.
    expect(outside.replace(/\u001b\[\?2026h[\s\S]*$/, '')).toBe('');
  }, 60_000);
});
