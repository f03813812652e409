/**
 * Sealing of chunks: AES-256-GCM under the object's file key. Sealed chunk = ciphertext | 16-byte tag, padded to k shards.
 * The nonce is made of the chunk's index, so a file key seals one content only; index and last-flag are bound as additional data, so
 * chunks can be neither cut off, reordered nor moved. The padding is keystream of the same key, so that no two objects have a shard alike: holders know shards by
 * their ids, and what one object gave back another would lose. Format: docs/FORMATS.md "Sealed chunk".
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import { DatameshError } from '../../errors.ts';
import { type Bytes, copyInto, freeNow, piecesOf } from './memory.ts';
import { BLOCK_BYTES } from './wasm-emitter.ts';

export const FILE_KEY_BYTES = 32;
export const TAG_BYTES = 16;
const NONCE_BYTES = 12;
const CHUNK_FORMAT = 1;
/**
 * node:crypto allocates an output per update, which is copied to its place and freed at once, so that the next one gets the same cached pages. 128 KiB is
 * fastest (32 KiB −6 %; 256 KiB to 1 MiB −1 %, 4 MiB −3 % on Node 24 and −75 % on Node 22, where glibc unmaps it each time).
 */
const UPDATE_BYTES = 128 * 1024;

/** Length of each shard of a chunk: the smallest multiple of 128 whose k-fold holds ciphertext and tag. */
export function shardBytesOf(plaintextBytes: number, k: number): number {
  return Math.ceil((plaintextBytes + TAG_BYTES) / (k * BLOCK_BYTES)) * BLOCK_BYTES;
}

export interface ChunkPosition {
  /** 32 bytes. */
  fileKey: Uint8Array;
  /** From 0. */
  chunkIndex: number;
  last: boolean;
}

/** Writes the sealed chunk into `target`, whose length is k·shardBytes, padding included. The plaintext may lie at the start of `target`, in one piece. */
export function sealChunk(position: ChunkPosition, plaintext: Bytes, target: Uint8Array): void {
  const cipher = createCipheriv('aes-256-gcm', checkedKey(position), nonceOf(position), {
    authTagLength: TAG_BYTES,
  });
  cipher.setAAD(aadOf(position));
  let at = 0;
  for (const piece of piecesOf(plaintext)) at = pass(cipher, piece, target, at);
  cipher.final();
  target.set(cipher.getAuthTag(), at);
  pad(position, target.subarray(at + TAG_BYTES));
}

function pad(position: ChunkPosition, padding: Uint8Array): void {
  if (padding.length === 0) return;
  padding.fill(0);
  pass(createCipheriv('aes-256-ctr', checkedKey(position), padCounterOf(position)), padding, padding, 0);
}

/**
 * The plaintext of a sealed chunk that lies in `parts` (data shards in order), written to the start of `target`, which may be the only part itself, or to memory
 * of its own. Throws `not-authentic` when anything was changed, or the chunk is not the one at this position; what `target` holds then is garbage.
 */
export function openChunk(
  position: ChunkPosition,
  plaintextBytes: number,
  parts: readonly Uint8Array[],
  target?: Uint8Array,
): Uint8Array {
  const sealedBytes = parts.reduce((sum, part) => sum + part.length, 0);
  if (sealedBytes < plaintextBytes + TAG_BYTES) throw notAuthentic(position, 'the sealed chunk is too short');
  const opened = (target ?? Buffer.allocUnsafeSlow(plaintextBytes)).subarray(0, plaintextBytes);
  const decipher = createDecipheriv('aes-256-gcm', checkedKey(position), nonceOf(position), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(aadOf(position));
  const tag = new Uint8Array(TAG_BYTES);
  let sealedAt = 0;
  for (const part of parts) {
    const ciphertextEnd = Math.min(part.length, Math.max(0, plaintextBytes - sealedAt));
    pass(decipher, part.subarray(0, ciphertextEnd), opened, sealedAt);
    // The tag follows the ciphertext and may stand across a boundary of shards.
    const tagFrom = Math.max(0, plaintextBytes - sealedAt);
    const tagTo = Math.min(part.length, plaintextBytes + TAG_BYTES - sealedAt);
    if (tagFrom < tagTo) tag.set(part.subarray(tagFrom, tagTo), sealedAt + tagFrom - plaintextBytes);
    sealedAt += part.length;
  }
  decipher.setAuthTag(tag);
  try {
    decipher.final();
  } catch (cause) {
    throw notAuthentic(position, 'its authentication tag does not fit', cause);
  }
  return opened;
}

/** `bytes` through the cipher, to `target` from `at` on; the offset behind them. */
function pass(
  cipher: { update(bytes: Uint8Array): Uint8Array },
  bytes: Uint8Array,
  target: Uint8Array,
  at: number,
): number {
  for (let from = 0; from < bytes.length; from += UPDATE_BYTES) {
    const out = cipher.update(bytes.subarray(from, from + UPDATE_BYTES));
    copyInto(target.subarray(at + from), out);
    freeNow(out);
  }
  return at + bytes.length;
}

/** Of the chunk before: chunks of one object follow each other, and beside megabytes of data passing through the caches each call costs more than it does in a loop. */
let lastKey: { bytes: Uint8Array; key: KeyObject } | undefined;

/** As a key object: Node 24 takes 3 µs to make it and a cipher of it, and 15 µs for a cipher of bytes. */
function checkedKey(position: ChunkPosition): KeyObject {
  if (position.fileKey.length !== FILE_KEY_BYTES) throw new RangeError('a file key has 32 bytes');
  if (!Number.isSafeInteger(position.chunkIndex) || position.chunkIndex < 0) {
    throw new RangeError(`no chunk index: ${position.chunkIndex}`);
  }
  if (lastKey === undefined || Buffer.compare(lastKey.bytes, position.fileKey) !== 0) {
    lastKey = { bytes: Uint8Array.from(position.fileKey), key: createSecretKey(position.fileKey) };
  }
  return lastKey.key;
}

/** Nonce and additional data are read before the call that they are given to returns, so one buffer of each is enough. */
const nonce = Buffer.alloc(NONCE_BYTES);
const aad = Buffer.alloc(10);
/** No nonce begins like it, so no block of GCM's keystream is one of the padding's. */
const padCounter = Buffer.from(`ffffffff${'00'.repeat(12)}`, 'hex');

/** 4 zero bytes | index as 8 bytes, big-endian. */
function nonceOf(position: ChunkPosition): Uint8Array {
  writeIndex(nonce, position.chunkIndex, 4);
  return nonce;
}

/** ff ff ff ff | index as 8 bytes, big-endian | number of the block from 0, as 4 bytes. */
function padCounterOf(position: ChunkPosition): Uint8Array {
  writeIndex(padCounter, position.chunkIndex, 4);
  return padCounter;
}

/** Format version | index as 8 bytes, big-endian | 1 for the last chunk, else 0. */
function aadOf(position: ChunkPosition): Uint8Array {
  aad[0] = CHUNK_FORMAT;
  writeIndex(aad, position.chunkIndex, 1);
  aad[9] = position.last ? 1 : 0;
  return aad;
}

/** As 8 bytes, big-endian. */
function writeIndex(bytes: Buffer, index: number, at: number): void {
  bytes.writeUInt32BE(Math.floor(index / 2 ** 32), at);
  bytes.writeUInt32BE(index % 2 ** 32, at + 4);
}

function notAuthentic(position: ChunkPosition, why: string, cause?: unknown): DatameshError {
  return new DatameshError('not-authentic', {
    what: `chunk ${position.chunkIndex} is not what was stored`,
    why,
    mend: 'the key is not this object’s, or its shards were altered; nothing of the chunk was used',
    cause,
  });
}
