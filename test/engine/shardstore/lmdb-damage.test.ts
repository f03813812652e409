/** Over a file that is cut or overwritten LMDB may end the process: the index is built anew instead. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { realDisk } from '../../../src/engine/effects/real-disk.ts';
import { isDamagedIndex } from '../../../src/engine/shardstore/lmdb-damage.ts';
import { OWNER_A, shard } from './shards.ts';
import { openStore, tempDir } from './support.ts';

const SHARDS = Array.from({ length: 60 }, (_, seed) => shard(seed, 100));

async function filled(): Promise<string> {
  const dir = await tempDir();
  const store = await openStore(dir);
  for (const it of SHARDS) await store.put({ ...it, owner: OWNER_A });
  await store.close();
  return dir;
}

function scribbled(bytes: Buffer): Buffer {
  for (let at = 2 * 4096; at < bytes.length; at += 4096) bytes.fill(0xff, at + 8, at + 4096);
  return bytes;
}

it.each([
  ['a byte', (bytes: Buffer) => bytes.subarray(0, 1)],
  ['a page', (bytes: Buffer) => bytes.subarray(0, 4096)],
  ['half of it', (bytes: Buffer) => bytes.subarray(0, bytes.length / 2)],
  ['all but its last byte', (bytes: Buffer) => bytes.subarray(0, -1)],
  ['noise', (bytes: Buffer) => Buffer.alloc(bytes.length, 0xa5)],
  ['a head that makes no sense', (bytes: Buffer) => bytes.fill(0xa5, 48, 200).fill(0xa5, 4144, 4296)],
  ['a head without pages', (bytes: Buffer) => bytes.fill(0, 8192)],
  ['nothing but the numbers of its pages', scribbled],
])('of which %s is left', async (_what, damage) => {
  const dir = await filled();
  const path = `${dir}/index/data.mdb`;
  expect(await isDamagedIndex(realDisk(), `${dir}/index`)).toBe(false);
  writeFileSync(path, damage(readFileSync(path)));
  const told: string[] = [];
  const store = await openStore(dir, { onEvent: (_level, text) => told.push(text) });
  expect(told).toEqual([expect.stringContaining('is built anew')]);
  for (const { id, bytes } of SHARDS) expect(await store.get(id)).toEqual(bytes);
  await store.close();
  expect(await isDamagedIndex(realDisk(), `${dir}/index`)).toBe(false);
});
