/** What bounds a pool as a whole. */
import type { PoolView } from '../views/pools.ts';

/** Bytes of shards that it may hold: of a pool of folders alone that all have a quota. Nodes promise no pool anything, so any other has none. */
export function quotaOf({ nodes, folders }: Pick<PoolView, 'nodes' | 'folders'>): number | undefined {
  if (nodes === 'all' || nodes.length > 0 || folders.length === 0) return undefined;
  let sum = 0;
  for (const { quotaBytes } of folders) {
    if (quotaBytes === undefined) return undefined;
    sum += quotaBytes;
  }
  return sum;
}
