import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isAlive } from '../support/bin.ts';
import { LAUNCHER } from '../support/cli.ts';

test('a demo that is killed leaves no node running', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dm-tied-'));
  const demo = spawn(
    process.execPath,
    [LAUNCHER, 'demo', '--nodes', '3', '--kill', '1', '--size', '512MiB'],
    {
      env: { PATH: process.env.PATH ?? '', HOME: folder, TMPDIR: folder },
      stdio: 'ignore',
    },
  );
  const pids = async () => {
    const [mesh] = (await readdir(folder)).filter((name) => name.startsWith('datamesh-demo-'));
    if (mesh === undefined) return [];
    const locks = ['node-1', 'node-2', 'node-3'].map((node) =>
      readFile(join(folder, mesh, node, 'LOCK'), 'utf8'),
    );
    const found = await Promise.allSettled(locks);
    return found.flatMap((one) =>
      one.status === 'fulfilled' ? [(JSON.parse(one.value) as { pid: number }).pid] : [],
    );
  };
  const until = async (what: string, check: () => Promise<boolean>) => {
    const end = Date.now() + 30_000;
    while (!(await check())) {
      if (Date.now() > end) throw new Error(`${what} did not come true`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  await until('three nodes', async () => (await pids()).length === 3);
  const nodes = await pids();
  demo.kill('SIGKILL');
  await until('the end of the nodes', async () => !nodes.some(isAlive));
  expect(nodes.map(isAlive)).toEqual([false, false, false]);
  await rm(folder, { recursive: true, force: true });
}, 70_000);
