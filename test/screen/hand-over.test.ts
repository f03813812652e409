import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { LAUNCHER, runCli } from '../support/cli.ts';
import { startCluster } from '../support/cluster.ts';
import { type Pty, ptyProgram, ptyScript } from '../support/pty.ts';
import { KEY, promptRow } from './console-harness.ts';
import { throughTheWizard } from './wizard-walk.ts';

const ENTRY = resolve(import.meta.dirname, '../support/run-console-entry.tsx');
const open: Pty[] = [];
const folder = mkdtempSync(join(tmpdir(), 'dm-handover-'));
let starts = 0;
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(async () => {
  await Promise.all(open.splice(0).map((pty) => pty.close()));
});

function start(columns = 100, rows = 35): { pty: Pty; config: string } {
  const config = join(folder, `${starts++}`, 'config.json');
  const pty = ptyScript(ENTRY, [config], { columns, rows });
  open.push(pty);
  return { pty, config };
}

describe('first start', () => {
  it('D.9-9 leads from the wizard into the console of a real node; keys typed meanwhile are kept, stored files are listed, the terminal comes back', async () => {
    const { pty, config } = start();
    await throughTheWizard(pty);
    expect(pty.alternate()).toBe(false);
    pty.forget();
    // Write; while that is at work: the Enter that ends the wizard and the beginning of a command in one write, the rest in others.
    pty.write('\r');
    pty.write('\rst');
    pty.write('at');
    pty.write('us');
    await pty.waitUntil('the second screen', () => pty.alternate(), 15_000);
    await pty.waitUntil('the typed-ahead line', () => promptRow(pty).endsWith('> status'), 15_000);
    expect(statSync(config).mode & 0o777).toBe(0o600);
    pty.write('\r');
    await pty.waitFor('Data folder', 15_000);
    await pty.waitFor('online');
    const file = join(pty.home, 'hello world.txt');
    writeFileSync(file, 'hello from the console\n');
    pty.enter(`put '${file}' --name hello --allow-degraded --code 1+2`);
    await pty.waitUntil('the put to end', () => !pty.text().includes('Ctrl-C cancels'), 15_000);
    await pty.settled();
    pty.enter('clear; list');
    await pty.waitFor(/NAME .*\n.*hello +23 B/);
    // The console's own node takes up its configuration as a service does.
    const stranger = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp';
    pty.enter(`clear; peer ban ${stranger} --yes`);
    await pty.waitFor('the running node has taken up access.deny');
    pty.enter('clear; undo');
    await pty.waitFor(/Banned +no/);
    pty.enter('exit');
    expect((await pty.exited).code).toBe(0);
    await pty.waitUntil('the normal screen', () => !pty.alternate());
    expect(pty.raw().lastIndexOf('\u001b[?25h')).toBeGreaterThan(pty.raw().lastIndexOf('\u001b[?25l'));
    const history = readFileSync(join(pty.home, 'state/datamesh/history.jsonl'), 'utf8');
    expect(history).toContain('"cmd":"status"');
  }, 60_000);

  it('the whole tour in a shell: wizard, console, put over a mesh, a holder killed, health, repair, quit; the terminal is as before', async () => {
    const cluster = await startCluster(6);
    try {
      // A shell as a person has one: what the terminal was set to is asked of the terminal itself, before and after.
      const script =
        'stty -g > before; "$NODE" "$LAUNCHER"; echo "ended with $?"; stty -g > after; read -r wait';
      const pty = ptyProgram('/bin/bash', ['--norc', '-c', script], {
        columns: 110,
        rows: 40,
        env: {
          NODE: process.execPath,
          LAUNCHER,
          NODE_ENV: undefined,
          // The one answer that the wizard does not ask for.
          DATAMESH_NETWORK_NAME: 'demo',
        },
      });
      open.push(pty);
      await throughTheWizard(pty, { 'Addresses of nodes': cluster.nodes[0]!.address });
      // The dialled node answered: the wizard says so, and nothing of the kind that "may continue".
      expect(pty.raw()).toContain(cluster.nodes[0]!.address.slice(0, 30));
      pty.write('\r');
      await pty.waitFor('This node is set up');
      pty.write('\r');
      await pty.waitUntil('the second screen', () => pty.alternate(), 20_000);
      await pty.waitFor(/peers 6\/6/, 20_000);

      const content = randomBytes(5_000_000);
      writeFileSync(join(pty.home, 'tour.bin'), content);
      pty.enter('put tour.bin');
      await pty.waitFor(/Shards durable +\d+/, 20_000);
      expect(pty.text()).toMatch(/Code +4\+2/);
      expect(pty.text()).toMatch(/Nodes +[67]/);
      expect(pty.text()).not.toContain('degraded');
      pty.enter('clear; list');
      await pty.waitFor(/NAME .*\n.*tour\.bin +4\.\d+ MiB/);
      pty.enter('clear; health');
      await pty.waitFor(/Whole +1/);
      expect(pty.text()).toMatch(/Lost +0/);
      // Another terminal speaks to the same node, and reads what was put here.
      const home = {
        HOME: pty.home,
        XDG_CONFIG_HOME: join(pty.home, 'config'),
        XDG_DATA_HOME: join(pty.home, 'data'),
      };
      const cat = await runCli(['get', 'tour.bin', join(pty.home, 'copy')], { env: home });
      expect(cat.status, cat.stderr).toBe(0);
      expect(readFileSync(join(pty.home, 'copy')).equals(content)).toBe(true);

      // One of the holders dies, as foretold; the panel sees it by itself, and a repair makes the file whole on who is left.
      const foretold = async (name: string) => {
        const { stdout } = await runCli(['whatif', 'lose', name, '--objects', '--json'], { env: home });
        return stdout.split('\n').filter((line) => line !== '');
      };
      const names = cluster.nodes.slice(1).map(({ name }) => name);
      const holders = await Promise.all(
        names.map(async (name) => ((await foretold(name)).length > 0 ? [name] : [])),
      );
      const victim = cluster.nodes.find(({ name }) => name === holders.flat()[0])!;
      pty.enter(`clear; whatif lose ${victim.name}`);
      await pty.waitFor(/objects +degraded +0 +1/);
      await cluster.kill(victim);
      await pty.waitFor(/peers 5\/6/, 20_000);
      await pty.waitFor(/objects +▲ 1 deg/, 20_000);
      pty.enter('clear; repair --apply');
      await pty.waitFor(/Shards rebuilt +[1-9]/, 20_000);
      pty.enter('clear; health');
      await pty.waitFor(/Whole +1/);
      await pty.waitFor(/objects +✔ 1 ok/, 20_000);

      // The console samples its engine once a second; while it still sees that work, leaving is a question.
      await pty.waitFor(/4 Jobs +0 running/);
      pty.write(KEY.ctrl('d'));
      await pty.waitFor('ended with 0', 20_000);
      expect(pty.alternate()).toBe(false);
      expect(pty.cursor().visible).toBe(true);
      // What the wizard asked stays in the scrollback, and what the console drew does not.
      expect(pty.text()).not.toContain('1 Peers');
      await pty.waitUntil(
        'the shell',
        () => (statSync(join(pty.home, 'after'), { throwIfNoEntry: false })?.size ?? 0) > 0,
      );
      expect(readFileSync(join(pty.home, 'after'), 'utf8')).toBe(
        readFileSync(join(pty.home, 'before'), 'utf8'),
      );
      for (const [on, off] of [
        ['\u001b[?1049h', '\u001b[?1049l'],
        ['\u001b[?2004h', '\u001b[?2004l'],
        ['\u001b[?25l', '\u001b[?25h'],
      ] as const)
        expect(pty.raw().lastIndexOf(off), JSON.stringify(off)).toBeGreaterThan(pty.raw().lastIndexOf(on));
      // The node has let go of its folder.
      const status = await runCli(['service', 'status'], { env: home });
      expect(status.status).toBe(5);
    } finally {
      await cluster.close();
    }
  }, 120_000);

  it('leaves nothing behind when the wizard is left', async () => {
    const { pty, config } = start();
    await pty.waitFor('datamesh set-up', 20_000);
    pty.write(KEY.ctrl('c'));
    await pty.settled(200);
    pty.write('y');
    await pty.settled(200);
    pty.write('\r');
    expect((await pty.exited).code).toBe(130);
    expect(() => statSync(config)).toThrow();
    expect(pty.alternate()).toBe(false);
  }, 40_000);
});
