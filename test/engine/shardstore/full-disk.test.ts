/** A real file system that is really full: a small tmpfs, mounted by the test when it runs as root. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { openCatalog } from '../../../src/engine/catalog/sqlite-catalog.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { acquireLock } from '../../../src/engine/effects/lock.ts';
import { realDisk } from '../../../src/engine/effects/real-disk.ts';
import { ALICE, entry } from '../catalog/entries.ts';
import { OWNER_A, type Shard, shard } from './shards.ts';
import { openStore } from './support.ts';

const MIB = 1024 * 1024;
const DIR = `/tmp/datamesh-full-${process.pid}`;

function mount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  mkdirSync(DIR, { recursive: true });
  return spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', DIR]).status === 0;
}

const mounted = mount();

afterAll(() => {
  if (mounted) spawnSync('umount', ['-l', DIR]);
  rmSync(DIR, { recursive: true, force: true });
});

describe('a tmpfs of 24 MiB', () => {
  const skipped = mounted ? '' : ' (SKIPPED: only root can mount a tmpfs)';
  it.skipIf(!mounted)(
    `full: reads, deletes, compaction; puts again without a restart${skipped}`,
    async () => {
      const limits = { segmentBytes: 4 * MIB, ballastBytes: 2 * MIB, spaceEveryMs: 0, checkpointChanges: 16 };
      const store = await openStore(`${DIR}/shards`, {
        limits: { ...limits, compactionBytesPerSecond: 1e12 },
      });
      const held: Shard[] = [];
      let refusal: unknown;
      for (let seed = 1; refusal === undefined && seed < 1000; seed++) {
        const next = shard(seed, 100_000);
        await store.put({ ...next, owner: OWNER_A }).then(
          () => held.push(next),
          (error: unknown) => (refusal = error),
        );
      }
      expect(refusal).toMatchObject({ code: 'disk-full' });
      expect(held.length).toBeGreaterThan(150);
      // Somebody else takes what is left, to the last byte: now the kernel itself says ENOSPC.
      let filler = 0;
      try {
        for (; filler < 10_000; filler++) writeFileSync(`${DIR}/filler-${filler}`, Buffer.alloc(4096));
      } catch (error) {
        expect(error).toMatchObject({ code: 'ENOSPC' });
      }
      for (const { id, bytes } of held) expect(await store.get(id)).toEqual(bytes);
      await expect(store.put({ ...shard(5000, 50_000), owner: OWNER_A })).rejects.toMatchObject({
        code: 'disk-full',
      });
      const gone = held.slice(0, held.length / 2);
      const kept = held.slice(held.length / 2);
      const fullBytes = store.usage().diskBytes;
      for (const { id } of gone) expect(await store.delete(id, OWNER_A)).toBe(true);
      await store.compact();
      // It began by itself with the first deletions: what counts is what is there in the end.
      expect(store.usage().diskBytes).toBeLessThan(fullBytes - 4 * MIB);
      for (let at = 0; at < filler; at++) rmSync(`${DIR}/filler-${at}`);
      // Space is back: the same store takes puts again.
      for (const it of gone.slice(0, 20)) expect(await store.put({ ...it, owner: OWNER_A })).toBe('stored');
      await store.compact();
      const { diskBytes, liveBytes } = store.usage();
      expect(diskBytes).toBeLessThan(liveBytes * 1.15 + 4 * MIB);
      await store.close();

      const again = await openStore(`${DIR}/shards`, { limits });
      for (const { id, bytes } of [...kept, ...gone.slice(0, 20)]) expect(await again.get(id)).toEqual(bytes);
      for (const { id } of gone.slice(20)) expect(again.has(id)).toBe(false);
      await again.close();
    },
  );

  it.skipIf(!mounted)(`full at the start: a node opens, and deletes${skipped}`, async () => {
    const dir = `${DIR}/node`;
    mkdirSync(dir);
    const held = shard(1, 100_000);
    const [lockPath, catalogPath] = [`${dir}/LOCK`, `${dir}/catalog.sqlite`];
    const disk = realDisk();
    const clock = realClock();
    const open = async () => {
      const lock = await acquireLock(disk, lockPath, clock);
      const store = await openStore(`${dir}/shards`, { limits: { ballastBytes: 2 * MIB, spaceEveryMs: 0 } });
      const catalog = openCatalog(catalogPath, clock);
      const close = async () => {
        catalog.close();
        await store.close();
        await lock.release();
      };
      return { store, catalog, close };
    };
    const first = await open();
    await first.store.put({ ...held, owner: OWNER_A });
    first.catalog.commit(entry('name'));
    await first.close();
    expect(() => writeFileSync(`${DIR}/filler`, Buffer.alloc(24 * MIB))).toThrow('ENOSPC');

    const again = await open();
    const put = again.store.put({ ...shard(2, 1000), owner: OWNER_A });
    await expect(put).rejects.toMatchObject({ code: 'disk-full' });
    expect(again.catalog.hide(ALICE, 'name')).toMatchObject({ name: 'name' });
    expect(await again.store.delete(held.id, OWNER_A)).toBe(true);
    await again.close();
    rmSync(`${DIR}/filler`);
  });

  it.skipIf(!mounted)(
    `that fills up while a node runs: its catalog has room for a delete${skipped}`,
    async () => {
      const dir = `${DIR}/running`;
      mkdirSync(dir);
      const store = await openStore(`${dir}/shards`, { limits: { ballastBytes: 2 * MIB } });
      const catalog = openCatalog(`${dir}/catalog.sqlite`, realClock());
      catalog.commit(entry('name'));
      expect(() => writeFileSync(`${DIR}/filler`, Buffer.alloc(24 * MIB))).toThrow('ENOSPC');
      expect(() => {
        for (let at = 0; at < 100; at++) catalog.commit(entry(`other ${at}`));
      }).toThrow(expect.objectContaining({ code: 'disk-full' }));
      store.spaceLeft(0);
      await vi.waitUntil(() => !existsSync(`${dir}/shards/BALLAST`));
      expect(catalog.hide(ALICE, 'name')).toMatchObject({ name: 'name' });
      catalog.close();
      await store.close();
    },
  );
});
