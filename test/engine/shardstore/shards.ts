/** What tests and the processes they start share: shards by number, owners, small limits, repeatable numbers. */
import { blake3 } from '../../../src/engine/codec/hash.ts';
import type { StoreLimits } from '../../../src/engine/shardstore/limits.ts';
import { type OwnerId, type ShardId, shardIdOf } from '../../../src/engine/types.ts';

export const OWNER_A = 'aa'.repeat(32) as OwnerId;
export const OWNER_B = 'bb'.repeat(32) as OwnerId;

export const SMALL_LIMITS: Partial<StoreLimits> = {
  segmentBytes: 16 * 1024,
  batchBytes: 8 * 1024,
  batchRecords: 8,
  eagerBytes: 2048,
  eagerRecords: 3,
  aheadBytes: 6 * 1024,
  aheadRecords: 12,
  checkpointChanges: 20,
  checkpointBytes: 64 * 1024,
  checkpointRetryMs: 0,
  openSegments: 3,
  ballastBytes: 4096,
};

export interface Shard {
  id: ShardId;
  bytes: Uint8Array;
}

/** The shard number `seed`, of `lengthBytes` bytes: always the same. */
export function shard(seed: number, lengthBytes: number): Shard {
  const bytes = new Uint8Array(lengthBytes);
  let state = (seed * 2_654_435_761 + 12_345) >>> 0;
  for (let at = 0; at < lengthBytes; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  if (lengthBytes >= 4) new DataView(bytes.buffer).setUint32(0, seed);
  return { id: shardIdOf(blake3(bytes)), bytes };
}

/** mulberry32: the same numbers for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
