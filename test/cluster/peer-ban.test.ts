/** `peer ban`, `peer unban` and `peer name` against running services, as a person would use them: the same processes from beginning to end. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Cluster, startCluster } from '../support/cluster.ts';
import { until } from '../support/until.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster(5, { k: 2, m: 1 });
}, 120_000);
afterAll(() => cluster.close());

type Row = Record<string, unknown>;

async function records(...argv: string[]): Promise<Row[]> {
  const { stdout } = await cluster.ok(0, [...argv, '--json']);
  const lines = stdout.trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Row);
}
const stateOf = async (peerId: unknown) => (await records('peers')).find((row) => row.peerId === peerId);

it('a ban holds in the running node at once, health tells of it by the nickname, and unban lets the peer in again', async () => {
  const pids = cluster.nodes.map(({ pid }) => pid);
  const content = randomBytes(3_000_000);
  writeFileSync(join(cluster.folder, 'kept.bin'), content);
  await cluster.ok(0, ['put', 'kept.bin']);
  const holders = await records('distribution', '--by', 'node');
  const self = cluster.nodes[0]!.name;
  const holder = holders.find((row) => row.name !== self && (row.shards as number) > 0)!;
  const [named] = await records('peer', 'name', holder.name as string, 'Attic.box');
  expect(named).toMatchObject({ nickname: 'Attic.box', ownName: holder.name, before: null });
  const { peerId } = named!;
  expect(await stateOf(peerId)).toMatchObject({ name: 'Attic.box', ownName: holder.name, banned: false });

  // Nobody is there to be asked.
  expect((await cluster.cli(0, ['peer', 'ban', 'Attic.box'])).status).not.toBe(0);
  expect(await stateOf(peerId)).toMatchObject({ banned: false, state: 'active' });

  const [banned] = await records('peer', 'ban', 'Attic.box', '--yes');
  expect(banned).toMatchObject({ peerId, banned: true, objectsChanged: 1, objectsLost: 0 });
  expect(banned!.shards).toBeGreaterThan(0);
  await until('it is offline', async () => (await stateOf(peerId))?.state === 'offline', 40_000);
  expect(await stateOf(peerId)).toMatchObject({ banned: true });
  const health = await cluster.ok(0, ['health']);
  expect(health.stdout + health.stderr).toMatch(/Attic\.box is banned here/);
  // k of the other shards give the file back.
  await cluster.ok(0, ['get', 'kept.bin', 'back.bin']);
  expect(readFileSync(join(cluster.folder, 'back.bin')).equals(content)).toBe(true);

  await cluster.ok(0, ['peer', 'unban', 'Attic.box']);
  await until('it is back', async () => (await stateOf(peerId))?.state === 'active', 40_000);
  expect(await stateOf(peerId)).toMatchObject({ banned: false });
  await cluster.ok(0, ['peer', 'name', 'Attic.box']);
  expect(await stateOf(peerId)).toMatchObject({ name: holder.name, nickname: null });
  expect(cluster.nodes.map(({ pid }) => pid)).toEqual(pids);
}, 180_000);
