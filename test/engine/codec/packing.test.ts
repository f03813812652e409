import { readFileSync } from 'node:fs';
import * as zlib from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { shardBytesOf } from '../../../src/engine/codec/aead.ts';
import { createCodecPool } from '../../../src/engine/codec/codec-pool.ts';
import { blake3 } from '../../../src/engine/codec/hash.ts';
import { createCodec } from '../../../src/engine/codec/local-codec.ts';
import { decodeManifest, encodeManifest } from '../../../src/engine/codec/manifest.ts';
import { packChunk, packedBytes, unpackChunk, worthPacking } from '../../../src/engine/codec/packing.ts';
import { fixedRandom, inputOf } from './manifest-samples.ts';
import { pattern } from './reference.ts';

const malformed = expect.objectContaining({ code: 'malformed-data' });
const noise = (length: number) =>
  Buffer.concat(
    Array.from({ length: Math.ceil(length / 32) }, (_, i) => blake3(Buffer.from(`${i}`))),
  ).subarray(0, length);
const text = (length: number) => Buffer.alloc(length, 'all work and no play makes jack a dull boy. ');

/** A packed chunk of any content under any method. */
function packedAs(method: number, bytes: Uint8Array, claimed = bytes.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(method, 0);
  head.writeUInt32BE(claimed, 1);
  return Buffer.concat([head, bytes, Buffer.alloc(50)]);
}

describe('packed chunk', () => {
  it('unpacks to what was packed and fills its shards, whatever the content', () => {
    const contents = fc.oneof(
      fc.uint8Array({ maxLength: 3000 }),
      fc.nat(40_000).map(text),
      fc.nat(40_000).map(noise),
    );
    fc.assert(
      fc.property(contents, fc.integer({ min: 1, max: 20 }), (content, k) => {
        const packed = packChunk(content, k);
        const shardBytes = shardBytesOf(packed.length, k);
        expect(packed.length).toBe(packedBytes(shardBytes, k));
        expect(shardBytes).toBeLessThanOrEqual(shardBytesOf(content.length + 5, k));
        expect(Buffer.compare(unpackChunk(packed, content.length), content)).toBe(0);
      }),
    );
  });

  it('is small for what repeats, and no longer than a head for what does not', () => {
    expect(packChunk(text(100_000), 4).length).toBeLessThan(2000);
    expect(packChunk(noise(100_000), 4).length).toBeLessThan(100_000 + 5 + 4 * 128);
    expect(worthPacking(text(300_000))).toBe(true);
    expect(worthPacking(noise(300_000))).toBe(false);
    expect(worthPacking(new Uint8Array(0))).toBe(false);
    // Nine tenths of it do not shrink at all.
    expect(worthPacking(Buffer.concat([noise(93_000), text(3000)]))).toBe(false);
  });

  it('that is a bomb is refused at the size that the manifest has', () => {
    const bomb = zlib.brotliCompressSync(Buffer.alloc(256 * 1024 * 1024), {
      params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 },
    });
    expect(bomb.length).toBeLessThan(64 * 1024);
    const before = process.memoryUsage();
    expect(() => unpackChunk(packedAs(2, bomb), 100_000)).toThrow(malformed);
    const after = process.memoryUsage();
    expect(after.arrayBuffers + after.heapUsed - before.arrayBuffers - before.heapUsed).toBeLessThan(
      16 * 1024 * 1024,
    );
    if (typeof zlib.zstdCompressSync !== 'function') return;
    const other = zlib.zstdCompressSync(Buffer.alloc(64 * 1024 * 1024));
    expect(() => unpackChunk(packedAs(1, other), 100_000)).toThrow(malformed);
    expect(() => unpackChunk(packedAs(1, other), 64 * 1024 * 1024 + 1)).toThrow(malformed);
  });

  it('that lies about lengths or method is refused', () => {
    const packed = packChunk(text(5000), 4);
    expect(() => unpackChunk(packed, 4999)).toThrow(malformed);
    expect(() => unpackChunk(packed, 5001)).toThrow(malformed);
    expect(() => unpackChunk(packed.subarray(0, 4), 5000)).toThrow(malformed);
    expect(() => unpackChunk(packedAs(0, text(10), 1000), 1000)).toThrow(malformed);
    expect(() => unpackChunk(packedAs(9, text(10)), 10)).toThrow(malformed);
    expect(() => unpackChunk(packedAs(2, text(10)), 10)).toThrow(malformed);
  });

  it('of brotli is read also where zstd is there', () => {
    expect(Buffer.from(unpackChunk(packedAs(2, zlib.brotliCompressSync(text(500))), 500))).toEqual(text(500));
  });
});

describe('golden packed object', () => {
  const golden = JSON.parse(
    readFileSync(new URL('../../golden/codec/packed-v1.json', import.meta.url), 'utf8'),
  ) as { manifest: string; plaintextBytes: number; chunks: Record<'stored' | 'zstd' | 'brotli', string> };
  const methods = [
    'stored',
    'brotli',
    ...(typeof zlib.zstdCompressSync === 'function' ? ['zstd'] : []),
  ] as const;

  it.each(methods)('still reads a chunk that is %s', (method) => {
    const packed = Buffer.from(golden.chunks[method as 'stored'], 'hex');
    const plaintext = Buffer.alloc(golden.plaintextBytes, 'twelve bytes');
    expect(Buffer.from(unpackChunk(packed, golden.plaintextBytes))).toEqual(plaintext);
  });

  it('still reads its manifest, and would write the same', () => {
    const input = inputOf(600_000);
    const stripes = input.stripes.map((stripe, i) => ({ ...stripe, shardBytes: 128 * (i + 1) }));
    const manifest = decodeManifest(Buffer.from(golden.manifest, 'hex'));
    expect(manifest).toMatchObject({ format: 2, packed: true, stripeCount: 3 });
    expect([0, 1, 2].map(manifest.stripe)).toEqual(stripes);
    const written = encodeManifest({ ...input, stripes, packed: true, random: fixedRandom });
    expect(Buffer.from(written).toString('hex')).toBe(golden.manifest);
  });
});

describe.each([
  ['in this thread', createCodec],
  ['in a worker', () => createCodecPool({ workers: 1, minBytes: 0 })],
])('codec %s', (_, create) => {
  const codec = create();
  afterAll(() => codec.close());
  const fileKey = pattern(32, 4);

  it.each([
    { k: 4, m: 2, content: text(300_000) },
    { k: 4, m: 2, content: noise(300_000) },
    { k: 1, m: 2, content: text(9000) },
    { k: 10, m: 4, content: text(1) },
  ])('packs and unpacks around the seal at $k+$m', async ({ k, m, content }) => {
    const job = { code: { k, m }, fileKey, chunkIndex: 3, last: true };
    const stripe = await codec.encode({ ...job, plaintext: content, pack: true });
    const plain = await createCodec().encode({ ...job, plaintext: content });
    expect(stripe.shardBytes).toBeLessThanOrEqual(plain.shardBytes + 128);
    const shards = new Map([...stripe.shards.entries()].slice(-k));
    const sizes = { plaintextBytes: content.length, shardBytes: stripe.shardBytes };
    const opened = await codec.decode({ ...job, ...sizes, packed: true, shards });
    expect(Buffer.compare(opened.bytes, content)).toBe(0);
    opened.release();
    await expect(
      codec.decode({ ...job, ...sizes, packed: true, plaintextBytes: content.length + 1, shards }),
    ).rejects.toThrow(malformed);
    stripe.release();
  });
});
