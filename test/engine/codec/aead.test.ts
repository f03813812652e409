import { createCipheriv } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ChunkPosition, openChunk, sealChunk, shardBytesOf } from '../../../src/engine/codec/aead.ts';
import { pattern } from './reference.ts';

const fileKey = pattern(32, 1);
const at = (chunkIndex: number, last = false): ChunkPosition => ({ fileKey, chunkIndex, last });
const refused = expect.objectContaining({ code: 'not-authentic' });

function sealed(position: ChunkPosition, plaintext: Uint8Array, k = 4): Uint8Array {
  const target = new Uint8Array(k * shardBytesOf(plaintext.length, k)).fill(0xee);
  sealChunk(position, plaintext, target);
  return target;
}

describe('sealed chunk', () => {
  it('is AES-256-GCM with the index as nonce, format, index and last flag as additional data, and keystream of AES-256-CTR behind', () => {
    const plaintext = pattern(1000, 2);
    const nonce = Buffer.from('000000000000000102030405', 'hex');
    const aad = Buffer.from('01000000010203040501', 'hex');
    const cipher = createCipheriv('aes-256-gcm', fileKey, nonce);
    cipher.setAAD(aad);
    const counter = Buffer.from('ffffffff000000010203040500000000', 'hex');
    const padding = createCipheriv('aes-256-ctr', fileKey, counter).update(Buffer.alloc(8));
    const expected = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag(), padding]);
    expect(Buffer.from(sealed(at(0x0102030405, true), plaintext))).toEqual(expected);
  });

  it('has the smallest shards that hold it', () => {
    expect(shardBytesOf(0, 4)).toBe(128);
    expect(shardBytesOf(512 - 16, 4)).toBe(128);
    expect(shardBytesOf(512 - 15, 4)).toBe(256);
    expect(shardBytesOf(4 * 1024 * 1024, 4)).toBe(1024 * 1024 + 128);
  });

  it('opens from parts of any length', () => {
    const cases = fc.record({
      length: fc.oneof(
        fc.nat(3000),
        fc.integer({ min: 262_100, max: 262_200 }),
        fc.integer({ min: 520_000, max: 530_000 }),
      ),
      k: fc.integer({ min: 1, max: 30 }),
      index: fc.nat(),
      last: fc.boolean(),
    });
    fc.assert(
      fc.property(cases, ({ length, k, index, last }) => {
        const plaintext = pattern(length, index);
        const whole = sealed(at(index, last), plaintext, k);
        const shardBytes = whole.length / k;
        const parts = Array.from({ length: k }, (_, i) =>
          whole.subarray(i * shardBytes, (i + 1) * shardBytes),
        );
        expect(Buffer.compare(openChunk(at(index, last), length, parts), plaintext)).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('detects truncation, reordering, moving to another object and wrong lengths', () => {
    const plaintext = pattern(5000, 3);
    const whole = sealed(at(4, true), plaintext);
    const open = (position: ChunkPosition, length = 5000, parts = [whole]) =>
      openChunk(position, length, parts);
    expect(open(at(4, true))).toEqual(Buffer.from(plaintext));
    expect(() => open(at(4, false)), 'another chunk follows').toThrow(refused);
    expect(() => open(at(5, true)), 'reordered').toThrow(refused);
    expect(() => open({ ...at(4, true), fileKey: pattern(32, 9) }), 'another object').toThrow(refused);
    expect(() => open(at(4, true), 4999), 'cut plaintext').toThrow(refused);
    expect(() => open(at(4, true), 5000, [whole.subarray(0, 5008)]), 'cut ciphertext').toThrow(refused);
    expect(() => open(at(4, true), 5000, [whole.subarray(0, 1000)]), 'cut ciphertext').toThrow(refused);
    const middle = whole.length / 2;
    expect(() => open(at(4, true), 5000, [whole.subarray(middle), whole.subarray(0, middle)])).toThrow(
      refused,
    );
  });

  it('detects every flipped bit of ciphertext and tag', () => {
    const plaintext = pattern(40, 5);
    const whole = sealed(at(0), plaintext, 1);
    for (let bit = 0; bit < 8 * (40 + 16); bit++) {
      const altered = whole.slice();
      altered[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => openChunk(at(0), 40, [altered])).toThrow(refused);
    }
  });

  it('refuses keys and indices that are none', () => {
    expect(() => sealed({ ...at(0), fileKey: new Uint8Array(16) }, pattern(1, 1))).toThrow(RangeError);
    expect(() => sealed(at(-1), pattern(1, 1))).toThrow(RangeError);
    expect(() => sealed(at(2 ** 53), pattern(1, 1))).toThrow(RangeError);
  });
});
