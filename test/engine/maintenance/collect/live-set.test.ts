import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LiveSet } from '../../../../src/engine/maintenance/collect/live-set.ts';
import type { ShardId } from '../../../../src/engine/types.ts';

const hex = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString('hex') as ShardId);

it('has what was added, grown or not, and of other ids only those that begin alike', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(hex, { maxLength: 3000 }),
      fc.array(hex, { maxLength: 50 }),
      (added, others) => {
        const set = new LiveSet();
        for (const id of added) set.add(id);
        for (const id of added) set.add(id);
        expect(added.every((id) => set.has(id))).toBe(true);
        const heads = new Set(added.map((id) => id.slice(0, 13)));
        expect(set.size).toBe(heads.size);
        for (const id of others) expect(set.has(id)).toBe(heads.has(id.slice(0, 13)));
      },
    ),
    { numRuns: 50 },
  );
  const zero = '0'.repeat(64) as ShardId;
  const set = new LiveSet();
  expect(set.has(zero)).toBe(false);
  set.add(zero);
  expect(set.has(zero)).toBe(true);
});
