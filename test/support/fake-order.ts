/** The orders in which the fake engine lists. */
import type { ObjectView } from '../../src/engine/engine.ts';

export function compareBy(sort: 'name' | 'size' | 'created'): (a: ObjectView, b: ObjectView) => number {
  const byName = (a: ObjectView, b: ObjectView) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name));
  if (sort === 'size') return (a, b) => a.sizeBytes - b.sizeBytes || byName(a, b);
  if (sort === 'created') return (a, b) => a.createdAtMs - b.createdAtMs || byName(a, b);
  return byName;
}
