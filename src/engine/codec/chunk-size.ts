/** How long an object's chunks are, and how many. Every object records its own length, so this rule may change without touching what is stored. */
import { DatameshError } from '../../errors.ts';
import type { CodeProfile } from '../types.ts';
import { MAX_MANIFEST_BYTES, MAX_STRIPES } from './manifest-limits.ts';
import { recordBytes } from './stripe-table.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** Below, the fixed costs per stripe (round trips, records, receipts) outweigh its bytes. */
export const MIN_CHUNK_BYTES = 256 * KIB;
/** Above, a handful of stripes in flight no longer fits small machines. */
export const MAX_CHUNK_BYTES = 64 * MIB;
export const DEFAULT_CHUNK_BYTES = 4 * MIB;
/** For the sake of a long line no more: four stripes of it in flight are 96 MiB at 4+2 (docs/decisions/chunk-size.md). */
const MAX_LINE_CHUNK_BYTES = 16 * MIB;
/** Stripes an object should have at most: a manifest of 16,384 stripes at 10+4 is 7.5 MiB of the 16 it may have. */
const TARGET_MAX_CHUNKS = 16_384;
/** And where stripes of many shards would fill a manifest before: what leaves room in it for all that is no stripe. */
const TARGET_MAX_TABLE_BYTES = MAX_MANIFEST_BYTES - MIB;

export interface ChunkSizeHints {
  /** Length of the object, when known. */
  sizeBytes?: number | undefined;
  code?: CodeProfile | undefined;
  /** Measured rate to the peers, together. */
  bandwidthBytesPerSecond?: number | undefined;
  /** Without what waits in queues. */
  rttMs?: number | undefined;
}

/**
 * A power of two from 256 KiB to 64 MiB: the default, or the bandwidth-delay product, up to 16 MiB, where a stripe of the default would not fill the pipe
 * (so that one stripe in flight keeps the link busy), or what keeps a huge object below 16,384 chunks and its manifest, at that code, below its limit;
 * never more than the object needs as a single chunk.
 */
export function chooseChunkBytes(hints: ChunkSizeHints = {}): number {
  const size = positive(hints.sizeBytes);
  const bandwidth = positive(hints.bandwidthBytesPerSecond) ?? 0;
  const delayProduct = (bandwidth * (positive(hints.rttMs) ?? 0)) / 1000;
  let wanted = Math.max(DEFAULT_CHUNK_BYTES, Math.min(delayProduct, MAX_LINE_CHUNK_BYTES));
  if (size !== undefined) wanted = Math.min(Math.max(wanted, size / targetChunks(hints.code)), size);
  return Math.min(MAX_CHUNK_BYTES, Math.max(MIN_CHUNK_BYTES, powerOfTwoFrom(wanted)));
}

function targetChunks(code: CodeProfile | undefined): number {
  if (code === undefined) return TARGET_MAX_CHUNKS;
  return Math.min(TARGET_MAX_CHUNKS, Math.floor(TARGET_MAX_TABLE_BYTES / recordBytes(code)));
}

/** Throws `input-too-large` for more chunks than any manifest can name: to be asked before they are sent. */
export function checkChunkCount(count: number, chunkBytes: number, code: CodeProfile): void {
  const most = Math.min(MAX_STRIPES, Math.floor(MAX_MANIFEST_BYTES / recordBytes(code)));
  if (count <= most) return;
  throw new DatameshError('input-too-large', {
    what: `the object has more than ${most} chunks of ${chunkBytes} bytes`,
    why: `the manifest of a ${code.k}+${code.m} object has no room for more`,
    mend: 'store it in parts, or with a code of fewer shards; from a file, whose length is known before, chunks are as large as it needs',
  });
}

/** The smallest power of two ≥ `value`, at most 2^30: floats, as sizes exceed 32 bits. */
function powerOfTwoFrom(value: number): number {
  let power = MIN_CHUNK_BYTES;
  while (power < value && power < 2 ** 30) power *= 2;
  return power;
}

function positive(value: number | undefined): number | undefined {
  return value !== undefined && Number.isFinite(value) && value > 0 ? value : undefined;
}
