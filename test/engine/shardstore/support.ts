/** What the store's tests share: shards by number, and options that make everything small. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { blake3 } from '../../../src/engine/codec/hash.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { realDisk } from '../../../src/engine/effects/real-disk.ts';
import type { StoreLimits } from '../../../src/engine/shardstore/limits.ts';
import { openShardStore, type ShardStoreOptions } from '../../../src/engine/shardstore/segment-store.ts';
import { type OwnerId, type ShardId, shardIdOf } from '../../../src/engine/types.ts';

export const OWNER_A = 'aa'.repeat(32) as OwnerId;
export const OWNER_B = 'bb'.repeat(32) as OwnerId;

export const SMALL_LIMITS: Partial<StoreLimits> = {
  segmentBytes: 16 * 1024,
  batchBytes: 8 * 1024,
  batchRecords: 8,
  checkpointChanges: 20,
  checkpointBytes: 64 * 1024,
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

export async function tempDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'datamesh-store-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

export function storeOptions(dir: string, more: Partial<ShardStoreOptions> = {}): ShardStoreOptions {
  return {
    dir,
    disk: realDisk(),
    clock: realClock(),
    hash: blake3,
    quotaBytes: 1e9,
    reserveFraction: 0,
    ...more,
  };
}

export function openStore(dir: string, more: Partial<ShardStoreOptions> = {}) {
  return openShardStore(storeOptions(dir, more));
}
