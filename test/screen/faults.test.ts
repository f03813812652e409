/** Parts that fail: the rest of the screen goes on, and the terminal is given back in every case. */
import { describe, expect, it } from 'vitest';
import { LAUNCHER } from '../support/cli.ts';
import { startCluster } from '../support/cluster.ts';
import { ptyProgram } from '../support/pty.ts';
import { expectRestored, KEY, readyConsole, startConsole } from './console-harness.ts';

describe('what fails', () => {
  it('D.9-15 a panel that throws shows its error and leaves the prompt alone', async () => {
    const pty = startConsole({ columns: 120, rows: 40, env: { DATAMESH_TEST_BROKEN: 'events' } });
    await pty.waitFor('alder home>', 20_000);
    await pty.waitFor('this panel failed');
    expect(pty.text()).toContain('2 Health');
    expect(pty.text()).toMatch(/1 Peers \d+\/18/);
    pty.enter('list');
    await pty.waitFor('notes/plan.txt');
  });

  it('D.9-14 D.9-25 an engine that has gone: the samples turn old, the console stays and can be left', async () => {
    const pty = await readyConsole({ env: { DATAMESH_TEST_DIES: '2', DATAMESH_TEST_MOVING: '1' } });
    await pty.waitFor('offline', 15_000);
    await pty.waitFor(/stale \d+s/, 15_000);
    pty.enter('help exit');
    await pty.waitFor('Effects: reads only');
    pty.enter('exit');
    expect((await pty.exited).code).toBe(0);
    await pty.waitUntil('the normal screen', () => !pty.alternate());
    expectRestored(pty.raw());
  }, 40_000);

  it('D.9-14 kill -9 of the service it looks into: told, and the terminal comes back', async () => {
    const cluster = await startCluster(1);
    const [node] = cluster.nodes;
    const pty = ptyProgram(process.execPath, [LAUNCHER, '--config', node!.configPath, 'console'], {
      columns: 100,
      rows: 30,
      env: { NODE_ENV: undefined },
    });
    try {
      await pty.waitFor('attached', 20_000);
      await cluster.kill(node!);
      await pty.waitFor('offline', 15_000);
      pty.enter('status');
      await pty.waitFor(/✖ .*error/, 10_000);
      pty.write(KEY.ctrl('d'));
      expect((await pty.exited).code).toBe(0);
      expect(pty.alternate()).toBe(false);
      expectRestored(pty.raw());
    } finally {
      await pty.close();
      await cluster.close();
    }
  }, 60_000);
});
