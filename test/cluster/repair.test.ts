/** The owner's own hand, and what is left of a deleted object: on real processes. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cluster, startCluster } from '../support/cluster.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster(8);
}, 60_000);
afterAll(() => cluster.close());

const bytes = Buffer.alloc(300_000, 'mend me');
async function* source() {
  yield bytes;
}
const until = async (check: () => Promise<boolean>, timeoutMs: number) => {
  const end = performance.now() + timeoutMs;
  while (!(await check())) {
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return true;
};

test('repair tells and mends what a dead node held; a delete reaches the shards that were moved', async () => {
  const owner = cluster.nodes[0]!;
  for (let i = 0; i < 6; i++)
    await owner.engine.put(source(), { name: `object-${i}`, sizeBytes: bytes.length });
  const victim = cluster.nodes[5]!;
  await cluster.kill(victim);
  expect(await until(async () => (await owner.engine.health()).ok < 6, 10_000)).toBe(true);

  const told = await cluster.cli(0, ['repair', '--json']);
  expect(told.status, told.stderr).toBe(3);
  const plan = JSON.parse(told.stdout);
  expect(plan).toMatchObject({ applied: false, objects: 6, shardsRebuilt: 0, stripesLost: 0 });
  expect(plan.shardsMissing).toBeGreaterThan(0);

  const done = await cluster.cli(0, ['repair', '--apply', '--json']);
  expect(done.status, done.stderr).toBe(0);
  const report = JSON.parse(done.stdout);
  expect(report).toMatchObject({ applied: true, shardsUnplaced: 0 });
  expect(await owner.engine.health()).toMatchObject({ objects: 6, ok: 6 });
  // Six shards of 75 KB: k of them for each one rebuilt, and the copies of manifests.
  expect(report.trafficBytes).toBeLessThanOrEqual(report.shardsRebuilt * (4 * 76_000 + 76_000));

  for (let i = 0; i < 6; i++) await owner.engine.delete(`object-${i}`);
  const living = cluster.nodes.filter((node) => node.alive);
  // What is left is the catalog's own, which knows of the deletions: two shards of each segment at a node at most.
  const empty = async () => {
    const own = 2 * (await owner.engine.stats()).mirror!.segments;
    const all = await Promise.all(living.map(async (node) => (await node.engine.status()).store.shards));
    return all.every((shards) => shards <= own);
  };
  expect(await until(empty, 60_000), 'shards are left on living nodes').toBe(true);
}, 120_000);
