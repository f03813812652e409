/** Six processes in three zones: the rule of a pool over zones, and what it is worth when a whole zone is killed. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PeerId } from '../../src/engine/types.ts';
import { type Cluster, startCluster } from '../support/cluster.ts';
import { randomFile, sha256 } from '../support/files.ts';

const ZONES = ['fra', 'ams', 'par'];
const zoneOf = (number: number) => ZONES[(number - 1) % ZONES.length]!;
let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster(6, { k: 4, m: 2 }, zoneOf);
}, 60_000);
afterAll(() => cluster.close());

const zoneOfPeer = (peer: PeerId) => zoneOf(cluster.nodes.findIndex((node) => node.peerId === peer) + 1);

test('10+4 over three zones is refused with the arithmetic and exit 5', async () => {
  const refused = await cluster.cli(0, ['pool', 'create', 'big', '--code', '10+4', '--domain', 'zone']);
  expect(refused.status).toBe(5);
  expect(refused.stderr).toMatch(
    /error\[DM-5004\]: 10\+4 over zones needs ≥ 4 zones with 4 shards at most in each: 14\/4; this mesh has 3 zones/,
  );
  const listed = await cluster.ok(0, ['pool', 'list', '--json']);
  expect(listed.stdout).not.toMatch(/"big"/);
});

test('4+2 over zones: never more than two shards of a stripe in one; a zone killed, every read succeeds', async () => {
  const made = await cluster.ok(0, ['pool', 'create', 'safe', '--code', '4+2', '--domain', 'zone', '--json']);
  expect(JSON.parse(made.stdout)).toMatchObject({
    survivesZones: 1,
    survivesNodes: 2,
    accepted: true,
    whole: true,
  });
  const file = join(cluster.folder, 'file');
  await randomFile(file, 20_000_000);
  const small = join(cluster.folder, 'small');
  await randomFile(small, 1000);
  const put = await cluster.ok(0, ['put', file, '--name', 'big', '--pool', 'safe', '--json']);
  expect(JSON.parse(put.stdout)).toMatchObject({
    pool: 'safe',
    domain: 'zone',
    degraded: false,
    survives: { zone: 1, node: 2 },
  });
  for (let i = 0; i < 5; i++) await cluster.ok(0, ['put', small, '--name', `small ${i}`, '--pool', 'safe']);

  for (const name of ['big', 'small 0', 'small 1', 'small 2', 'small 3', 'small 4']) {
    const { manifest, stripesDetail } = await cluster.nodes[0]!.engine.info(name);
    for (const { shards } of [manifest, ...stripesDetail]) {
      const byZone = Map.groupBy(shards, ({ holder }) => zoneOfPeer(holder));
      for (const some of byZone.values()) expect(some.length).toBeLessThanOrEqual(2);
    }
  }
  const spread = await cluster.ok(0, ['distribution', '--pool', 'safe', '--by', 'zone', '--check', '--json']);
  const rows = spread.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const zones = rows.filter((row) => row.level === 'zone');
  expect(zones.map((row) => row.id).sort()).toEqual([...ZONES].sort());
  const { shards } = await cluster.nodes[0]!.engine.distribution();
  expect(zones.reduce((sum, row) => sum + row.shards, 0)).toBe(shards);

  const victims = cluster.nodes.filter((_node, i) => zoneOf(i + 1) === 'par');
  expect(victims).toHaveLength(2);
  await Promise.all(victims.map(cluster.kill));
  const copy = join(cluster.folder, 'copy');
  await cluster.ok(0, ['get', 'big', copy]);
  expect(await sha256(copy)).toBe(await sha256(file));
  for (let i = 0; i < 5; i++) {
    const back = join(cluster.folder, `back ${i}`);
    await cluster.ok(0, ['get', `small ${i}`, back]);
    expect(await sha256(back)).toBe(await sha256(small));
  }

  // Two zones are left once the dead are noticed: what the pool promises cannot be kept any more, and is not claimed.
  await expect
    .poll(async () => (await cluster.nodes[0]!.engine.pools.show('safe')).now.accepted, { timeout: 30_000 })
    .toBe(false);
  const late = await cluster.cli(0, ['put', small, '--name', 'late', '--pool', 'safe']);
  expect(late.status).toBe(5);
  expect(late.stderr).toMatch(/4\+2 over zones needs ≥ 3 zones .* this mesh has 2 zones/);
}, 120_000);
