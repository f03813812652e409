/** What the store's benchmarks share: shards made beforehand, clients side by side, a store with the node's own limits. */
import { randomFillSync } from 'node:crypto';
import { shardIdOfBytes } from '../../src/engine/codec/hash.ts';
import { realClock } from '../../src/engine/effects/clock.ts';
import { realDisk } from '../../src/engine/effects/real-disk.ts';
import { openShardStore, type SegmentStore } from '../../src/engine/shardstore/segment-store.ts';
import type { OwnerId, ShardId } from '../../src/engine/types.ts';

export const OWNER = 'aa'.repeat(32) as OwnerId;

export interface Shard {
  id: ShardId;
  bytes: Uint8Array;
}

let serial = 0;

/** `count` shards unlike any before, random bytes: no file system can compress or deduplicate them. */
export function freshShards(count: number, lengthBytes: number): Shard[] {
  const noise = randomFillSync(new Uint8Array(lengthBytes));
  return Array.from({ length: count }, () => {
    const bytes = noise.slice();
    new DataView(bytes.buffer).setFloat64(0, ++serial + Math.random());
    return { id: shardIdOfBytes(bytes), bytes };
  });
}

export function openStore(dir: string, rebuildIndex = false): Promise<SegmentStore> {
  return openShardStore({
    dir,
    disk: realDisk(),
    clock: realClock(),
    idOf: shardIdOfBytes,
    quotaBytes: 1e13,
    reserveFraction: 0,
    rebuildIndex,
  });
}

/** Runs `task` on every item, `inFlight` at a time; resolves with the seconds it took. */
export async function timed<T>(
  items: readonly T[],
  inFlight: number,
  task: (item: T) => Promise<unknown>,
): Promise<number> {
  let next = 0;
  const client = async () => {
    while (next < items.length) await task(items[next++]!);
  };
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: inFlight }, client));
  return (performance.now() - startedMs) / 1000;
}
