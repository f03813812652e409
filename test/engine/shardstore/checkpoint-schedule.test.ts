import { describe, expect, it } from 'vitest';
import { CheckpointSchedule } from '../../../src/engine/shardstore/checkpoint-schedule.ts';
import type { ShardIndex } from '../../../src/engine/shardstore/index.ts';
import { openLmdbIndex, THREAD_CHANGES } from '../../../src/engine/shardstore/lmdb-index.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { OWNER_A, shard } from './shards.ts';
import { openStore, tempDir } from './support.ts';

const LIMITS = {
  checkpointChanges: 1000,
  checkpointBytes: 5000,
  checkpointRetryMs: 500,
  smallCheckpointChanges: 10,
  smallCheckpointEveryMs: 100,
};

describe('when the index is committed', () => {
  it('is at the bound of changes or of bytes at once', () => {
    const schedule = new CheckpointSchedule(LIMITS, manualClock());
    expect(schedule.due(999)).toBe(false);
    expect(schedule.due(1000)).toBe(true);
    schedule.wrote(4999);
    expect(schedule.due(1)).toBe(false);
    schedule.wrote(1);
    expect(schedule.due(1)).toBe(true);
    schedule.began();
    expect(schedule.due(1)).toBe(false);
  });

  it('is early when few changes came slowly, and not when they came fast', () => {
    const clock = manualClock();
    const schedule = new CheckpointSchedule(LIMITS, clock);
    clock.advance(99);
    expect(schedule.due(10)).toBe(false);
    clock.advance(1);
    expect(schedule.due(9)).toBe(false);
    expect(schedule.due(10)).toBe(true);
    expect(schedule.due(19)).toBe(true);
    expect(schedule.due(20)).toBe(false);
    schedule.began();
    expect(schedule.due(10)).toBe(false);
  });

  it('waits after one that failed', () => {
    const clock = manualClock();
    const schedule = new CheckpointSchedule(LIMITS, clock);
    expect(schedule.mayTry).toBe(true);
    schedule.failed();
    clock.advance(499);
    expect(schedule.mayTry).toBe(false);
    clock.advance(1);
    expect(schedule.mayTry).toBe(true);
  });

  it('starts no thread in a store that is written slowly', async () => {
    const clock = manualClock();
    const sizes: number[] = [];
    const counting = async (dir: string): Promise<ShardIndex> => {
      const index = await openLmdbIndex(dir);
      const commit: ShardIndex['commit'] = (changes, checkpoint) => {
        sizes.push(changes.size);
        return index.commit(changes, checkpoint);
      };
      return { ...index, commit };
    };
    const store = await openStore(`${await tempDir()}/shards`, { clock, openIndex: counting });
    // A hundred a second.
    for (let at = 0; at < 5000; at += 100) {
      const shards = Array.from({ length: 100 }, (_, seed) => shard(at + seed, 16));
      await Promise.all(shards.map((it) => store.put({ ...it, owner: OWNER_A })));
      clock.advance(1000);
    }
    expect(sizes.length).toBe(4);
    for (const size of sizes) expect(size).toBeLessThan(THREAD_CHANGES);
    await store.close();
  });

  it('tells once of an index that cannot be written, and again after one that could', async () => {
    const clock = manualClock();
    let isFull = true;
    const failing = async (dir: string): Promise<ShardIndex> => {
      const index = await openLmdbIndex(dir);
      const full = Object.assign(new Error('MDB says: full'), { code: 28 });
      return { ...index, commit: (...all) => (isFull ? Promise.reject(full) : index.commit(...all)) };
    };
    const told: string[] = [];
    const store = await openStore(`${await tempDir()}/shards`, {
      clock,
      openIndex: failing,
      limits: { checkpointChanges: 1, checkpointRetryMs: 500 },
      onEvent: (level, text) => told.push(`${level} ${text}`),
    });
    const put = async (seed: number) => {
      await store.put({ ...shard(seed, 16), owner: OWNER_A });
      // The commit's answer comes in another turn.
      await new Promise((resolve) => setTimeout(resolve, 50));
      clock.advance(1000);
    };
    for (const seed of [1, 2, 3]) await put(seed);
    expect(told).toEqual([expect.stringMatching(/^warn the index .* no space is left; no shard is lost/)]);
    isFull = false;
    await put(4);
    isFull = true;
    await put(5);
    expect(told.length).toBe(2);
    isFull = false;
    await store.close();
  });
});
