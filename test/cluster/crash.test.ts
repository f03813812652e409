import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cluster, startCluster } from '../support/cluster.ts';
import { randomFile, sha256 } from '../support/files.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster(6);
}, 60_000);
afterAll(() => cluster.close());

test('the putting node is killed mid-put: the old version stays readable, and a second put works', async () => {
  const putting = cluster.nodes[0]!;
  const [first, second] = [join(cluster.folder, 'v1'), join(cluster.folder, 'v2')];
  await randomFile(first, 3_000_000);
  await randomFile(second, 200_000_000);
  await cluster.ok(0, ['put', first, '--name', 'doc']);

  const dying = cluster.cli(0, ['put', second, '--name', 'doc']);
  // Shards of the second version are arriving elsewhere: the put is under way.
  const other = cluster.nodes[1]!;
  const before = (await other.engine.status()).store.shards;
  while ((await other.engine.status()).store.shards < before + 4) await new Promise((r) => setTimeout(r, 20));
  await cluster.kill(putting);
  const failed = await dying;
  expect(failed.status).not.toBe(0);
  expect(failed.stderr).toMatch(/^error\[DM-\d+\]: /);

  await cluster.restart(putting);
  await cluster.met();
  const copy = join(cluster.folder, 'copy');
  await cluster.ok(0, ['get', 'doc', copy]);
  expect(await sha256(copy)).toBe(await sha256(first));
  const listed = JSON.parse((await cluster.cli(0, ['info', 'doc', '--json'])).stdout.split('\n')[0]!);
  expect(listed).toMatchObject({ version: 1, sizeBytes: 3_000_000 });

  await cluster.ok(0, ['put', second, '--name', 'doc']);
  await cluster.ok(0, ['get', 'doc', copy, '--force']);
  expect(await sha256(copy)).toBe(await sha256(second));

  // Delete takes the name with both versions, and their shards from every node.
  const gone = await cluster.ok(0, ['delete', 'doc', '--purge', '--yes', '--json']);
  expect(JSON.parse(gone.stdout.split('\n')[0]!)).toMatchObject({ versions: 2, unreachable: [] });
  expect((await cluster.cli(0, ['get', 'doc', join(cluster.folder, 'nothing')])).status).toBe(8);
}, 180_000);

test('all nodes are killed at once and started again: nothing is lost', async () => {
  const names = Array.from({ length: 20 }, (_, i) => `file ${i}`);
  const hashes = new Map<string, string>();
  for (const [i, name] of names.entries()) {
    const content = Buffer.alloc(i * 40_000, `${i} `);
    hashes.set(name, createHash('sha256').update(content).digest('hex'));
    await cluster.ok(i % 2, ['put', '-', '--name', name], { input: content });
  }
  await Promise.all(cluster.nodes.map(cluster.kill));
  await Promise.all(cluster.nodes.map((node) => cluster.restart(node)));
  await cluster.met();
  for (const [i, name] of names.entries()) {
    const out = join(cluster.folder, 'out');
    await cluster.ok(i % 2, ['get', name, out, '--force']);
    expect(
      createHash('sha256')
        .update(await readFile(out))
        .digest('hex'),
    ).toBe(hashes.get(name));
  }
  expect(await cluster.nodes[0]!.engine.health()).toMatchObject({ objects: 10, ok: 10, lost: 0 });
}, 180_000);
