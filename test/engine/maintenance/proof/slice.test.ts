import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { blake3 } from '../../../../src/engine/codec/hash.ts';
import {
  chunksOf,
  rootOf,
  sliceBytes,
  sliceOf,
  treeOf,
  verifySlice,
} from '../../../../src/engine/maintenance/proof/slice.ts';
import { seeded } from '../../shardstore/shards.ts';

function randomContent(lengthBytes: number, seed: number): Uint8Array {
  const next = seeded(seed);
  return Uint8Array.from({ length: lengthBytes }, () => Math.floor(next() * 256));
}

/** Lengths at the edges of blocks, chunks, lanes, windows and powers of two. */
const EDGES = [
  0, 1, 63, 64, 65, 127, 1023, 1024, 1025, 2047, 2048, 2049, 3072, 3073, 4095, 4096, 4097, 5000, 8192,
];
const WINDOW_EDGES = [65_535, 65_536, 65_537, 66_560, 69_000, 131_072, 131_073, 262_145];
const lengths = fc.oneof(fc.constantFrom(...EDGES), fc.integer({ min: 0, max: 20_000 }));

describe('the tree', () => {
  test.each([...EDGES, ...WINDOW_EDGES])('of %i bytes has their BLAKE3 as its root', (lengthBytes) => {
    const bytes = randomContent(lengthBytes, lengthBytes);
    expect(Buffer.from(rootOf(treeOf(bytes)))).toEqual(Buffer.from(blake3(bytes)));
  });

  test('of any bytes has their BLAKE3 as its root', () => {
    fc.assert(
      fc.property(lengths, fc.integer(), (lengthBytes, seed) => {
        const bytes = randomContent(lengthBytes, seed);
        expect(Buffer.compare(rootOf(treeOf(bytes)), blake3(bytes))).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  test('of more chunks than a window of parents holds', () => {
    const bytes = new Uint8Array(2_100_000).map((_, i) => (i * 31) >> 3);
    expect(Buffer.compare(rootOf(treeOf(bytes)), blake3(bytes))).toBe(0);
  });
});

describe('a slice', () => {
  const chosen = fc.tuple(lengths, fc.integer(), fc.nat()).map(([lengthBytes, seed, chunk]) => ({
    bytes: randomContent(lengthBytes, seed),
    chunk: chunk % chunksOf(lengthBytes),
  }));

  test('proves every chunk of what it was made of, in the length that is told beforehand', () => {
    fc.assert(
      fc.property(chosen, ({ bytes, chunk }) => {
        const slice = sliceOf(treeOf(bytes), bytes, chunk);
        expect(slice.length).toBe(sliceBytes(bytes.length, chunk));
        expect(verifySlice(blake3(bytes), bytes.length, chunk, slice)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  test('is refused when any byte of it, or of the hash, is another', () => {
    for (const lengthBytes of [1, 1024, 1025, 3000, 5121]) {
      const bytes = randomContent(lengthBytes, 5);
      const root = Uint8Array.from(blake3(bytes));
      for (let chunk = 0; chunk < chunksOf(lengthBytes); chunk++) {
        const slice = sliceOf(treeOf(bytes), bytes, chunk);
        for (let at = 0; at < slice.length; at++) {
          slice[at]! ^= 1 << (at % 8);
          expect(verifySlice(root, lengthBytes, chunk, slice)).toBe(false);
          slice[at]! ^= 1 << (at % 8);
        }
        for (let at = 0; at < root.length; at++) {
          root[at]! ^= 1;
          expect(verifySlice(root, lengthBytes, chunk, slice)).toBe(false);
          root[at]! ^= 1;
        }
        expect(verifySlice(root, lengthBytes, chunk, slice)).toBe(true);
      }
    }
  });

  test('proves no other chunk and no other length', () => {
    fc.assert(
      fc.property(
        chosen,
        fc.integer({ min: -3000, max: 3000 }),
        fc.nat(),
        ({ bytes, chunk }, more, other) => {
          const root = blake3(bytes);
          const slice = sliceOf(treeOf(bytes), bytes, chunk);
          const wrongLength = bytes.length + more;
          if (more !== 0) expect(verifySlice(root, wrongLength, chunk, slice)).toBe(false);
          const wrongChunk = other % chunksOf(bytes.length);
          // A slice of the chunk before the last, where both stand in it, is the same as that of the last.
          const last = chunksOf(bytes.length) - 1;
          if (
            wrongChunk === chunk ||
            (chunk >= last - 1 && wrongChunk >= last - 1 && slice.length === sliceBytes(bytes.length, last))
          )
            return;
          const proves = verifySlice(root, bytes.length, wrongChunk, slice);
          // Every chunk that stands in the slice itself is proved by it: the challenged one and the last.
          expect(proves).toBe(false);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('of a wrong length that fits its size is refused: the last chunk binds the length', () => {
    const bytes = randomContent(5 * 1024, 1);
    const root = blake3(bytes);
    const slice = sliceOf(treeOf(bytes), bytes, 2);
    expect(verifySlice(root, bytes.length, 2, slice)).toBe(true);
    for (const wrong of [bytes.length - 1, bytes.length + 1, 6 * 1024, 7 * 1024, 8 * 1024]) {
      for (const padded of [slice, Buffer.concat([slice, new Uint8Array(1)]), slice.subarray(0, -1)]) {
        expect(verifySlice(root, wrong, 2, padded)).toBe(false);
        const fitting = new Uint8Array(sliceBytes(wrong, 2));
        fitting.set(slice.subarray(0, fitting.length));
        expect(verifySlice(root, wrong, 2, fitting)).toBe(false);
      }
    }
  });

  test('never throws and never costs more than its size, whatever is claimed', () => {
    const root = new Uint8Array(32);
    const anything = fc.oneof(
      fc.integer(),
      fc.double(),
      fc.constantFrom(2 ** 53, -1, 67_174_400, 67_174_401),
    );
    fc.assert(
      fc.property(anything, anything, fc.uint8Array({ maxLength: 3000 }), (lengthBytes, chunk, slice) => {
        expect(verifySlice(root, lengthBytes, chunk, slice)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });
});
