/** Real processes: what a killed put left is collected by two cleanups, puts under way lose nothing, and the holders' disks say so. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setInFile } from '../../src/config/store.ts';
import { openCatalog } from '../../src/engine/catalog/sqlite-catalog.ts';
import { blake3 } from '../../src/engine/codec/hash.ts';
import { realClock } from '../../src/engine/effects/clock.ts';
import { realDisk } from '../../src/engine/effects/real-disk.ts';
import { openShardStore } from '../../src/engine/shardstore/segment-store.ts';
import { shardIdOf } from '../../src/engine/types.ts';
import { type Cluster, startCluster } from '../support/cluster.ts';

const SLOW_MS = 300_000;

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster(7);
  // The delay only delays; here it would delay the test.
  for (const node of cluster.nodes) await setInFile(node.configPath, 'cleanup.delayHours', 0);
  const [first] = cluster.nodes;
  await cluster.kill(first!);
  await cluster.restart(first!);
  await cluster.met();
}, SLOW_MS);
afterAll(() => cluster.close());

/** Every shard on every disk, read from the segments of the stopped nodes. */
async function onDisks(): Promise<Set<string>> {
  const found = new Set<string>();
  for (const node of cluster.nodes) {
    const store = await openShardStore({
      dir: join(node.dataDir, 'shards'),
      disk: realDisk(),
      clock: realClock(),
      idOf: (bytes) => shardIdOf(blake3(bytes)),
      quotaBytes: 1e12,
      reserveFraction: 0,
    });
    for (let cursor: ReturnType<typeof store.list>[number] | undefined; ; ) {
      const page = store.list(cursor, 1000);
      for (const id of page) found.add(id);
      if (page.length < 1000) break;
      cursor = page.at(-1);
    }
    await store.close();
  }
  return found;
}

/** Ids of all shards of all objects, by `info`. */
async function live(): Promise<Set<string>> {
  const ids = new Set<string>();
  const listed = (await cluster.ok(0, ['list', '--json'])).stdout.trim().split('\n').filter(Boolean);
  const { engine } = cluster.nodes[0]!;
  for (const { name } of listed.map((line) => JSON.parse(line) as { name: string })) {
    const detail = await engine.info(name, { stripeLimit: 10_000 });
    ids.add(detail.objectId);
    for (const { shards } of detail.stripesDetail) for (const { shardId } of shards) ids.add(shardId);
  }
  return ids;
}

const cleanup = async (...argv: string[]) => {
  const { status, stdout, stderr } = await cluster.cli(0, ['cleanup', '--json', ...argv]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout) as {
    marked: number;
    swept: number;
    waiting: number;
    blocked: string[];
    waits: string[];
  };
};

test(
  'a put whose node is killed leaves orphans; two cleanups leave exactly the live shards',
  async () => {
    const file = (name: string, bytes: number) => {
      const path = join(cluster.folder, name);
      writeFileSync(path, randomBytes(bytes));
      return path;
    };
    await cluster.ok(0, ['put', file('kept', 3_000_000), '--name', 'kept']);
    // Too short to be gone on with: what it stored belongs to nothing once its node is dead.
    const doomed = file('doomed', 15_000_000);
    const [first] = cluster.nodes;
    let plan: Awaited<ReturnType<typeof cleanup>> | undefined;
    for (let attempt = 0; !plan?.marked && attempt < 8; attempt++) {
      const before = await shardsAtOthers();
      const argv = ['--config', first!.configPath, 'put', doomed, '--name', 'doomed'];
      const child = spawn(
        process.execPath,
        [new URL('../../bin/datamesh', import.meta.url).pathname, ...argv],
        {
          stdio: 'ignore',
          env: { ...process.env, HOME: cluster.folder },
        },
      );
      const ended = new Promise((resolve) => child.once('exit', resolve));
      for (let waited = 0; waited < 400 && (await shardsAtOthers()) <= before + 2; waited++) await sleep(5);
      await cluster.kill(first!);
      await ended;
      await cluster.restart(first!);
      await cluster.met();
      const names = (await cluster.ok(0, ['list', '--json'])).stdout;
      if (names.includes('doomed')) await cluster.ok(0, ['delete', 'doomed', '--purge', '--yes']);
      // More shards than before may be the catalog's own: only a plan tells of orphans.
      else plan = await cleanup('--orphaned', '--dry-run');
    }
    expect(plan?.marked).toBeGreaterThan(0);
    const marked = await cleanup('--orphaned');
    expect(marked.blocked).toEqual([]);
    expect(marked.marked).toBe(plan!.marked);
    expect(marked.swept).toBe(0);

    // Puts under way while the second one runs.
    const putting = Promise.all(
      [1, 2, 3].map((n) => cluster.ok(0, ['put', file(`new${n}`, 12_000_000), '--name', `new${n}`])),
    );
    const swept = await cleanup();
    for (let more = 0; more < 4; more++) await cleanup('--orphaned');
    await putting;
    expect(swept.swept).toBeGreaterThanOrEqual(plan!.marked);
    // What the mesh keeps of the catalog changes with it: a part that another has just taken the place of may still be on its way out.
    await expect
      .poll(async () => (await first!.engine.stats()).mirror?.pendingChanges, { timeout: 30_000 })
      .toBe(0);
    await cleanup('--orphaned');
    await cleanup('--orphaned');

    const wanted = await live();
    const { owner } = await first!.engine.status();
    for (const name of ['kept', 'new1', 'new2', 'new3']) await cluster.ok(0, ['verify', name]);
    for (const node of cluster.nodes) await cluster.kill(node);
    // The catalog is kept in the mesh, too: in objects that no name tells of.
    const catalog = openCatalog(join(first!.dataDir, 'catalog.sqlite'), realClock());
    const mirrored = new Set<string>(catalog.mirror.objects(owner!));
    catalog.close();
    const found = await onDisks();
    expect(new Set([...found].filter((id) => !mirrored.has(id)))).toEqual(wanted);
  },
  SLOW_MS,
);

async function shardsAtOthers(): Promise<number> {
  let sum = 0;
  for (const node of cluster.nodes.slice(1)) sum += (await node.engine.stats()).local.shards;
  return sum;
}
