/** Disks that fail, fill up or rot, through the model disk's faults; and one real disk of little space. */
import { describe, expect, it } from 'vitest';
import { STORE_FORMAT } from '../../../src/engine/shardstore/segment.ts';
import { diskError } from '../../../src/engine/shardstore/store-errors.ts';
import type { ShardId } from '../../../src/engine/types.ts';
import { ModelDisk, type Operation } from '../../support/model-disk.ts';
import { DIR, open, segments } from './model-store.ts';
import { OWNER_A, OWNER_B, SMALL_LIMITS, seeded, shard } from './shards.ts';

const LOST = { fraction: () => 0, mode: 'lost', sectorBytes: 512, keep: 0 } as const;

describe('compaction', () => {
  it('removes segments of which nothing is left without reading them, and reads those that hold something', async () => {
    const disk = new ModelDisk();
    const store = await open(disk, {
      limits: { ...SMALL_LIMITS, compactionBytesPerSecond: 1e12, amplification: 1e9 },
    });
    const shards = Array.from({ length: 60 }, (_, seed) => shard(seed, 1500));
    for (const { id, bytes } of shards) await store.put({ id, bytes, owner: OWNER_A });
    const full = await segments(disk);
    expect(full.length).toBeGreaterThan(4);
    // In the fifth; the records of the deletes come behind all of them.
    const kept = shards[45]!;
    for (const { id } of shards) if (id !== kept.id) await store.delete(id, OWNER_A);
    await store.checkpoint();
    await store.close();

    const again = await open(disk);
    const read = new Map<string, number>();
    disk.fault = (operation, path) => {
      if (operation === 'read') read.set(path, (read.get(path) ?? 0) + 1);
      return undefined;
    };
    await again.compact();
    disk.fault = undefined;
    const left = await segments(disk);
    const removed = full.filter((name) => !left.includes(name));
    const unread = removed.filter((name) => !read.has(`${DIR}/${name}`));
    expect(unread).toEqual(full.slice(0, 4));
    expect(removed).toContain(full[4]);
    expect(read.has(`${DIR}/${full[4]}`)).toBe(true);
    expect(await again.get(kept.id)).toEqual(kept.bytes);
    await again.close();
    const last = await open(disk);
    expect(await last.get(kept.id)).toEqual(kept.bytes);
    for (const { id } of shards) expect(last.has(id)).toBe(id === kept.id);
    await last.close();
  });
});

describe('errors of the device', () => {
  it('say whether it was a read or a write', () => {
    const eio = (syscall: string) => Object.assign(new Error('i/o error'), { code: 'EIO', syscall });
    expect(diskError(eio('read'), DIR)).toMatchObject({
      message: expect.stringContaining('could not be read'),
    });
    expect(diskError(eio('fdatasync'), DIR)).toMatchObject({ message: expect.stringContaining('a write') });
  });

  it.each<[Operation, string]>([
    ['write', 'EIO'],
    ['datasync', 'EIO'],
    ['write', 'ENOSPC'],
    ['datasync', 'ENOSPC'],
    ['datasync', 'EDQUOT'],
  ])('%s failing with %s acknowledges nothing, and what was held stays', async (operation, code) => {
    const disk = new ModelDisk();
    let store = await open(disk);
    const held = shard(1, 500);
    const refused = shard(2, 500);
    await store.put({ ...held, owner: OWNER_A });
    disk.fault = (name) => (name === operation ? code : undefined);
    const expected = code === 'EIO' ? 'failed' : 'disk-full';
    await expect(store.put({ ...refused, owner: OWNER_A })).rejects.toMatchObject({ code: expected });
    expect(store.has(refused.id)).toBe(false);
    // A promise that needs no new record needs the fence all the same.
    await expect(store.put({ ...held, owner: OWNER_A })).rejects.toMatchObject({ code: expected });
    expect(await store.get(held.id)).toEqual(held.bytes);
    disk.fault = undefined;
    expect(await store.put({ ...held, owner: OWNER_A })).toBe('already-there');
    expect(await store.put({ ...refused, owner: OWNER_A })).toBe('stored');
    const after = disk.crash(LOST);
    await store.close();
    store = await open(after);
    expect(await store.get(held.id)).toEqual(held.bytes);
    expect(await store.get(refused.id)).toEqual(refused.bytes);
    await store.close();
  });

  it('begins a new segment after a failed datasync and never writes to the old one again', async () => {
    const disk = new ModelDisk();
    const store = await open(disk);
    await store.put({ ...shard(1, 500), owner: OWNER_A });
    expect(await segments(disk)).toEqual(['00000001.seg']);
    let failures = 1;
    disk.fault = (name) => (name === 'datasync' && failures-- > 0 ? 'EIO' : undefined);
    await expect(store.put({ ...shard(2, 500), owner: OWNER_A })).rejects.toMatchObject({ code: 'failed' });
    const old = Uint8Array.from(disk.contents(`${DIR}/00000001.seg`));
    await store.put({ ...shard(3, 500), owner: OWNER_A });
    expect(await segments(disk)).toEqual(['00000001.seg', '00000002.seg']);
    expect(disk.contents(`${DIR}/00000001.seg`)).toEqual(old);
    await store.close();
  });

  it('a fifth of all writes and syncs failing: only what is durable is acknowledged', async () => {
    const disk = new ModelDisk();
    const fraction = seeded(5);
    let store = await open(disk);
    disk.fault = (name) =>
      (name === 'write' || name === 'datasync') && fraction() < 0.2 ? 'EIO' : undefined;
    const shards = Array.from({ length: 200 }, (_, seed) => shard(seed, 300));
    const outcomes = await Promise.allSettled(shards.map((it) => store.put({ ...it, owner: OWNER_A })));
    const acknowledged = shards.filter((_, at) => outcomes[at]!.status === 'fulfilled');
    expect(acknowledged.length).toBeGreaterThan(20);
    expect(acknowledged.length).toBeLessThan(200);
    const after = disk.crash(LOST);
    await store.close();
    store = await open(after);
    for (const { id, bytes } of acknowledged) expect(await store.get(id)).toEqual(bytes);
    expect(store.usage().shards).toBe(acknowledged.length);
    await store.close();
  });
});

describe('a full disk', () => {
  it('refuses puts, still reads and deletes, and takes puts again when there is room', async () => {
    const disk = new ModelDisk();
    disk.capacityBytes = 120_000;
    const ballastBytes = 32 * 1024;
    const store = await open(disk, {
      limits: { ...SMALL_LIMITS, compactionBytesPerSecond: 1e12, spaceEveryMs: 0, ballastBytes },
    });
    const held: ReturnType<typeof shard>[] = [];
    let refusal: unknown;
    for (let seed = 0; refusal === undefined; seed++) {
      const next = shard(seed, 1500);
      try {
        await store.put({ ...next, owner: OWNER_A });
        held.push(next);
      } catch (error) {
        refusal = error;
      }
    }
    expect(refusal).toMatchObject({ code: 'disk-full' });
    expect(held.length).toBeGreaterThan(30);
    // Not one byte is left: what follows lives on the ballast.
    disk.capacityBytes = disk.usedBytes();
    await expect(store.put({ ...shard(5000, 4000), owner: OWNER_A })).rejects.toMatchObject({
      code: 'disk-full',
    });
    expect(await store.get(held[0]!.id)).toEqual(held[0]!.bytes);
    for (const { id } of held.slice(0, 25)) expect(await store.delete(id, OWNER_A)).toBe(true);
    await store.compact();
    disk.capacityBytes += 2000;
    expect(store.usage().diskBytes).toBeLessThan(store.usage().liveBytes * 1.6);
    expect(await store.put({ ...shard(5000, 4000), owner: OWNER_A })).toBe('stored');
    const after = disk.crash(LOST);
    await store.close();
    const again = await open(after);
    for (const { id, bytes } of held.slice(25)) expect(await again.get(id)).toEqual(bytes);
    for (const { id } of held.slice(0, 25)) expect(again.has(id)).toBe(false);
    await again.close();
  });

  it('keeps the reserve free', async () => {
    const disk = new ModelDisk();
    disk.capacityBytes = 100_000;
    const store = await open(disk, { reserveFraction: 0.5 });
    let stored = 0;
    const fill = async () => {
      for (let seed = 0; ; seed++, stored++) await store.put({ ...shard(seed, 1000), owner: OWNER_A });
    };
    await expect(fill()).rejects.toMatchObject({ code: 'disk-full' });
    expect(stored).toBeGreaterThan(30);
    expect(disk.usedBytes()).toBeLessThanOrEqual(50_000);
    await store.close();
  });
});

describe('the quota', () => {
  it('is never passed, not even by puts side by side, and deleting makes room', async () => {
    const store = await open(new ModelDisk(), { quotaBytes: 10 * 1096 });
    const shards = Array.from({ length: 15 }, (_, seed) => shard(seed, 1000));
    const outcomes = await Promise.allSettled(shards.map((it) => store.put({ ...it, owner: OWNER_A })));
    const refused = outcomes.filter((it) => it.status === 'rejected');
    expect(refused.map((it) => it.reason.code)).toEqual(Array(5).fill('quota-full'));
    expect(store.usage().liveBytes).toBe(10 * 1096);
    await store.delete(store.list(undefined, 1)[0]!, OWNER_A);
    expect(await store.put({ ...shards.find(({ id }) => !store.has(id))!, owner: OWNER_B })).toBe('stored');
    await store.close();
  });

  it('of zero refuses everything', async () => {
    const store = await open(new ModelDisk(), { quotaBytes: 0 });
    await expect(store.put({ ...shard(1, 0), owner: OWNER_A })).rejects.toMatchObject({ code: 'quota-full' });
    await store.close();
  });
});

describe('rot', () => {
  it('in any byte of a record is detected: no wrong byte is served, and the shard can be put anew', async () => {
    const disk = new ModelDisk();
    const lost: ShardId[] = [];
    const store = await open(disk, { onLost: (id) => lost.push(id) });
    const { id, bytes } = shard(7, 700);
    const other = shard(8, 100);
    await store.put({ ...other, owner: OWNER_A });
    const headBytes = 96;
    for (let at = 0; at < headBytes + bytes.length; at++) {
      await store.put({ id, bytes, owner: OWNER_A });
      const found = [...(await segments(disk))].reverse();
      const place = await recordOf(disk, found, bytes);
      disk.damage(`${DIR}/${place.name}`, place.offset - headBytes + at, 1 << (at % 8));
      lost.length = 0;
      const read = await store.get(id);
      if (at < headBytes) {
        // Bytes good, head bad: served, and written anew so that the record can be found without the index.
        expect(read).toEqual(bytes);
        await waitFor(async () => (await recordOf(disk, await segments(disk), bytes, place)) !== place);
        await store.delete(id, OWNER_A);
      } else {
        expect(read).toBeUndefined();
        expect(store.has(id)).toBe(false);
        expect(lost).toEqual([id]);
      }
      expect(await store.get(other.id)).toEqual(other.bytes);
    }
    await store.close();
  });

  it('at ten thousand places of the data is detected', { timeout: 60_000 }, async () => {
    const disk = new ModelDisk();
    const limits = { ...SMALL_LIMITS, segmentBytes: 1 << 20, checkpointChanges: 1e9, checkpointBytes: 1e9 };
    const store = await open(disk, { limits });
    const fraction = seeded(3);
    const { id, bytes } = shard(1, 4096);
    let detected = 0;
    for (let count = 0; count < 10_000; count++) {
      disk.trace = [];
      expect(await store.put({ id, bytes, owner: OWNER_A })).toBe('stored');
      const record = disk.trace.findLast((effect) => effect.kind === 'change');
      if (record?.change.kind !== 'write') throw new Error('the put wrote nothing');
      const start = record.change.position + record.change.data.length - bytes.length;
      const newest = (await segments(disk)).at(-1);
      disk.damage(
        `${DIR}/${newest}`,
        start + Math.floor(fraction() * bytes.length),
        1 << Math.floor(fraction() * 8),
      );
      if ((await store.get(id)) === undefined && !store.has(id)) detected += 1;
    }
    expect(detected).toBe(10_000);
    await store.close();
  });

  it('at any places of a segment gives no wrong bytes, with the index and without, and costs only what it hit', async () => {
    const disk = new ModelDisk();
    const store = await open(disk, { limits: { ...SMALL_LIMITS, segmentBytes: 1 << 20 } });
    const shards = Array.from({ length: 40 }, (_, seed) => shard(seed, 4096));
    for (const it of shards) await store.put({ ...it, owner: OWNER_A });
    await store.close();
    const fraction = seeded(3);
    const path = `${DIR}/00000001.seg`;
    const size = disk.contents(path).length;
    for (let count = 0; count < 60; count++) {
      const rotten = disk.kill();
      // Not in the last record: without the index, rot there looks like a torn end, as it must.
      const place = () => 64 + Math.floor(fraction() * (size - 64 - 4192));
      const places = Array.from({ length: 5 }, place);
      for (const at of places) rotten.damage(path, at, 1 + Math.floor(fraction() * 255));
      const rebuilt = await open(rotten, { rebuildIndex: count % 2 === 0 });
      for (const [at, { id, bytes }] of shards.entries()) {
        const first = 64 + at * 4192;
        const hits = places.filter((place) => place >= first && place < first + 4192);
        const read = await rebuilt.get(id);
        if (hits.length === 0) expect(read).toEqual(bytes);
        else if (hits.some((place) => place >= first + 96)) expect(read).toBeUndefined();
        else if (read !== undefined) expect(read).toEqual(bytes);
      }
      await rebuilt.close();
    }
  });

  it('passes over a damaged record in the middle of a segment, and does not take a torn end for one', async () => {
    const disk = new ModelDisk();
    let store = await open(disk);
    const shards = [1, 2, 3].map((seed) => shard(seed, 400));
    for (const it of shards) await store.put({ ...it, owner: OWNER_A });
    const middle = disk.kill();
    const torn = disk.kill();
    await store.close();
    middle.damage(`${DIR}/00000001.seg`, 64 + 496 + 8, 1);
    torn.damage(`${DIR}/00000001.seg`, 64 + 2 * 496 + 8, 1);
    store = await open(middle, { rebuildIndex: true });
    expect(shards.map(({ id }) => store.has(id))).toEqual([true, false, true]);
    expect(store.recovery).toMatchObject({ damaged: 1, tornBytes: 0 });
    await store.close();
    store = await open(torn, { rebuildIndex: true });
    expect(shards.map(({ id }) => store.has(id))).toEqual([true, true, false]);
    expect(store.recovery).toMatchObject({ damaged: 0, tornBytes: 496 });
    await store.close();
  });

  it('cuts a torn end off, so that nothing of it fits again behind later records', async () => {
    const disk = new ModelDisk();
    let store = await open(disk);
    await store.put({ ...shard(1, 400), owner: OWNER_A });
    const [first, second] = [shard(2, 400), shard(3, 400)];
    // The first append goes alone; these two gather behind it and share a batch.
    await Promise.all([shard(9, 400), first, second].map((it) => store.put({ ...it, owner: OWNER_A })));
    const killed = disk.kill();
    await store.close();
    killed.damage(`${DIR}/00000001.seg`, 64 + 2 * 496 + 8, 1);
    store = await open(killed, { rebuildIndex: true });
    expect([first, second].map(({ id }) => store.has(id))).toEqual([false, false]);
    await store.put({ ...shard(4, 400), owner: OWNER_A });
    const after = killed.kill();
    await store.close();
    store = await open(after, { rebuildIndex: true });
    expect([shard(4, 400), first, second].map(({ id }) => store.has(id))).toEqual([true, false, false]);
    await store.close();
  });
});

describe('formats', () => {
  it('of a newer datamesh are refused untouched, and a lost FORMAT is made again from the segments', async () => {
    const disk = new ModelDisk();
    let store = await open(disk);
    const it = shard(1, 100);
    await store.put({ ...it, owner: OWNER_A });
    await store.close();
    const lost = disk.kill();
    await lost.remove(`${DIR}/FORMAT`);
    store = await open(lost);
    expect(await store.get(it.id)).toEqual(it.bytes);
    await store.close();
    await disk.writeFileAtomic(`${DIR}/FORMAT`, Buffer.from(`{"format":${STORE_FORMAT + 1}}`), 0o600);
    await expect(open(disk)).rejects.toMatchObject({ code: 'format-too-new', exit: 4 });
  });
});

interface Place {
  name: string;
  offset: number;
}

/** Where the shard's bytes lie on the disk, other than at `not`; `not` itself when nowhere else. */
async function recordOf(disk: ModelDisk, names: string[], bytes: Uint8Array, not?: Place): Promise<Place> {
  for (const name of names) {
    // Compaction may have removed it since it was listed.
    if ((await disk.stat(`${DIR}/${name}`)) === undefined) continue;
    const contents = Buffer.from(disk.contents(`${DIR}/${name}`));
    for (
      let at = contents.lastIndexOf(bytes);
      at >= 0;
      at = at === 0 ? -1 : contents.lastIndexOf(bytes, at - 1)
    ) {
      if (not === undefined || not.name !== name || not.offset !== at) return { name, offset: at };
    }
  }
  if (not !== undefined) return not;
  throw new Error('the shard is nowhere on the disk');
}

async function waitFor(condition: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 1000; turn++) {
    if (await condition()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error('it did not happen');
}
