/** `datamesh` without a command, on every kind of standard input and output, with and without a configuration: the right mode, and never a hang. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type CliSetup, cliSetup, LAUNCHER, runCli } from '../support/cli.ts';
import { type Pty, type PtyOptions, ptyProgram } from '../support/pty.ts';

/** Starting node and the commands on a busy machine. */
const START_MS = 20_000;

let cli: CliSetup;
let empty: string;
const open: Pty[] = [];
beforeAll(async () => {
  cli = await cliSetup({ objects: [{ name: 'only one', content: 'x' }] });
  empty = mkdtempSync(join(tmpdir(), 'dm-modes-'));
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((pty) => pty.close()));
});
afterAll(async () => {
  await cli.close();
  rmSync(empty, { recursive: true, force: true });
});

/** In a shell on a terminal, so that either side can be redirected; the status is printed at the end. */
function shell(line: string, configured: boolean, options: PtyOptions = {}): Pty {
  const script = `datamesh() { "${process.execPath}" "${LAUNCHER}" "$@"; }; ${line}; echo "status $?"; read -r wait`;
  const pty = ptyProgram('/bin/bash', ['--norc', '-c', script], {
    ...options,
    env: { NODE_ENV: undefined, ...(configured ? cli.env : {}), ...options.env },
  });
  open.push(pty);
  return pty;
}

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';

describe('on a terminal', { timeout: 60_000 }, () => {
  it('without a configuration: the wizard; leaving it is 130', async () => {
    const pty = shell('datamesh', false);
    await pty.waitFor('datamesh set-up', START_MS);
    pty.write(CTRL_C);
    await pty.waitFor('Leave?');
    pty.write('y');
    await pty.waitFor('status 130');
  });

  it('with a configuration: the console', async () => {
    const pty = shell('datamesh', true);
    await pty.waitUntil('the second screen', () => pty.alternate(), START_MS);
    await pty.waitFor('1 Peers');
    pty.write(CTRL_D);
    await pty.waitFor(/status 0|leave/i);
  });

  it('a key pressed as the first thing appears counts: in the console and in the wizard', async () => {
    const console = shell('datamesh', true, { quick: { seen: '\u001b[?1049h', keys: CTRL_D } });
    await console.waitFor(/status 0|leave/i, START_MS);
    const wizard = shell('datamesh', false, { quick: { seen: '\u001b', keys: CTRL_C } });
    await wizard.waitFor('Leave?', START_MS);
    const init = shell('datamesh init', false, { quick: { seen: '\u001b', keys: CTRL_C } });
    await init.waitFor('Leave?', START_MS);
  });

  it.each<[string, string, PtyOptions]>([
    ['is small', 'datamesh', { columns: 59, rows: 15 }],
    ['is read aloud', 'ACCESSIBLE=1 datamesh', {}],
    ['is dumb', 'TERM=dumb datamesh', {}],
  ])('that %s: the line console, with every command', async (_, line, options) => {
    const pty = shell(line, true, options);
    await pty.waitFor(/main>\s*$/m, START_MS);
    expect(pty.alternate()).toBe(false);
    pty.enter('list --columns name');
    await pty.waitFor('only one');
    pty.write(CTRL_D);
    await pty.waitFor('status 0');
  });

  it.each([true, false])(
    'where CI is set (configured: %s): a message, and no question',
    async (configured) => {
      const pty = shell('datamesh', configured, { env: { CI: '1' }, columns: 200 });
      await pty.waitFor('status 2', START_MS);
      expect(pty.text()).toMatch(/error\[DM-2008\]: the variable CI is set, .*datamesh console/);
    },
  );
});

describe('when one side is no terminal', { timeout: 60_000 }, () => {
  it.each([true, false])('stdout goes to a pipe (configured: %s): a message', async (configured) => {
    const pty = shell('datamesh | cat; (exit ${PIPESTATUS[0]})', configured, { columns: 200 });
    await pty.waitFor('status 2', START_MS);
    expect(pty.text()).toMatch(/error\[DM-2008\]: standard output is not a terminal; .*datamesh batch/);
  });

  it('stdin is a script: it runs', async () => {
    const pty = shell('echo "list --columns name" | datamesh', true);
    await pty.waitFor('status 0', START_MS);
    expect(pty.text()).toContain('only one');
  });

  it.each([
    ['empty', '< /dev/null'],
    ['closed', '<&-'],
    ['blank', '<<< " "'],
  ])('stdin is %s: short help', async (_, redirection) => {
    const pty = shell(`datamesh ${redirection}`, true, { columns: 200 });
    await pty.waitFor('status 2', START_MS);
    expect(pty.text()).toContain('Usage: datamesh [COMMAND]');
    expect(pty.text()).toMatch(/error\[DM-2002\]: nothing came in over standard input/);
  });

  it('neither is, and there is no configuration: each line says what is missing, and CI changes nothing', async () => {
    for (const env of [{}, { CI: 'true' }]) {
      const nothing = await runCli([], { env: { HOME: empty, ...env } });
      expect(nothing).toMatchObject({ status: 2, stdout: '' });
      const script = await runCli([], { env: { HOME: empty, ...env }, input: 'list\n' });
      expect(script).toMatchObject({ status: 4, stdout: '' });
      expect(script.stderr).toMatch(/DM-4001.*datamesh init/);
    }
  });

  it('the console asked for by name is refused without a terminal, and attached only to a service', async () => {
    const refused = await cli.run(['console']);
    expect(refused).toMatchObject({ status: 2, stdout: '' });
    const config = join(empty, 'config.json');
    writeFileSync(config, JSON.stringify({ version: 1, node: { dataDir: join(empty, 'data') } }), {
      mode: 0o600,
    });
    const pty = shell(`datamesh console --attach --config '${config}'`, false, { columns: 200 });
    await pty.waitFor(/status 5|service start/, START_MS);
    expect(pty.text()).toMatch(/no service runs on .*data/);
  });
});
