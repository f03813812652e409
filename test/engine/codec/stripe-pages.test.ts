import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shardBytesOf } from '../../../src/engine/codec/aead.ts';
import { blake3 } from '../../../src/engine/codec/hash.ts';
import {
  PAGE_SHAPE,
  PageReader,
  type PageRef,
  type PageShape,
  PageWriter,
  pageCounts,
} from '../../../src/engine/codec/stripe-pages.ts';
import type { StripeLayout } from '../../../src/engine/codec/stripe-table.ts';
import { type PeerId, type ShardId, shardIdOf } from '../../../src/engine/types.ts';

const code = { k: 4, m: 2 };
const MIB = 1024 * 1024;
const full = shardBytesOf(4 * MIB, 4);
const lengths = { maxBytes: full, same: true };
const peers = Array.from({ length: 9 }, (_, i) => `12D3KooWPeer${i + 1}` as PeerId);
const malformed = expect.objectContaining({ code: 'malformed-data' });
const tiny: PageShape = { leafStripes: 3, fanOut: 4 };

function stripe(index: number, shardBytes = full): StripeLayout {
  const id = (i: number): ShardId => {
    const bytes = Buffer.alloc(32, i);
    bytes.writeUInt32BE(index, 0);
    return shardIdOf(bytes);
  };
  const holders = code.k + code.m;
  return {
    shardBytes,
    ids: Array.from({ length: holders }, (_, i) => id(i)),
    holders: Array.from({ length: holders }, (_, i) =>
      index % 5 === i ? undefined : peers[(index + i) % peers.length],
    ),
  };
}

/** A tree of `count` stripes in a map, which is the mesh. */
async function written(count: number, shape: PageShape, make = stripe) {
  const stored = new Map<ShardId, Uint8Array>();
  const writer = new PageWriter(
    code,
    async (bytes, id) => {
      stored.set(id, bytes);
      return [peers[stored.size % peers.length], undefined, peers[0]];
    },
    shape,
  );
  for (let index = 0; index < count; index++) await writer.add(make(index));
  const { stripeCount, peers: named, root } = await writer.end();
  const fetched: PageRef[] = [];
  const fetch = async (ref: PageRef) => {
    fetched.push(ref);
    return stored.get(ref.id)!;
  };
  const paged = { code, stripeCount, lengths, peers: named, root };
  return { stored, fetched, fetch, paged, reader: new PageReader(paged, fetch, shape) };
}

describe('stripe pages', () => {
  it('give every stripe back, at any size of tree', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 200 }), fc.nat(), async (count, seed) => {
        const last = (index: number) => stripe(index, index === count - 1 ? 128 : full);
        if (pageCountOrNone(count) === undefined) return;
        const { reader, stored } = await written(count, tiny, last);
        expect(stored.size).toBe(
          pageCounts(count, tiny)
            .slice(0)
            .reduce((sum, pages) => sum + pages, 0),
        );
        for (const index of [0, count - 1, seed % count, (seed * 7) % count])
          expect(await reader.stripe(index)).toEqual(last(index));
        await expect(reader.stripe(count)).rejects.toThrow(RangeError);
      }),
      { numRuns: 60 },
    );
  });

  it('of a 1 TiB object are read by a handful for a range, by one each in order', async () => {
    const count = 262_144;
    const { reader, fetched, stored, paged } = await written(count, PAGE_SHAPE);
    expect(stored.size).toBe(512);
    expect(paged.root.length).toBeLessThan(64 * 1024);
    expect(Math.max(...[...stored.values()].map((page) => page.length))).toBeLessThan(128 * 1024);
    // 8 GiB out of the middle.
    for (let index = 100_000; index < 102_048; index++) await reader.stripe(index);
    expect(fetched.length).toBeLessThanOrEqual(5);
    expect(await reader.stripe(count - 1)).toEqual(stripe(count - 1));
  }, 60_000);

  it('name where they lie', async () => {
    const { reader, fetched } = await written(40, tiny);
    await reader.stripe(39);
    expect(fetched.length).toBeGreaterThan(1);
    for (const ref of fetched) {
      expect(ref.holders).toHaveLength(3);
      expect(ref.holders[1]).toBeUndefined();
      expect(ref.holders[2]).toBe(peers[0]);
    }
  });

  it('that are not the ones named, or in the wrong place, are refused', async () => {
    const { stored, paged, fetch } = await written(40, tiny);
    const other = await written(41, tiny);
    const swapped = new PageReader(paged, async () => [...other.stored.values()][0]!, tiny);
    await expect(swapped.stripe(39)).rejects.toMatchObject({ code: 'hash-mismatch' });
    const cut = new PageReader(paged, async (ref) => (await fetch(ref)).subarray(1), tiny);
    await expect(cut.stripe(0)).rejects.toMatchObject({ code: 'hash-mismatch' });
    expect(() => new PageReader({ ...paged, stripeCount: 2 ** 31 }, fetch, tiny)).toThrow(malformed);
    expect(() => new PageReader({ ...paged, root: paged.root.subarray(0, 10) }, fetch, tiny)).toThrow(
      malformed,
    );
    // The owner's own root, but with two references exchanged.
    const size = paged.root.length / pageCounts(40, tiny).at(-1)!;
    const root = Buffer.concat([
      paged.root.subarray(size, 2 * size),
      paged.root.subarray(0, size),
      paged.root.subarray(2 * size),
    ]);
    await expect(new PageReader({ ...paged, root }, fetch, tiny).stripe(0)).rejects.toThrow(malformed);
    // Holders that the peer table does not have.
    await expect(new PageReader({ ...paged, peers: [] }, fetch, tiny).stripe(0)).rejects.toThrow(malformed);
    expect(stored.size).toBeGreaterThan(10);
  });

  it('of another length are refused, and their memory is not kept', async () => {
    const { stored, paged } = await written(3, tiny);
    const [page] = stored.values();
    const long = Buffer.concat([page!, Buffer.alloc(1_000_000)]);
    const root = Buffer.concat([blake3(long), paged.root.subarray(32)]);
    let fetched = 0;
    const fetch = async () => {
      fetched++;
      return long;
    };
    const reader = new PageReader({ ...paged, root }, fetch, tiny);
    await expect(reader.stripe(0)).rejects.toThrow(malformed);
    await expect(reader.stripe(0)).rejects.toThrow(malformed);
    expect(fetched).toBe(2);
  });

  it('with a short stripe amid the object are refused', async () => {
    const { reader } = await written(40, tiny, (index) => stripe(index, index === 5 ? 128 : full));
    await expect(reader.stripe(5)).rejects.toThrow(malformed);
    expect((await reader.stripe(6)).shardBytes).toBe(full);
  });

  it('are asked for again after a failed fetch', async () => {
    const { paged, fetch } = await written(40, tiny);
    let failures = 1;
    const flaky = new PageReader(
      paged,
      async (ref) => {
        if (failures-- > 0) throw new Error('holder gone');
        return fetch(ref);
      },
      tiny,
    );
    await expect(flaky.stripe(1)).rejects.toThrow('holder gone');
    expect(await flaky.stripe(1)).toEqual(stripe(1));
  });

  it('have a depth that nobody can claim away', () => {
    expect(pageCounts(1)).toEqual([1]);
    expect(pageCounts(262_144)).toEqual([512]);
    expect(pageCounts(2 ** 29)).toEqual([2 ** 20, 1024]);
    for (const none of [0, -1, 1.5, 2 ** 53, Number.NaN]) expect(() => pageCounts(none)).toThrow(malformed);
    expect(() => pageCounts(Number.MAX_SAFE_INTEGER)).toThrow(malformed);
  });
});

function pageCountOrNone(count: number): number[] | undefined {
  try {
    return pageCounts(count, tiny);
  } catch {
    return undefined;
  }
}
