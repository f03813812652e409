/** What one call costs does not grow with what it does not give. Counted is the processor's time; of several goes the shortest. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Catalog } from '../../../src/engine/catalog/catalog.ts';
import { MAX_SHARES } from '../../../src/engine/catalog/share-rows.ts';
import { openCatalog } from '../../../src/engine/catalog/sqlite-catalog.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import type { ObjectId } from '../../../src/engine/types.ts';
import { ALICE, entry, idOf } from './entries.ts';

const FEW = 500;
const MANY = 5_000;
let catalog: Catalog;

beforeEach(() => {
  catalog = openCatalog(':memory:', realClock());
});
afterEach(() => catalog.close());

function put(
  count: number,
  change: (index: number) => { objectId?: ObjectId; sizeBytes?: number } = () => ({}),
) {
  const names = Array.from({ length: count }, (_, index) => `name ${String(count - index).padStart(6, '0')}`);
  catalog.commitAll(names.map((name, index) => ({ entry: entry(name, change(index)), options: {} })));
  return names;
}

function shortest(call: () => unknown): number {
  let least = Number.POSITIVE_INFINITY;
  for (let go = 0; go < 5; go++) {
    const before = process.cpuUsage();
    for (let time = 0; time < 3; time++) call();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 3000);
  }
  return least;
}

/** Half of a page at least is what it gives, so that ten times as many rows may cost no more than three times as much. */
function growth(fill: (count: number) => void, call: () => unknown): number {
  fill(FEW);
  const few = shortest(call);
  catalog.close();
  catalog = openCatalog(':memory:', realClock());
  fill(MANY);
  return shortest(call) / few;
}

it('a page of all versions', () => {
  expect(growth(put, () => catalog.versions(ALICE, 0, 64))).toBeLessThan(3);
});

it.each(['size', 'created'] as const)('a page of what was deleted, by %s', (sort) => {
  const fill = (count: number) => {
    for (const name of put(count, (index) => ({ sizeBytes: index }))) catalog.hide(ALICE, name);
  };
  expect(growth(fill, () => catalog.list(ALICE, { sort, deleted: true, limit: 64 }))).toBeLessThan(3);
});

it('whether an object was removed, among many that were', () => {
  const fill = (count: number) => {
    for (const name of put(count)) catalog.remove(ALICE, name, 1);
  };
  const ids = Array.from({ length: 50 }, (_, index) => idOf(`unknown ${index}`));
  const ask = () => ids.map((id) => catalog.mirror.wasRemoved(ALICE, id));
  expect(growth(fill, ask)).toBeLessThan(3);
});

it('all objects, where one has thousands of names: ten times as many cost no more than twenty times as much', () => {
  const objectId = idOf('one');
  const objects = () => [...catalog.current(ALICE)].map((it) => it.objectId);
  expect(growth((count) => put(count, () => ({ objectId })), objects)).toBeLessThan(20);
  expect(objects()).toEqual([objectId]);
});

it('a share is noted at once beside as many as are kept, and the oldest goes, those that were revoked before the others', () => {
  const share = (index: number) =>
    catalog.addShare(ALICE, {
      id: `s${index}`,
      name: 'a',
      version: 1,
      objectId: idOf('a'),
      recipient: undefined,
      createdAtMs: index,
      untilMs: undefined,
      readOnce: false,
      revokedAtMs: undefined,
    });
  for (let index = 0; index < MAX_SHARES; index++) share(index);
  catalog.revokeShare(ALICE, 's7', 1);
  share(MAX_SHARES);
  share(MAX_SHARES + 1);
  const ids = new Set(catalog.shares(ALICE, MAX_SHARES + 9).map(({ id }) => id));
  expect(ids.size).toBe(MAX_SHARES);
  expect([0, 1, 7, MAX_SHARES + 1].filter((index) => !ids.has(`s${index}`))).toEqual([0, 7]);
});
