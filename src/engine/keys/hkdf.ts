/**
 * HMAC-SHA256 (RFC 2104) and HKDF-SHA256 (RFC 5869) from one-shot hashes, for keys that thousands of small objects a second are derived from: node's
 * hkdfSync makes a job object for each call, which costs more than its hashing. test/engine/keys/hkdf.test.ts holds them against node's own.
 */
import { hash } from 'node:crypto';

const HASH_BYTES = 32;
const BLOCK_BYTES = 64;

/** An HMAC key as the two blocks that its hashes begin with. */
export interface HmacKey {
  readonly inner: Uint8Array;
  readonly outer: Uint8Array;
}

export function hmacKey(key: Uint8Array): HmacKey {
  const short = key.length > BLOCK_BYTES ? sha256(key) : key;
  const inner = Buffer.alloc(BLOCK_BYTES, 0x36);
  const outer = Buffer.alloc(BLOCK_BYTES, 0x5c);
  for (let i = 0; i < short.length; i++) {
    inner[i]! ^= short[i]!;
    outer[i]! ^= short[i]!;
  }
  return { inner, outer };
}

/** 32 bytes, of the parts one behind the other. */
export function hmacSha256({ inner, outer }: HmacKey, ...parts: readonly Uint8Array[]): Uint8Array {
  return sha256(Buffer.concat([outer, sha256(Buffer.concat([inner, ...parts]))]));
}

/** The pseudo-random key of `ikm`, ready to be expanded; an empty salt is one of zeros. */
export function hkdfExtract(salt: Uint8Array, ikm: Uint8Array): HmacKey {
  return hmacKey(hmacSha256(hmacKey(salt), ikm));
}

/** `lengthBytes` of key, at most 255 × 32. */
export function hkdfExpand(key: HmacKey, info: Uint8Array, lengthBytes: number): Uint8Array {
  const out = new Uint8Array(lengthBytes);
  let block: Uint8Array = new Uint8Array(0);
  for (let at = 0, number = 1; at < lengthBytes; at += HASH_BYTES, number++) {
    block = hmacSha256(key, block, info, Uint8Array.of(number));
    out.set(block.subarray(0, lengthBytes - at), at);
  }
  return out;
}

function sha256(bytes: Uint8Array): Uint8Array {
  return hash('sha256', bytes, 'buffer');
}
