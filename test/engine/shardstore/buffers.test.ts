/** Whose memory the bytes are in: what put reads from, when it has done with it, and where get puts them. */
import { describe, expect, it } from 'vitest';
import type { Disk } from '../../../src/engine/effects/disk.ts';
import { realDisk } from '../../../src/engine/effects/real-disk.ts';
import { OWNER_A, type Shard, shard } from './shards.ts';
import { openStore, tempDir } from './support.ts';

const MiB = 1024 * 1024;

/** The real disk, with what was written to and read from segments. */
function watched() {
  const real = realDisk();
  const written: Uint8Array[] = [];
  const reads: number[] = [];
  const disk: Disk = {
    ...real,
    async open(path, ...rest) {
      const file = await real.open(path, ...rest);
      if (!path.endsWith('.seg')) return file;
      return {
        path,
        read(buffer, position) {
          reads.push(buffer.length);
          return file.read(buffer, position);
        },
        write(buffers, position) {
          written.push(...buffers);
          return file.write(buffers, position);
        },
        datasync: () => file.datasync(),
        truncate: (lengthBytes) => file.truncate(lengthBytes),
        sizeBytes: () => file.sizeBytes(),
        close: () => file.close(),
      };
    },
  };
  return { disk, written, reads };
}

describe.each([
  ['a pooled buffer', () => new ArrayBuffer(3 * MiB)],
  ['shared memory', () => new SharedArrayBuffer(3 * MiB)],
])('a put out of %s', (_name, makeMemory) => {
  it.each([0, 1, 4096, 16 * 1024, 16 * 1024 + 1, MiB])(
    'of %i bytes has done with it when it settles',
    async (length) => {
      const dir = `${await tempDir()}/shards`;
      const pool = new Uint8Array(makeMemory());
      const shards = [shard(1, length), shard(2, length === 0 ? 1 : length)];
      let store = await openStore(dir);
      const putOut = async ({ id, bytes }: Shard, at: number) => {
        const view = pool.subarray(at, at + bytes.length);
        view.set(bytes);
        await store.put({ id, bytes: view, owner: OWNER_A });
        view.fill(0xee);
      };
      await Promise.all(shards.map((it, index) => putOut(it, 7 + index * (length + 5))));
      const check = async () => {
        for (const { id, bytes } of shards) expect(Buffer.compare((await store.get(id))!, bytes)).toBe(0);
      };
      await check();
      await store.close();
      store = await openStore(dir, { rebuildIndex: true });
      await check();
      await store.close();
    },
  );

  it('leaves large shards where they lie: the disk writes from that memory', async () => {
    const { disk, written } = watched();
    const store = await openStore(`${await tempDir()}/shards`, { disk });
    const memory = makeMemory();
    const { id, bytes } = shard(1, MiB);
    const view = new Uint8Array(memory, 100, MiB);
    view.set(bytes);
    await store.put({ id, bytes: view, owner: OWNER_A });
    const large = written.filter((buffer) => buffer.length >= MiB);
    expect(large.map((it) => [it.buffer === memory, it.byteOffset, it.length])).toEqual([[true, 100, MiB]]);
    await store.close();
  });

  it('is read back into it, with one read and nothing beyond its length', async () => {
    const { disk, reads } = watched();
    const store = await openStore(`${await tempDir()}/shards`, { disk });
    const { id, bytes } = shard(1, 5000);
    await store.put({ id, bytes, owner: OWNER_A });
    const into = new Uint8Array(makeMemory(), 50, 6000).fill(9);
    reads.length = 0;
    const found = (await store.get(id, into))!;
    expect(reads).toEqual([5000]);
    expect([found.buffer === into.buffer, found.byteOffset]).toEqual([true, 50]);
    expect(Buffer.compare(found, bytes)).toBe(0);
    expect(into.subarray(5000).every((byte) => byte === 9)).toBe(true);
    await expect(store.get(id, into.subarray(0, 4999))).rejects.toThrow(RangeError);
    expect(await store.get(shard(2, 10).id, into)).toBeUndefined();
    await store.close();
  });
});

describe('a get', () => {
  it('is one read into a buffer of its own', async () => {
    const { disk, reads } = watched();
    const store = await openStore(`${await tempDir()}/shards`, { disk });
    const { id, bytes } = shard(1, 5000);
    await store.put({ id, bytes, owner: OWNER_A });
    reads.length = 0;
    const [one, other] = [(await store.get(id))!, (await store.get(id))!];
    expect(reads).toHaveLength(2);
    one.fill(0);
    expect(Buffer.compare(other, bytes)).toBe(0);
    await store.close();
  });

  it('into a buffer finds rot as any other does', async () => {
    const lost: string[] = [];
    const dir = `${await tempDir()}/shards`;
    const store = await openStore(dir, { onLost: (id) => lost.push(id) });
    const { id, bytes } = shard(1, 5000);
    await store.put({ id, bytes, owner: OWNER_A });
    const file = await realDisk().open(`${dir}/00000001.seg`, 'update');
    await file.write([Uint8Array.of(bytes[100]! ^ 1)], 64 + 96 + 100);
    await file.close();
    expect(await store.get(id, new Uint8Array(5000))).toBeUndefined();
    expect([lost, store.has(id)]).toEqual([[id], false]);
    await store.close();
  });
});
