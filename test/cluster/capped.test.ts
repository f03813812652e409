/** Bandwidth caps make transfers slow and nothing else: puts and gets succeed, and nobody is taken for dead meanwhile. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { pattern } from '../engine/codec/reference.ts';
import { type Cluster, startCluster } from '../support/cluster.ts';

const OBJECT_BYTES = 8_000_000;
const content = pattern(OBJECT_BYTES, 7);

let cluster: Cluster;
let file: string;

beforeAll(async () => {
  cluster = await startCluster(5, { k: 3, m: 2 });
  file = join(cluster.folder, 'content');
  writeFileSync(file, content);
}, 120_000);
afterAll(() => cluster?.close(), 60_000);

/** States of peers other than active, as every node saw them while `work` went on. */
async function statesWhile(work: Promise<unknown>): Promise<string[]> {
  const seen = new Set<string>();
  let going = true;
  const watching = (async () => {
    while (going) {
      for (const { name, engine } of cluster.nodes) {
        for (const peer of await engine.peers())
          if (peer.state !== 'active') seen.add(`${name}: ${peer.name} ${peer.state}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  await work.finally(() => {
    going = false;
  });
  await watching;
  return [...seen];
}

it('a put through an uplink of 512 KiB a second takes its time', async () => {
  await cluster.ok(0, ['bandwidth', 'limit', '--up', '512KiB/s']);
  const startedMs = performance.now();
  const put = cluster.ok(0, ['put', file, '--name', 'slow', '--json']);
  expect(await statesWhile(put)).toEqual([]);
  const seconds = (performance.now() - startedMs) / 1000;
  const sentBytes = (OBJECT_BYTES * 5) / 3;
  // A fifth may stay here.
  expect(seconds).toBeGreaterThan((sentBytes * 0.8) / (512 * 1024) - 6);
  process.stdout.write(`put of ${OBJECT_BYTES} bytes at 512 KiB/s: ${seconds.toFixed(1)} s\n`);
  expect(JSON.parse((await put).stdout.trim().split('\n').at(-1)!)).toMatchObject({ degraded: false });
  await cluster.ok(0, ['bandwidth', 'limit', '--up', '0']);
}, 120_000);

it('a get from holders that may send and take 512 KiB a second takes its time', async () => {
  for (const index of [1, 2, 3, 4])
    await cluster.ok(index, ['bandwidth', 'limit', '--up', '512KiB/s', '--down', '512KiB/s']);
  const out = join(cluster.folder, 'out');
  expect(await statesWhile(cluster.ok(0, ['get', 'slow', out]))).toEqual([]);
  expect(Buffer.compare(readFileSync(out), content)).toBe(0);
}, 120_000);

it('so does a put to them', async () => {
  expect(await statesWhile(cluster.ok(0, ['put', file, '--name', 'slow too']))).toEqual([]);
}, 120_000);
