/** The store under test/golden/store: the same few shards in every format, and how today's code writes them. */
import { blake3 } from '../../../src/engine/codec/hash.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { openShardStore } from '../../../src/engine/shardstore/segment-store.ts';
import { shardIdOf } from '../../../src/engine/types.ts';
import { OWNER_A, OWNER_B, type Shard } from './shards.ts';
import { storeOptions } from './support.ts';

export const GOLDEN_TIME_MS = 1_790_000_000_000;
export const GOLDEN = new URL('../../golden/store/', import.meta.url).pathname;

export function goldenShard(number: number): Shard {
  const bytes = Uint8Array.from({ length: number * 97 }, (_, at) => (at * number + number) & 255);
  return { id: shardIdOf(blake3(bytes)), bytes };
}

/** What a golden store holds: number of the shard → its owners. 3 and 4 are deleted. */
export const GOLDEN_OWNERS = new Map([
  [0, [OWNER_A]],
  [1, [OWNER_A]],
  [2, [OWNER_B]],
  [5, [OWNER_B]],
  [6, [OWNER_A]],
  [7, [OWNER_B]],
]);

/**
 * Writes a golden store; the caller ends without closing it, so that there is a tail behind the checkpoint. To add one
 * for a new format: call this with `${GOLDEN}format-N`, leave lock.mdb out.
 */
export async function writeGolden(dir: string): Promise<{ close(): Promise<void> }> {
  const store = await openShardStore({
    ...storeOptions(dir),
    clock: { ...realClock(), now: () => GOLDEN_TIME_MS },
    random: { bytes: (length) => Uint8Array.from({ length }, (_, at) => at), fraction: () => 0 },
    limits: { segmentBytes: 2048, ballastBytes: 0, amplification: 1e9 },
  });
  const put = (number: number, owner: typeof OWNER_A, pool = '') =>
    store.put({ ...goldenShard(number), owner, pool });
  await put(1, OWNER_A);
  await put(2, OWNER_A);
  await put(3, OWNER_B);
  await put(0, OWNER_A);
  await put(2, OWNER_B);
  await put(4, OWNER_A);
  await put(5, OWNER_B, 'home');
  await store.delete(goldenShard(3).id, OWNER_B);
  await store.delete(goldenShard(2).id, OWNER_A);
  await store.checkpoint();
  await put(6, OWNER_A, 'a pool of 64 bytes: ääääääääääääääääääääää');
  await put(7, OWNER_B);
  await store.delete(goldenShard(4).id, OWNER_A);
  return store;
}
