/** The independent checker (tools/check-shards.mjs) reads the disks of real nodes and must count what `health --proved` counts. */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DemoNode } from '../../src/commands/start/demo/nodes.ts';
import { blake3 } from '../../src/engine/codec/hash.ts';
import { realClock } from '../../src/engine/effects/clock.ts';
import { realDisk } from '../../src/engine/effects/real-disk.ts';
import { openShardStore } from '../../src/engine/shardstore/segment-store.ts';
import { shardIdOf } from '../../src/engine/types.ts';
import { runCli } from '../support/cli.ts';
import { type Cluster, startCluster } from '../support/cluster.ts';
import { checkDisks, compareDisks } from '../support/disk-checker.ts';
import { bytesOf } from '../support/memory-mesh.ts';

const SLOW_MS = 240_000;

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster(8);
}, SLOW_MS);
afterAll(() => cluster.close());

/** Flips a byte within every third shard of a segment, as a disk that rots does. */
function rot(node: DemoNode): number {
  const folder = join(node.dataDir, 'shards');
  let rotten = 0;
  for (const name of readdirSync(folder).filter((one) => one.endsWith('.seg'))) {
    const bytes = readFileSync(join(folder, name));
    let number = 0;
    for (let at = bytes.indexOf('DMRC'); at !== -1; at = bytes.indexOf('DMRC', at + 4)) {
      const length = bytes.readUInt32LE(at + 8);
      if (bytes[at + 5] !== 1 || length < 1 || number++ % 3 !== 0) continue;
      bytes[at + 64 + 32 * bytes.readUInt16LE(at + 6) + bytes[at + 22]! + (length >> 1)]! ^= 4;
      rotten++;
    }
    writeFileSync(join(folder, name), bytes, { flag: 'r+' });
  }
  return rotten;
}

/** Every fourth shard of a stopped node is deleted, whoever owns it. */
async function dropSome(node: DemoNode): Promise<number> {
  const store = await openShardStore({
    dir: join(node.dataDir, 'shards'),
    disk: realDisk(),
    clock: realClock(),
    idOf: (bytes) => shardIdOf(blake3(bytes)),
    quotaBytes: 1e10,
    reserveFraction: 0,
  });
  const ids = store.list(undefined, 10_000).filter((_id, at) => at % 4 === 0);
  for (const id of ids) for (const owner of store.stat(id)!.owners) await store.delete(id, owner);
  await store.close();
  return ids.length;
}

test(
  '8 processes: shards deleted, rotten, in folders, a disk wiped, a node dead: not one figure differs',
  async () => {
    const { engine } = cluster.nodes[0]!;
    const disks = [0, 1, 2].map((number) => join(cluster.folder, `disk-${number}`));
    await engine.pools.create('disks', {
      code: { k: 2, m: 1 },
      folders: disks.map((path) => ({ path })),
      separateDisks: true,
    });
    const put = (name: string, lengthBytes: number, pool?: string) =>
      engine.put(bytesOf(randomBytes(lengthBytes)), {
        name,
        sizeBytes: lengthBytes,
        ...(pool === undefined ? {} : { pool }),
      });
    for (let i = 0; i < 12; i++) await put(`small/${i}`, 20_000 + i);
    for (let i = 0; i < 4; i++) await put(`inline/${i}`, 100 + i);
    for (let i = 0; i < 3; i++) await put(`disks/${i}`, 300_000 + i, 'disks');
    await put('large', 30_000_000);
    await put('replaced', 200_000);
    await put('replaced', 300_000);
    await put('deleted', 200_000);
    await engine.delete('deleted');
    // Further names are no further shards.
    await engine.names.duplicate('large', 'a copy');
    await engine.names.duplicate('small/3', 'small/3 again');
    const { shards: spread } = await engine.distribution();

    const everything = [...cluster.nodes.map(({ dataDir }) => dataDir), ...disks];
    const before = await compareDisks(cluster, everything);
    expect(before.found).toMatchObject({ differs: [], objects: 21, ok: 21 });
    expect(before.status).toBe(0);
    expect(spread).toBe(before.found.shardsLive);

    const [, wiped, rotted, dropped, dead] = cluster.nodes as [
      DemoNode,
      DemoNode,
      DemoNode,
      DemoNode,
      DemoNode,
    ];
    for (const node of [wiped, rotted, dropped]) await cluster.kill(node);
    rmSync(join(wiped.dataDir, 'shards'), { recursive: true });
    expect(rot(rotted)).toBeGreaterThan(3);
    expect(await dropSome(dropped)).toBeGreaterThan(3);
    const folder = readdirSync(disks[0]!).find((name) => /^[0-9a-f]{2}$/.test(name))!;
    rmSync(join(disks[0]!, folder), { recursive: true });
    const broken = await checkDisks(cluster, everything, []);
    expect(broken.found.ok).toBeLessThan(21);
    expect(broken.found.shardsLive).toBeLessThan(before.found.shardsLive);
    expect(broken.found.disks.flatMap(({ rotten }) => rotten).length).toBeGreaterThan(3);
    for (const node of [wiped, rotted, dropped]) await cluster.restart(node);
    await cluster.met();
    const after = await compareDisks(cluster, everything);
    expect(after.found).toMatchObject({ differs: [], objects: 21 });
    expect(after.status).toBe(0);

    // The same by `verify`, and for one object by a file that is checked where nothing of datamesh is configured.
    const verified = await cluster.cli(0, ['verify', '--all', '--deep', '--json']);
    expect([0, 3, 7]).toContain(verified.status);
    const report = JSON.parse(verified.stdout.split('\n')[0]!);
    expect(report).toMatchObject({ depth: 'proved', objects: 21, objectsRead: 21 });
    // What the reader remembers it can read, whoever has lost it.
    expect(report.unreadable).toBeLessThanOrEqual(after.found.lost);
    const whole = `small/${[...Array(12).keys()].find((i) => after.found.each.every(({ name }) => name !== `small/${i}`))}`;
    const file = join(cluster.folder, 'proof');
    const proved = await cluster.cli(0, ['prove', whole, '--out', file, '--json']);
    const nobody = { HOME: join(cluster.folder, 'nobody') };
    const checked = await runCli(['prove', '--check', file, '--json'], { env: nobody, timeoutMs: 60_000 });
    expect([checked.status, proved.status]).toEqual([0, 0]);
    expect(checked.stdout).toBe(proved.stdout);

    await cluster.kill(dead);
    const living = everything.filter((path) => path !== dead.dataDir);
    expect((await compareDisks(cluster, living)).found).toMatchObject({ differs: [], objects: 21 });
    // It can tell a difference: without the disk of a living node it counts less than health must.
    const blind = await compareDisks(
      cluster,
      living.filter((path) => path !== cluster.nodes[6]!.dataDir),
    );
    expect(blind.status).toBe(1);
    expect(blind.found.differs.length).toBeGreaterThan(0);
  },
  SLOW_MS,
);
