/** What one page costs does not grow with what it does not give. Counted is the processor's time; of several goes the shortest. */
import { expect, test } from 'vitest';
import type { CustodyStore } from '../../../../src/engine/maintenance/custody/custody-store.ts';
import { openCustody } from '../../../../src/engine/maintenance/custody/sqlite-custody.ts';
import type { ObjectId } from '../../../../src/engine/types.ts';
import { keepOf, objectId, orderOf, peer } from './samples.ts';

const PAGE = 256;

function filled(orders: number): { store: CustodyStore; ids: ObjectId[] } {
  const store = openCustody(':memory:');
  const ids = Array.from({ length: orders }, (_, at) => objectId(at));
  const one = keepOf();
  store.keep(ids.map((id) => ({ ...one, order: orderOf({ objectId: id }), holders: [peer(1)] })));
  return { store, ids: ids.sort() };
}

function shortestPage(store: CustodyStore): number {
  let least = Number.POSITIVE_INFINITY;
  for (let go = 0; go < 20; go++) {
    const before = process.cpuUsage();
    store.heldBy(peer(1), undefined, PAGE);
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
}

test('a page of what a holder has costs about the same where it has ten times as much, and all pages give all of it in order', () => {
  const few = filled(2_000);
  const many = filled(20_000);
  expect(shortestPage(many.store) / shortestPage(few.store)).toBeLessThan(4);
  const walked: ObjectId[] = [];
  for (;;) {
    const page = many.store.heldBy(peer(1), walked.at(-1), PAGE);
    if (page.length === 0) break;
    walked.push(...page);
  }
  expect(walked).toEqual(many.ids);
  few.store.close();
  many.store.close();
});
