import { readdir, rm, truncate } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { ShardIndex } from '../../../src/engine/shardstore/index.ts';
import { openLmdbIndex } from '../../../src/engine/shardstore/lmdb-index.ts';
import { isHexId, type ShardId } from '../../../src/engine/types.ts';
import { OWNER_A, OWNER_B, SMALL_LIMITS, shard } from './shards.ts';
import { openStore, tempDir } from './support.ts';

describe('a store on a real disk, with LMDB', () => {
  it('keeps what was put over closing and reopening', async () => {
    const dir = `${await tempDir()}/shards`;
    const shards = Array.from({ length: 50 }, (_, seed) => shard(seed, seed * 37));
    const store = await openStore(dir);
    const outcomes = await Promise.all(
      shards.map(({ id, bytes }) => store.put({ id, bytes, owner: OWNER_A })),
    );
    expect(outcomes).toEqual(shards.map(() => 'stored'));
    await store.close();

    const again = await openStore(dir);
    expect(again.recovery).toEqual({ rebuilt: false, replayedRecords: 0, damaged: 0, tornBytes: 0 });
    for (const { id, bytes } of shards) {
      expect(again.has(id)).toBe(true);
      expect(await again.get(id)).toEqual(bytes);
    }
    expect(again.usage().shards).toBe(50);
    await again.close();
  });

  it('reads the tail of the log when the index is behind, and the whole log when the index is lost', async () => {
    const dir = `${await tempDir()}/shards`;
    const store = await openStore(dir, { limits: SMALL_LIMITS });
    const shards = Array.from({ length: 90 }, (_, seed) => shard(seed, 900));
    for (const { id, bytes } of shards) await store.put({ id, bytes, owner: OWNER_A });
    await store.delete(shards[3]!.id, OWNER_A);
    await store.checkpoint();
    const late = shard(1000, 900);
    await store.put({ ...late, owner: OWNER_A });
    await store.delete(shards[4]!.id, OWNER_A);
    // Not closed: a copy of the folder is what a killed process leaves behind.
    const { cp, rm } = await import('node:fs/promises');
    const killed = `${await tempDir()}/shards`;
    await cp(dir, killed, { recursive: true });
    await store.close();

    const tail = await openStore(killed, { limits: SMALL_LIMITS });
    expect(tail.recovery).toMatchObject({ rebuilt: false, replayedRecords: 2 });
    const expected = [...shards.filter((_, i) => i !== 3 && i !== 4), late].map(({ id }) => id).sort();
    expect(tail.list(undefined, 1000)).toEqual(expected);
    const usage = tail.usage();
    await tail.close();

    await rm(`${killed}/index`, { recursive: true });
    const rebuilt = await openStore(killed, { limits: SMALL_LIMITS });
    expect(rebuilt.recovery).toMatchObject({ rebuilt: true, replayedRecords: 93 });
    expect(rebuilt.list(undefined, 1000)).toEqual(expected);
    expect(rebuilt.usage()).toEqual(usage);
    expect(rebuilt.ownerBytes(OWNER_A)).toBe(89 * 900);
    await rebuilt.close();
    expect((await readdir(killed)).filter((name) => name.endsWith('.seg')).length).toBeGreaterThan(4);
  });

  it('puts the same shard once, and keeps it until its last owner lets go', async () => {
    const dir = `${await tempDir()}/shards`;
    const { id, bytes } = shard(1, 5000);
    let store = await openStore(dir);
    const both = await Promise.all([
      store.put({ id, bytes, owner: OWNER_A }),
      store.put({ id, bytes, owner: OWNER_A }),
    ]);
    expect(both.sort()).toEqual(['already-there', 'stored']);
    expect(await store.put({ id, bytes, owner: OWNER_B })).toBe('already-there');
    expect(store.stat(id)).toMatchObject({ lengthBytes: 5000, owners: [OWNER_A, OWNER_B] });
    expect(store.usage()).toMatchObject({ shards: 1, liveBytes: 5096 });
    expect([store.ownerBytes(OWNER_A), store.ownerBytes(OWNER_B)]).toEqual([5000, 5000]);
    await store.close();

    store = await openStore(dir, { rebuildIndex: true });
    expect(store.stat(id)?.owners).toEqual([OWNER_A, OWNER_B]);
    expect(await store.delete(id, OWNER_A)).toBe(true);
    expect(await store.delete(id, OWNER_A)).toBe(false);
    expect(store.ownerBytes(OWNER_A)).toBe(0);
    expect(await store.get(id)).toEqual(bytes);
    await store.close();

    store = await openStore(dir);
    expect(store.stat(id)?.owners).toEqual([OWNER_B]);
    expect(await store.delete(id, OWNER_B)).toBe(true);
    expect(store.has(id)).toBe(false);
    expect(await store.get(id)).toBeUndefined();
    expect(store.usage()).toMatchObject({ shards: 0, liveBytes: 0 });
    expect(store.list(undefined, 10)).toEqual([]);
    await store.close();

    store = await openStore(dir, { rebuildIndex: true });
    expect(store.has(id)).toBe(false);
    await store.close();
  });

  it('refuses bytes that are not the shard', async () => {
    const store = await openStore(`${await tempDir()}/shards`);
    const { id } = shard(1, 100);
    const { bytes } = shard(2, 100);
    await expect(store.put({ id, bytes, owner: OWNER_A })).rejects.toMatchObject({ code: 'hash-mismatch' });
    expect(store.has(id)).toBe(false);
    await store.close();
  });

  it('lists by cursor over index and recent changes alike', async () => {
    const store = await openStore(`${await tempDir()}/shards`, {
      limits: { ...SMALL_LIMITS, checkpointChanges: 1e9 },
    });
    const shards = Array.from({ length: 60 }, (_, seed) => shard(seed, 64));
    for (const [at, { id, bytes }] of shards.entries()) {
      await store.put({ id, bytes, owner: OWNER_A });
      if (at === 30) await store.checkpoint();
    }
    await store.delete(shards[0]!.id, OWNER_A);
    await store.delete(shards[50]!.id, OWNER_A);
    const expected = shards.filter((_, at) => at !== 0 && at !== 50).map(({ id }) => id);
    const listed: ShardId[] = [];
    for (let page = store.list(undefined, 7); page.length > 0; page = store.list(listed.at(-1), 7))
      listed.push(...page);
    expect(listed).toEqual(expected.sort());
    expect(listed.every(isHexId)).toBe(true);
    await store.close();
  });

  it('gives a part of a shard', async () => {
    const store = await openStore(`${await tempDir()}/shards`);
    const { id, bytes } = shard(1, 10_000);
    await store.put({ id, bytes, owner: OWNER_A });
    expect(await store.getRange(id, 4000, 100)).toEqual(bytes.subarray(4000, 4100));
    expect(await store.getRange(id, 9990, 100)).toEqual(bytes.subarray(9990));
    expect(await store.getRange(shard(2, 10).id, 0, 1)).toBeUndefined();
    await store.close();
  });

  it('rebuilds the index in steps inside a segment, and goes on from the last one when broken off', async () => {
    const dir = `${await tempDir()}/shards`;
    // Written ahead by 20 at most: later records prove earlier ones durable, step by step.
    const ahead = { batchRecords: 10, aheadRecords: 20 };
    const limits = { segmentBytes: 1 << 20, checkpointChanges: 100, ballastBytes: 0, ...ahead };
    const store = await openStore(dir, { limits });
    const shards = Array.from({ length: 450 }, (_, seed) => shard(seed, 20));
    await Promise.all(shards.map((it) => store.put({ ...it, owner: OWNER_A })));
    await store.close();

    const commits: number[] = [];
    const breaking = async (indexDir: string): Promise<ShardIndex> => {
      const index = await openLmdbIndex(indexDir);
      const commit: ShardIndex['commit'] = async (changes, checkpoint) => {
        if (commits.length === 3) throw new Error('broken off');
        commits.push(changes.size);
        await index.commit(changes, checkpoint);
      };
      return { ...index, commit };
    };
    await expect(openStore(dir, { limits, rebuildIndex: true, openIndex: breaking })).rejects.toThrow();
    expect(commits).toEqual([100, 100, 100]);

    const again = await openStore(dir, { limits });
    expect(again.recovery).toEqual({ rebuilt: false, replayedRecords: 150, damaged: 0, tornBytes: 0 });
    expect(again.list(undefined, 1000)).toEqual(shards.map(({ id }) => id).sort());
    expect(again.usage().liveBytes).toBe(450 * (96 + 20));
    for (const { id, bytes } of shards) expect(await again.get(id)).toEqual(bytes);
    await again.close();
  });

  it.each([
    ['', {}],
    [', also of one that was full long ago', { limits: { ...SMALL_LIMITS, segmentBytes: 2500 } }],
  ])('tells at the opening what is lost with a segment, or with its end%s', async (_which, limits) => {
    for (const damage of [(path: string) => rm(path), (path: string) => truncate(path, 1500)]) {
      const dir = await tempDir();
      const store = await openStore(dir, limits);
      for (let seed = 1; seed <= 3; seed++) await store.put({ ...shard(seed, 1000), owner: OWNER_A });
      await store.close();
      const told: string[] = [];
      const onEvent = (_level: string, text: string) => void told.push(text);
      await (await openStore(dir, { onEvent, ...limits })).close();
      expect(told).toEqual([]);
      await damage(`${dir}/00000001.seg`);
      const again = await openStore(dir, { onEvent, ...limits });
      const held = again.list(undefined, 10);
      expect(held.length).toBeLessThan(3);
      for (const id of held) expect(await again.get(id)).toBeDefined();
      // Behind a full segment what is missing is damage, and told as such besides.
      const [first, ...more] = told;
      expect(first).toContain(`${held.length} shards, where 3 were held`);
      for (const text of more) expect(text).toContain('places of the segments cannot be read');
      await again.close();
    }
  });
});
