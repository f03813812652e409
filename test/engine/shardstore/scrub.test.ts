/** Rot that no reader has met yet, and the time each shard was last found good. */
import { describe, expect, it } from 'vitest';
import { type Clock, realClock } from '../../../src/engine/effects/clock.ts';
import type { ShardStoreOptions } from '../../../src/engine/shardstore/segment-store.ts';
import type { ShardId } from '../../../src/engine/types.ts';
import { ModelDisk } from '../../support/model-disk.ts';
import { DIR, open as openOn } from './model-store.ts';
import { OWNER_A, OWNER_B, type Shard, SMALL_LIMITS, shard } from './shards.ts';

const FIRST = `${DIR}/00000001.seg`;
const HEAD_BYTES = 96;

function open(disk: ModelDisk, more: Partial<ShardStoreOptions> = {}) {
  const limits = { ...SMALL_LIMITS, segmentBytes: 8192, compactionBytesPerSecond: 1e12, amplification: 1e9 };
  return openOn(disk, { limits, ...more });
}

/** A clock that stands where the test puts it. */
function setClock(startMs: number): Clock & { nowMs: number } {
  const clock = { ...realClock(), nowMs: startMs, now: () => clock.nowMs };
  return clock;
}

async function filled(disk: ModelDisk, more: Partial<ShardStoreOptions> = {}) {
  const store = await open(disk, more);
  const shards: Shard[] = Array.from({ length: 30 }, (_, seed) => shard(seed, 900));
  for (const it of shards) await store.put({ ...it, owner: OWNER_A });
  return { store, shards };
}

const placeOf = (number: number) => 64 + number * (HEAD_BYTES + 900);

describe('scrub', () => {
  it('finds rot in bytes, loses just those shards, and lets them be put again', async () => {
    const disk = new ModelDisk();
    const lost: ShardId[] = [];
    const events: string[] = [];
    const { store, shards } = await filled(disk, {
      onLost: (id) => lost.push(id),
      onEvent: (level, text) => events.push(`${level}: ${text}`),
    });
    expect(await store.scrub()).toEqual({ shards: 30, bytes: 27_000, lost: 0, damaged: 0 });
    disk.damage(FIRST, placeOf(2) + HEAD_BYTES + 899, 0x80);
    disk.damage(FIRST, placeOf(5) + HEAD_BYTES, 1);
    expect(await store.scrub()).toMatchObject({ shards: 30, lost: 2, damaged: 0 });
    expect(lost).toEqual([shards[2]!.id, shards[5]!.id]);
    expect(shards.map(({ id }) => store.has(id)).filter((held) => !held).length).toBe(2);
    expect(events).toEqual([
      'info: scrub: 30 shards hashed again, 0 lost',
      'warn: scrub: 30 shards hashed again, 2 lost',
    ]);
    expect(await store.put({ ...shards[2]!, owner: OWNER_A })).toBe('stored');
    expect(await store.get(shards[2]!.id)).toEqual(shards[2]!.bytes);
    expect(await store.scrub()).toMatchObject({ shards: 29, lost: 0 });
    await store.close();
    const again = await open(disk, { rebuildIndex: true });
    expect(again.has(shards[5]!.id)).toBe(false);
    await again.close();
  });

  it('writes a record with a damaged head anew, so that it is found without the index', async () => {
    const disk = new ModelDisk();
    const { store, shards } = await filled(disk);
    disk.damage(FIRST, placeOf(3) + 40, 1);
    expect(await store.scrub()).toMatchObject({ lost: 0, damaged: 1 });
    await store.close();
    const again = await open(disk, { rebuildIndex: true });
    expect(await again.get(shards[3]!.id)).toEqual(shards[3]!.bytes);
    await again.close();
  });

  it('reports the shards of a segment that is gone', async () => {
    const disk = new ModelDisk();
    const lost: ShardId[] = [];
    const { store, shards } = await filled(disk, { onLost: (id) => lost.push(id) });
    await disk.remove(`${DIR}/00000002.seg`);
    const report = await store.scrub();
    expect(report.lost).toBe(8);
    expect(lost.sort()).toEqual(
      shards
        .slice(8, 16)
        .map(({ id }) => id)
        .sort(),
    );
    await store.close();
  });

  it('gives up a shard that the device refuses to read, and not a whole device', async () => {
    const disk = new ModelDisk();
    const { store, shards } = await filled(disk);
    const { position, path } = { position: placeOf(1), path: FIRST };
    disk.faultAt = (operation, where, at) =>
      operation === 'read' && where === path && at === position ? 'EIO' : undefined;
    expect(await store.scrub()).toMatchObject({ lost: 1 });
    expect(store.has(shards[1]!.id)).toBe(false);
    let reads = 0;
    disk.faultAt = (operation) => (operation === 'read' && reads++ > 0 ? 'EIO' : undefined);
    await expect(store.scrub()).rejects.toMatchObject({ code: 'EIO' });
    disk.faultAt = undefined;
    expect(store.usage().shards).toBeGreaterThanOrEqual(29 - 16);
    await store.close();
  });

  it('remembers when each shard was last found good, over restarts', async () => {
    const disk = new ModelDisk();
    const clock = setClock(1_000_000);
    let { store, shards } = await filled(disk, { clock });
    const first = shards[0]!.id;
    expect(store.stat(first)).toMatchObject({ pool: '', writtenAtMs: 1_000_000, verifiedAtMs: 1_000_000 });
    clock.nowMs = 2_000_000;
    await store.put({ ...shard(99, 50), owner: OWNER_B, pool: 'home' });
    expect(store.stat(first)?.verifiedAtMs).toBe(1_000_000);
    await store.scrub();
    expect(store.stat(first)).toMatchObject({ writtenAtMs: 1_000_000, verifiedAtMs: 2_000_000 });
    expect(store.scrubProgress()).toMatchObject({ state: 'off', shards: 31, oldestVerifiedAtMs: 2_000_000 });
    await store.close();
    store = await open(disk, { clock });
    expect(store.stat(first)?.verifiedAtMs).toBe(2_000_000);
    expect(store.stat(shard(99, 50).id)?.pool).toBe('home');
    await store.close();
  });

  it('does not wait for a time that a wrong clock has written', async () => {
    const clock = setClock(1_000_000);
    const limits = { ...SMALL_LIMITS, scrubEveryMs: 1000 };
    clock.nowMs += 1e12;
    const { store } = await filled(new ModelDisk(), { clock, limits });
    clock.nowMs -= 1e12;
    const ended = async () => {
      while (store.scrubProgress().state === 'running')
        await new Promise((resolve) => setTimeout(resolve, 5));
      return store.scrubProgress();
    };
    store.startScrub(1e9);
    expect(await ended()).toMatchObject({ shards: 30, oldestVerifiedAtMs: 1_000_000 });
    // Once, and not again and again.
    store.startScrub(1e9);
    expect(await ended()).toMatchObject({ state: 'waiting', shards: 30 });
    await store.close();
  });

  it('in the background keeps its rate, takes only what is due, and ends with the store', async () => {
    const disk = new ModelDisk();
    const clock = setClock(1_000_000);
    const { store } = await filled(disk, {
      clock,
      limits: { ...SMALL_LIMITS, segmentBytes: 400_000, scrubEveryMs: 1000 },
    });
    store.startScrub(1e9);
    expect(store.scrubProgress().state).toBe('waiting');
    store.startScrub(0);
    clock.nowMs += 5000;
    for (let seed = 100; seed < 160; seed++) await store.put({ ...shard(seed, 9000), owner: OWNER_A });
    const startedMs = performance.now();
    store.startScrub(1_000_000);
    expect(store.scrubProgress()).toMatchObject({ state: 'running', doneBytes: 0 });
    while (store.scrubProgress().state === 'running') await new Promise((resolve) => setTimeout(resolve, 5));
    // The first segment alone is due: 27 KB at first and what of the 9 KB shards came after, under 400 KB.
    expect(performance.now() - startedMs).toBeGreaterThan(200);
    const { shards, doneBytes, totalBytes } = store.scrubProgress();
    expect(shards).toBeGreaterThan(60);
    expect(shards).toBeLessThan(90);
    expect(doneBytes).toBe(totalBytes);
    clock.nowMs += 5000;
    store.startScrub(1000);
    expect(store.scrubProgress().state).toBe('running');
    const closingMs = performance.now();
    await store.close();
    expect(performance.now() - closingMs).toBeLessThan(2000);
  });
});
