/** The orders in which the fake engine lists, and the store that it says it has. */
import type { ObjectView, StoreView } from '../../src/engine/engine.ts';

export function compareBy(sort: 'name' | 'size' | 'created'): (a: ObjectView, b: ObjectView) => number {
  const byName = (a: ObjectView, b: ObjectView) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name));
  if (sort === 'size') return (a, b) => a.sizeBytes - b.sizeBytes || byName(a, b);
  if (sort === 'created') return (a, b) => a.createdAtMs - b.createdAtMs || byName(a, b);
  return byName;
}

export const storeView = (): StoreView => ({
  shards: 214,
  usedBytes: 3_221_225_472,
  quotaBytes: 53_687_091_200,
  diskFreeBytes: 214_748_364_800,
  reserveBytes: 10_737_418_240,
});
