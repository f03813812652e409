/** Segments that a disk cannot read, and what lies among the segments and is none. */
import { describe, expect, it } from 'vitest';
import { ModelDisk } from '../../support/model-disk.ts';
import { DIR, open, segments } from './model-store.ts';
import { OWNER_A, SMALL_LIMITS, shard } from './shards.ts';

describe('a segment that the device cannot read', () => {
  /** Three segments; the device refuses the second from one byte to another. */
  async function refusing(from: number, to: number) {
    const disk = new ModelDisk();
    const store = await open(disk, { limits: { ...SMALL_LIMITS, segmentBytes: 16 * 1024 } });
    const shards = Array.from({ length: 40 }, (_, seed) => shard(seed, 1000));
    for (const it of shards) await store.put({ ...it, owner: OWNER_A });
    await store.close();
    const path = `${DIR}/${(await segments(disk))[1]}`;
    const refuse = (it: ModelDisk) => {
      it.faultAt = (_, name, position, length) =>
        name === path && position < to && position + length > from ? 'EIO' : undefined;
    };
    return { disk, shards, path, refuse };
  }

  it.each([
    ['at its head', 0, 4096, 32],
    ['in its middle', 8192, 12_288, 30],
    ['anywhere', 0, 1e9, 25],
  ])('%s keeps nobody from the others, is named, and is left as it is', async (_, from, to, least) => {
    const { disk, shards, path, refuse } = await refusing(from, to);
    const before = Uint8Array.from(disk.contents(path));
    refuse(disk);
    const events: string[] = [];
    let store = await open(disk, { rebuildIndex: true, onEvent: (_level, text) => events.push(text) });
    const held = shards.filter(({ id }) => store.has(id));
    expect(held.length).toBeGreaterThanOrEqual(least);
    expect(held.length).toBeLessThan(40);
    for (const { id, bytes } of held) {
      // Of a record at the edge the head may be read and the bytes not.
      const read = await store.get(id).catch(() => bytes);
      expect(read).toEqual(bytes);
      await store.delete(id, OWNER_A);
    }
    expect(events.join('\n')).toContain(path);
    expect(await store.put({ ...shard(500, 1000), owner: OWNER_A })).toBe('stored');
    await store.compact();
    expect(disk.contents(path)).toEqual(before);
    await store.close();
    // The device gives it again: what was there is found.
    disk.faultAt = undefined;
    store = await open(disk, { rebuildIndex: true });
    for (const { id, bytes } of shards)
      if (!held.some((it) => it.id === id)) expect(await store.get(id)).toEqual(bytes);
    expect(await store.get(shard(500, 1000).id)).toEqual(shard(500, 1000).bytes);
    await store.close();
  });

  it('as the newest one is not written to any more', async () => {
    const disk = new ModelDisk();
    let store = await open(disk);
    const [first, late] = [shard(1, 400), shard(2, 400)];
    await store.put({ ...first, owner: OWNER_A });
    await store.close();
    disk.faultAt = () => 'EIO';
    store = await open(disk);
    await store.put({ ...late, owner: OWNER_A });
    await store.close();
    expect(await segments(disk)).toEqual(['00000001.seg', '00000002.seg']);
    disk.faultAt = undefined;
    store = await open(disk);
    for (const { id, bytes } of [first, late]) expect(await store.get(id)).toEqual(bytes);
    await store.close();
  });
});

describe('what is no segment of the store', () => {
  it('is neither served nor changed, whatever it is called', async () => {
    const disk = new ModelDisk();
    const other = await open(disk, { dir: '/other/shards' });
    for (let seed = 0; seed < 20; seed++) await other.put({ ...shard(seed, 1000), owner: OWNER_A });
    await other.close();
    let store = await open(disk);
    const it = shard(100, 1000);
    await store.put({ ...it, owner: OWNER_A });
    await store.close();
    // Of another store: its head says how much of OUR first segment is valid.
    const foreign = disk.contents('/other/shards/00000002.seg');
    await disk.writeFileAtomic(`${DIR}/00000002.seg`, foreign, 0o600);
    await disk.writeFileAtomic(`${DIR}/4294967295.seg`, new Uint8Array(5000), 0o600);
    await disk.writeFileAtomic(`${DIR}/000000009.seg`, new Uint8Array(5000), 0o600);
    await disk.makeDir(`${DIR}/00000005.seg`);
    const events: string[] = [];
    for (const rebuildIndex of [false, true]) {
      store = await open(disk, { rebuildIndex, onEvent: (_, text) => events.push(text) });
      expect(await store.get(it.id)).toEqual(it.bytes);
      expect(await store.put({ ...shard(rebuildIndex ? 1 : 2, 900), owner: OWNER_A })).toBe('stored');
      await store.compact();
      await store.close();
    }
    expect(disk.contents(`${DIR}/00000002.seg`)).toEqual(foreign);
    expect(disk.contents(`${DIR}/4294967295.seg`).length).toBe(5000);
    expect(events.join('\n')).toContain(`${DIR}/00000002.seg is no segment`);
    store = await open(disk, { rebuildIndex: true });
    for (const each of [it, shard(1, 900), shard(2, 900)])
      expect(await store.get(each.id)).toEqual(each.bytes);
    await store.close();
  });
});

describe('compaction beside a place that cannot be read', () => {
  it('gives the space of the other segments back', async () => {
    const disk = new ModelDisk();
    const store = await open(disk, { limits: { ...SMALL_LIMITS, compactionBytesPerSecond: 1e12 } });
    const shards = Array.from({ length: 60 }, (_, seed) => shard(seed, 1500));
    for (const { id, bytes } of shards) await store.put({ id, bytes, owner: OWNER_A });
    const [first] = await segments(disk);
    // Of the first the least is left, so it is the first to go.
    disk.faultAt = (_, path) => (path === `${DIR}/${first}` ? 'EIO' : undefined);
    const kept = shards.filter((_, at) => at === 0 || at % 6 === 5);
    for (const it of shards) if (!kept.includes(it)) await store.delete(it.id, OWNER_A);
    await store.compact();
    const { liveBytes, diskBytes } = store.usage();
    expect(diskBytes).toBeLessThan(3 * liveBytes);
    expect((await segments(disk))[0]).toBe(first);
    disk.faultAt = undefined;
    for (const { id, bytes } of kept) expect(await store.get(id)).toEqual(bytes);
    await store.close();
  });
});
