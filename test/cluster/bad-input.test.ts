/** What goes wrong while a command is at work on a real mesh: one clear line, the right status, and nothing left behind. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cluster, startCluster } from '../support/cluster.ts';
import { randomFile } from '../support/files.ts';

const FILE_BYTES = 300_000_000;
const ONE_LINE = /^error\[DM-\d+\]: [^\n]*\n$/;

let cluster: Cluster;
let file: string;
beforeAll(async () => {
  cluster = await startCluster(3, { k: 2, m: 1 });
  file = join(cluster.folder, 'large');
  await randomFile(file, FILE_BYTES);
}, 60_000);
afterAll(() => cluster.close());

const pause = () => new Promise((resolve) => setTimeout(resolve, 20));
const shardsOf = async (index: number) => (await cluster.nodes[index]!.engine.status()).store.shards;

async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await pause();
  }
}

test('a code that this mesh is too small for is refused before a byte is sent', async () => {
  const shards = await shardsOf(1);
  const result = await cluster.cli(0, ['put', file, '--code', '4+2', '--name', 'wide']);
  expect(result).toMatchObject({ status: 5, stdout: '' });
  expect(result.stderr).toMatch(ONE_LINE);
  expect(result.stderr).toMatch(/4\+2 needs 6 nodes and this mesh has 3 .*--code 2\+1 needs 3/);
  expect(await shardsOf(1)).toBe(shards);
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)(
  '%s in the middle of a put that is not to be resumed: %i, and the shards are taken back',
  async (signal, status) => {
    const result = await cluster.cli(0, ['put', file, '--name', 'halved', '--no-resume'], {
      started(child) {
        void until('shards on the way', async () => (await shardsOf(1)) > 3).then(() => child.kill(signal));
      },
    });
    expect({ status: result.status, stdout: result.stdout }, result.stderr).toEqual({ status, stdout: '' });
    expect(result.stderr).toMatch(/^(?:error\[DM-130001\]: [^\n]*\n)?$/);
    const info = await cluster.cli(0, ['info', 'halved']);
    expect(info.status).toBe(8);
    await until('no shard of it to be left', async () => {
      const left = await Promise.all(cluster.nodes.map((_, index) => shardsOf(index)));
      return left.every((shards) => shards === 0);
    });
  },
  60_000,
);

test('SIGINT in the middle of a get: 130, no file and no part of one', async () => {
  await cluster.ok(0, ['put', file, '--name', 'whole']);
  const before = readdirSync(cluster.folder).sort();
  const isNew = (name: string) => !before.includes(name);
  const result = await cluster.cli(0, ['get', 'whole', 'copy'], {
    started(child) {
      void until('a part', () => readdirSync(cluster.folder).some(isNew)).then(() => child.kill('SIGINT'));
    },
  });
  expect({ status: result.status, stdout: result.stdout }, result.stderr).toEqual({
    status: 130,
    stdout: '',
  });
  expect(readdirSync(cluster.folder).sort()).toEqual(before);
}, 60_000);

test('the service is killed while a client waits: one line, no part of a file, and its folder can be used again', async () => {
  const serving = cluster.nodes[2]!;
  const before = readdirSync(cluster.folder).sort();
  const shared = (await cluster.ok(0, ['info', 'whole', '--json'])).stdout;
  expect(JSON.parse(shared.split('\n')[0]!)).toMatchObject({ state: 'ok' });
  const waiting = cluster.cli(2, ['put', file, '--name', 'cut off']);
  await until('the put', async () =>
    (await serving.engine.snapshot()).jobs.some(({ state }) => state === 'running'),
  );
  await cluster.kill(serving);
  const result = await waiting;
  expect({ status: result.status, stdout: result.stdout }, result.stderr).toEqual({ status: 5, stdout: '' });
  expect(result.stderr).toMatch(ONE_LINE);
  expect(result.stderr).toMatch(/service .*(?:stopped|ended|gone|broke)/);
  expect(readdirSync(cluster.folder).sort()).toEqual(before);
  // Nothing of the killed process stands in the way: the command starts a node of its own for as long as it needs one.
  const status = await cluster.ok(2, ['status', '--json']);
  expect(JSON.parse(status.stdout)).toMatchObject({ mode: 'embedded', objects: 0 });
  expect(existsSync(join(serving.dataDir, 'LOCK'))).toBe(false);
  await cluster.restart(serving);
  const log = readFileSync(join(serving.dataDir, 'service.log'), 'utf8');
  expect(log).not.toMatch(/DM-70001|(?:\n|\\n)\s+at /);
}, 60_000);
