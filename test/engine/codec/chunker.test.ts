import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkChunkCount,
  chooseChunkBytes,
  DEFAULT_CHUNK_BYTES,
  MAX_CHUNK_BYTES,
  MIN_CHUNK_BYTES,
} from '../../../src/engine/codec/chunk-size.ts';
import { type Chunk, chunks } from '../../../src/engine/codec/chunker.ts';
import { MAX_MANIFEST_BYTES, MAX_STRIPES } from '../../../src/engine/codec/manifest-limits.ts';
import { freeNow, joined } from '../../../src/engine/codec/memory.ts';
import { recordBytes } from '../../../src/engine/codec/stripe-table.ts';
import type { CodeProfile } from '../../../src/engine/types.ts';
import { pattern } from './reference.ts';

async function* pieces(bytes: Uint8Array, lengths: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (const length of lengths) {
    yield bytes.subarray(at, at + length);
    at += length;
  }
  yield bytes.subarray(at);
}

async function collect(source: AsyncIterable<Chunk>): Promise<Chunk[]> {
  const out: Chunk[] = [];
  for await (const chunk of source) out.push(chunk);
  return out;
}

describe('chunks', () => {
  it('re-cuts any stream exactly, and knows the last', async () => {
    const cases = fc.record({
      length: fc.nat(1000),
      chunkBytes: fc.integer({ min: 1, max: 300 }),
      lengths: fc.array(fc.nat(400), { maxLength: 20 }),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ length, chunkBytes, lengths }) => {
        const bytes = pattern(length, chunkBytes);
        const out = await collect(chunks(pieces(bytes, lengths), chunkBytes));
        expect(out).toHaveLength(Math.ceil(length / chunkBytes));
        out.forEach((chunk, index) => {
          const expected = bytes.subarray(index * chunkBytes, (index + 1) * chunkBytes);
          expect(chunk.index).toBe(index);
          expect(chunk.last).toBe(index === out.length - 1);
          expect(chunk.lengthBytes).toBe(expected.length);
          expect(Buffer.compare(joined(chunk.pieces), expected)).toBe(0);
        });
      }),
    );
  });

  it('hands large pieces on in place and gathers small ones, in order', async () => {
    const lengths = [3, 40_000, 10, 20, 70_000, 5, 16_384, 1];
    const bytes = pattern(300_000, 1);
    const out = await collect(chunks(pieces(bytes, lengths), 100_000));
    expect(Buffer.compare(joined(out.flatMap((chunk) => chunk.pieces)), bytes)).toBe(0);
    const inPlace = out.flatMap((chunk) => chunk.pieces).filter((piece) => piece.buffer === bytes.buffer);
    expect(inPlace.reduce((sum, piece) => sum + piece.length, 0)).toBeGreaterThan(280_000);
  });

  it('makes few pieces of many bytes', async () => {
    const bytes = pattern(200_000, 2);
    const out = await collect(chunks(pieces(bytes, new Array<number>(200_000).fill(1)), 150_000));
    expect(out.map((chunk) => chunk.lengthBytes)).toEqual([150_000, 50_000]);
    for (const chunk of out) expect(chunk.pieces.length).toBeLessThan(5);
    expect(Buffer.compare(joined(out.flatMap((chunk) => chunk.pieces)), bytes)).toBe(0);
  });

  it('never touches again what it has handed out: its consumer may free it', async () => {
    for (const pieceBytes of [1, 1000, 4096, 16_383]) {
      const bytes = pattern(500_000, pieceBytes);
      const lengths = new Array<number>(Math.floor(bytes.length / pieceBytes)).fill(pieceBytes);
      const out: Uint8Array[] = [];
      let freed = 0;
      // The first block is as long as the first piece, the others 64 KiB: the first chunk ends where a block does.
      for await (const chunk of chunks(pieces(bytes, lengths), pieceBytes + 2 * 65_536)) {
        out.push(Buffer.concat(chunk.pieces));
        for (const piece of chunk.pieces) {
          freeNow(piece);
          if (piece.length === 0) freed++;
        }
      }
      expect(Buffer.compare(Buffer.concat(out), bytes)).toBe(0);
      expect(freed).toBeGreaterThan(0);
    }
  });

  it('yields a chunk as soon as one more byte is known', async () => {
    let read = 0;
    async function* source() {
      for (; ; read++) yield new Uint8Array(10);
    }
    const cut = chunks(source(), 20);
    const first = await cut.next();
    expect(first.value).toMatchObject({ index: 0, last: false });
    expect(read).toBe(2);
    await cut.return(undefined);
  });

  it('ends the source when it is ended', async () => {
    let ended = false;
    async function* source() {
      try {
        for (;;) yield new Uint8Array(10);
      } finally {
        ended = true;
      }
    }
    for await (const chunk of chunks(source(), 15)) if (chunk.index === 1) break;
    expect(ended).toBe(true);
  });

  it('passes the source’s error on', async () => {
    async function* source() {
      yield new Uint8Array(10);
      throw new Error('disk gone');
    }
    await expect(collect(chunks(source(), 4))).rejects.toThrow('disk gone');
  });

  it('refuses a length that is none', async () => {
    await expect(collect(chunks(pieces(new Uint8Array(1), []), 0))).rejects.toThrow(RangeError);
  });
});

describe('chooseChunkBytes', () => {
  const MIB = 1024 * 1024;

  it.each([
    [{}, DEFAULT_CHUNK_BYTES],
    [{ sizeBytes: 0 }, DEFAULT_CHUNK_BYTES],
    [{ sizeBytes: 1 }, MIN_CHUNK_BYTES],
    [{ sizeBytes: 300 * 1024 }, MIB / 2],
    [{ sizeBytes: 1024 * MIB }, DEFAULT_CHUNK_BYTES],
    [{ sizeBytes: 2 ** 37 }, 8 * MIB],
    [{ sizeBytes: 2 ** 50 }, MAX_CHUNK_BYTES],
    [{ sizeBytes: 2 ** 36, code: { k: 10, m: 4 } }, DEFAULT_CHUNK_BYTES],
    [{ sizeBytes: 2 ** 36, code: { k: 29, m: 51 } }, 16 * MIB],
    [{ sizeBytes: 2 ** 36, code: { k: 100, m: 155 } }, MAX_CHUNK_BYTES],
    [{ bandwidthBytesPerSecond: 125e6, rttMs: 1 }, DEFAULT_CHUNK_BYTES],
    [{ bandwidthBytesPerSecond: 125e6, rttMs: 100 }, 16 * MIB],
    [{ bandwidthBytesPerSecond: 12.5e9, rttMs: 300 }, 16 * MIB],
    [{ bandwidthBytesPerSecond: 12.5e9, rttMs: 300, sizeBytes: 2 ** 40 }, MAX_CHUNK_BYTES],
    [{ bandwidthBytesPerSecond: 12.5e9, rttMs: 300, sizeBytes: 1000 }, MIN_CHUNK_BYTES],
    [
      { bandwidthBytesPerSecond: Number.NaN, rttMs: -5, sizeBytes: Number.POSITIVE_INFINITY },
      DEFAULT_CHUNK_BYTES,
    ],
  ])('%o → %i', (hints, expected) => {
    expect(chooseChunkBytes(hints)).toBe(expected);
  });

  it('leaves a manifest room for all chunks, whatever the code, while chunks can be larger', () => {
    const codes = fc
      .integer({ min: 1, max: 255 })
      .chain((k) => fc.record({ k: fc.constant(k), m: fc.integer({ min: 0, max: 255 - k }) }));
    fc.assert(
      fc.property(codes, fc.nat(480), (code, tenths) => {
        const sizeBytes = Math.floor(2 ** (tenths / 10));
        const chunkBytes = chooseChunkBytes({ sizeBytes, code });
        const tableBytes = Math.ceil(sizeBytes / chunkBytes) * recordBytes(code);
        if (chunkBytes < MAX_CHUNK_BYTES) expect(tableBytes).toBeLessThanOrEqual(MAX_MANIFEST_BYTES - MIB);
      }),
    );
  });

  it('has a limit that is told before anything is sent', () => {
    const most = (code: CodeProfile) => Math.floor(MAX_MANIFEST_BYTES / recordBytes(code));
    for (const [code, count] of [
      [{ k: 4, m: 2 }, MAX_STRIPES],
      [{ k: 10, m: 4 }, most({ k: 10, m: 4 })],
      [{ k: 255, m: 0 }, most({ k: 255, m: 0 })],
    ] as const) {
      expect(() => checkChunkCount(count, MIB, code)).not.toThrow();
      expect(() => checkChunkCount(count + 1, MIB, code)).toThrow(`more than ${count} chunks`);
    }
  });

  it('is a power of two within its bounds for any hints, and never shrinks as the object grows', () => {
    const number = fc.oneof(fc.double(), fc.nat(), fc.constant(undefined));
    fc.assert(
      fc.property(number, number, fc.nat(), fc.nat(), (bandwidth, rttMs, a, b) => {
        const hints = { bandwidthBytesPerSecond: bandwidth, rttMs };
        const small = chooseChunkBytes({ ...hints, sizeBytes: 1 + Math.min(a, b) });
        const large = chooseChunkBytes({ ...hints, sizeBytes: 1 + Math.max(a, b) });
        expect(Number.isInteger(Math.log2(small))).toBe(true);
        expect(small).toBeGreaterThanOrEqual(MIN_CHUNK_BYTES);
        expect(large).toBeLessThanOrEqual(MAX_CHUNK_BYTES);
        expect(small).toBeLessThanOrEqual(large);
      }),
    );
  });
});
