import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Chunk } from '../../../src/engine/codec/chunker.ts';
import {
  type CutSizes,
  contentChunks,
  cutSizes,
  gearTable,
} from '../../../src/engine/codec/content-chunker.ts';
import { blake3 } from '../../../src/engine/codec/hash.ts';
import { joined } from '../../../src/engine/codec/memory.ts';
import { pattern } from './reference.ts';

const gear = gearTable(pattern(32, 1));
const sizes = cutSizes(1024);

/** Bytes without the short period of a linear generator. */
function noise(length: number, seed: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, i) =>
    blake3(Buffer.from(`${seed}/${i}`)),
  );
  return Buffer.concat(blocks).subarray(0, length);
}

async function cut(
  bytes: Uint8Array,
  lengths: readonly number[] = [],
  table = gear,
  of: CutSizes = sizes,
): Promise<Chunk[]> {
  async function* pieces() {
    let at = 0;
    // One buffer for all pieces: a chunker that keeps a view of it is found out. A Buffer, as files and sockets give, whose `slice` is no copy.
    const room = Buffer.alloc(Math.max(1, ...lengths));
    for (const length of lengths) {
      const part = bytes.subarray(at, at + length);
      room.set(part);
      yield room.subarray(0, part.length);
      room.fill(0);
      at += length;
    }
    yield bytes.subarray(at);
  }
  const out: Chunk[] = [];
  for await (const chunk of contentChunks(pieces(), table, of)) out.push(chunk);
  return out;
}

/** Lengths of the chunks, word by word as docs/FORMATS.md has them. */
function lengthsByTheFormat(bytes: Uint8Array, { minBytes, averageBytes, maxBytes }: CutSizes): number[] {
  const bits = Math.log2(averageBytes);
  const topBitsAreZero = (hash: number, count: number) => Math.floor(hash / 2 ** (32 - count)) === 0;
  const lengths: number[] = [];
  for (let start = 0; start < bytes.length; start += lengths.at(-1)!) {
    let length = 0;
    let hash = 0;
    for (let ended = false; !ended && start + length < bytes.length; ) {
      const byte = bytes[start + length++]!;
      if (length > minBytes - 32) hash = (hash * 2 + gear[byte]!) % 2 ** 32;
      const found = topBitsAreZero(hash, length <= averageBytes ? bits + 2 : bits - 2);
      ended = (length > minBytes && found) || length === maxBytes;
    }
    lengths.push(length);
  }
  return lengths;
}

const idsOf = (list: readonly Chunk[]) =>
  list.map((chunk) => Buffer.from(blake3(joined(chunk.pieces))).toString('hex'));

describe('content-defined chunks', () => {
  it('are the same however the stream is cut into pieces, complete and in bounds', async () => {
    const lengths = fc.array(fc.nat(3000), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(fc.nat(30_000), fc.nat(50), lengths, async (length, seed, pieces) => {
        const bytes = noise(length, seed);
        const whole = await cut(bytes);
        expect(idsOf(await cut(bytes, pieces))).toEqual(idsOf(whole));
        expect(Buffer.compare(Buffer.concat(whole.map((chunk) => joined(chunk.pieces))), bytes)).toBe(0);
        whole.forEach((chunk, index) => {
          const last = index === whole.length - 1;
          expect(chunk).toMatchObject({ index, last });
          expect(chunk.lengthBytes).toBeLessThanOrEqual(sizes.maxBytes);
          if (!last) expect(chunk.lengthBytes).toBeGreaterThanOrEqual(sizes.minBytes);
        });
      }),
      { numRuns: 60 },
    );
  });

  it('end where the format says', async () => {
    const bytes = noise(300_000, 5);
    for (const averageBytes of [16, 64, 1024, 4096]) {
      const of = cutSizes(averageBytes);
      const found = await cut(bytes, [], gear, of);
      expect(found.map((chunk) => chunk.lengthBytes)).toEqual(lengthsByTheFormat(bytes, of));
    }
  });

  it('survive an insertion: all but a few are the old ones', async () => {
    const bytes = noise(200_000, 7);
    const before = new Set(idsOf(await cut(bytes)));
    const after = idsOf(
      await cut(Buffer.concat([bytes.subarray(0, 90_000), Buffer.from('new'), bytes.subarray(90_000)])),
    );
    expect(after.length).toBeGreaterThan(100);
    expect(after.filter((id) => !before.has(id)).length).toBeLessThanOrEqual(3);
  });

  it('have about the average length', async () => {
    const found = await cut(noise(400_000, 9));
    const average = 400_000 / found.length;
    expect(average).toBeGreaterThan(sizes.averageBytes * 0.7);
    expect(average).toBeLessThan(sizes.averageBytes * 1.5);
  });

  it('are cut at the maximum where the content never asks for it', async () => {
    const found = await cut(new Uint8Array(10_000));
    expect(found.map((chunk) => chunk.lengthBytes)).toEqual([4096, 4096, 1808]);
  });

  it('lie elsewhere under another secret', async () => {
    const bytes = noise(100_000, 3);
    const mine = new Set(idsOf(await cut(bytes)));
    const others = idsOf(await cut(bytes, [], gearTable(pattern(32, 2))));
    expect(others.filter((id) => mine.has(id))).toEqual([]);
  });

  it('yield nothing for nothing, and refuse lengths that are none', async () => {
    expect(await cut(new Uint8Array(0))).toEqual([]);
    expect(() => cutSizes(1000)).toThrow(RangeError);
    expect(() => cutSizes(8)).toThrow(RangeError);
  });
});
