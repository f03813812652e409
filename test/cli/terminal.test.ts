import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliSetup, cliSetup, LAUNCHER } from '../support/cli.ts';
import { type Pty, type PtyOptions, ptyProgram } from '../support/pty.ts';

let cli: CliSetup;
const open: Pty[] = [];
beforeAll(async () => {
  cli = await cliSetup({
    objects: [
      { name: 'first', content: 'x'.repeat(2048) },
      { name: 'second', content: 'y' },
      { name: '日本語', content: 'z' },
    ],
  });
});
afterAll(async () => {
  for (const pty of open) await pty.close();
  await cli.close();
});

function start(argv: string[], options: PtyOptions = {}): Pty {
  const pty = ptyProgram(process.execPath, [LAUNCHER, ...argv], {
    ...options,
    env: { ...cli.env, ...options.env },
  });
  open.push(pty);
  return pty;
}

describe('on a terminal', { timeout: 60_000 }, () => {
  it('draws a table that fits, with figures for people', async () => {
    const pty = start(['list'], { columns: 60 });
    expect((await pty.exited).code).toBe(0);
    await pty.settled();
    const rows = pty.screen().filter((row) => row !== '');
    expect(rows[0]).toMatch(/^NAME +SIZE +CREATED/);
    expect(rows.slice(1).map((row) => row.split(/\s{2,}/).slice(0, 2))).toEqual([
      ['first', '2.00 KiB'],
      ['second', '1 B'],
      ['日本語', '1 B'],
    ]);
    expect(pty.cell(0, 0).bold).toBe(true);
  });

  it('uses no colour where NO_COLOR is set', async () => {
    const pty = start(['list'], { env: { NO_COLOR: '1', FORCE_COLOR: undefined } });
    await pty.exited;
    await pty.settled();
    expect(pty.raw()).not.toContain('\x1b[');
  });

  it('asks before it deletes; no is the default', async () => {
    const pty = start(['delete', 'first']);
    await pty.waitFor("Delete 'first'?");
    pty.write('\r');
    expect((await pty.exited).code).toBe(130);
    expect((await cli.engine.list()).objects).toHaveLength(3);
  });

  it('deletes after yes, and puts the terminal back', async () => {
    const pty = start(['delete', 'second']);
    await pty.waitFor("Delete 'second'?");
    pty.enter('yes');
    expect((await pty.exited).code).toBe(0);
    expect((await cli.engine.list()).objects.map(({ name }) => name)).not.toContain('second');
  });

  it('Ctrl-C at a question is 130', async () => {
    const pty = start(['delete', 'first']);
    await pty.waitFor("Delete 'first'?");
    pty.write('\x03');
    expect((await pty.exited).code).toBe(130);
  });

  it('never asks with --no-input', async () => {
    const pty = start(['delete', 'first', '--no-input']);
    expect((await pty.exited).code).toBe(2);
    await pty.settled();
    expect(pty.text()).toContain('--yes');
  });

  it('refuses raw bytes, and a script or content typed by hand', async () => {
    for (const argv of [['cat', 'first'], ['batch'], ['put', '-', '--name', 'x']]) {
      const pty = start(argv);
      expect((await pty.exited).code, argv.join(' ')).toBe(2);
    }
  });

  it('does not open the console by itself where CI is set', async () => {
    const pty = start([], { env: { CI: 'true' } });
    expect((await pty.exited).code).toBe(2);
  });
});
