import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IdSet } from '../../../../src/engine/maintenance/custody/id-set.ts';
import type { ObjectId } from '../../../../src/engine/types.ts';
import { objectId } from './samples.ts';

/** Ids that crowd in a few places of the table, at its end and beginning, and among them the one whose last digits are all zero. */
const crowded = fc
  .tuple(fc.constantFrom(0, 1, 2, 62, 63, 127), fc.nat({ max: 3 }), fc.nat({ max: 12 }))
  .map(
    ([home, high, low]) =>
      `${'5'.repeat(48)}${(home + 1024 * high).toString(16).padStart(8, '0')}${low.toString(16).padStart(8, '0')}` as ObjectId,
  );

test('has what was added and not deleted, like a Set', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom('add', 'add', 'delete'), crowded), { maxLength: 300 }),
      (calls) => {
        const [set, like] = [new IdSet(), new Set<string>()];
        // 0 and 1 at the end are one: which of the two is no matter.
        const key = (id: ObjectId) => id.replace(/0{8}$/, '00000001');
        for (const [call, id] of calls) {
          if (call === 'add') {
            set.add(id);
            like.add(key(id));
          } else {
            set.delete(id);
            like.delete(key(id));
          }
          expect(set.size).toBe(like.size);
        }
        for (const [, id] of calls) expect(set.has(id)).toBe(like.has(key(id)));
      },
    ),
    { numRuns: 200 },
  );
});

test('ten thousand ids are all there, others are not, and half of them go', () => {
  const set = new IdSet();
  const ids = Array.from({ length: 20_000 }, (_, n) => objectId(n));
  for (const id of ids.slice(0, 10_000)) set.add(id);
  expect(ids.filter((id) => set.has(id))).toEqual(ids.slice(0, 10_000));
  for (const id of ids.slice(0, 5_000)) set.delete(id);
  expect(ids.filter((id) => set.has(id))).toEqual(ids.slice(5_000, 10_000));
  expect(set.size).toBe(5_000);
});
