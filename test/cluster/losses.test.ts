import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ObjectDetail } from '../../src/engine/engine.ts';
import type { PeerId } from '../../src/engine/types.ts';
import { type Cluster, startCluster } from '../support/cluster.ts';
import { randomFile, sha256 } from '../support/files.ts';

let cluster: Cluster;
let file: string;
beforeAll(async () => {
  cluster = await startCluster(7);
  file = join(cluster.folder, 'hundred');
  await randomFile(file, 100_000_000);
}, 60_000);
afterAll(() => cluster.close());

const nodeOf = (peer: PeerId) => cluster.nodes.find((node) => node.peerId === peer)!;

/** Nodes that hold a shard of the first stripe, the putting node and the manifest's holders last. */
function holdersOfFirstStripe(detail: ObjectDetail) {
  const manifest = new Set(detail.manifest.shards.map(({ holder }) => holder));
  const holders = detail.stripesDetail[0]!.shards.map(({ holder }) => nodeOf(holder));
  return holders
    .filter((node) => node !== cluster.nodes[0])
    .sort((a, b) => Number(manifest.has(a.peerId)) - Number(manifest.has(b.peerId)));
}

test('seven processes, 100 MB, two holders killed: identical bytes; two more: exit 7 and no file', async () => {
  await cluster.ok(0, ['put', file, '--name', 'data']);
  const detail = await cluster.nodes[0]!.engine.info('data');
  expect(detail.state).toBe('ok');
  const victims = holdersOfFirstStripe(detail);

  await Promise.all(victims.slice(0, 2).map(cluster.kill));
  const copy = join(cluster.folder, 'copy');
  await cluster.ok(0, ['get', 'data', copy]);
  expect(await sha256(copy)).toBe(await sha256(file));

  // Three nodes are left, whatever was repaired meanwhile: three shards of a stripe at most, two where nothing was.
  await Promise.all(victims.slice(2, 4).map(cluster.kill));
  const before = readdirSync(cluster.folder);
  const failed = await cluster.cli(0, ['get', 'data', join(cluster.folder, 'never')]);
  expect(failed.status).toBe(7);
  expect(failed.stderr).toMatch(/error\[DM-7001\].*stripe 1 of 24 of "data": [23] of the 4 shards/);
  expect(failed.stderr).toMatch(/missing: shard \d \(holder \w+\), shard \d/);
  expect(existsSync(join(cluster.folder, 'never'))).toBe(false);
  expect(readdirSync(cluster.folder)).toEqual(before);

  const health = await cluster.nodes[0]!.engine.health();
  expect(health).toMatchObject({ objects: 1, lost: 1, ok: 0 });
  expect(health.silentPeers.length).toBe(4);
}, 120_000);
