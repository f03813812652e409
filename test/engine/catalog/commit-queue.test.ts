import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Catalog } from '../../../src/engine/catalog/catalog.ts';
import { commitQueue } from '../../../src/engine/catalog/commit-queue.ts';
import { openCatalog } from '../../../src/engine/catalog/sqlite-catalog.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { ALICE, entry, idOf } from './entries.ts';

let catalog: Catalog;
let batches: number[];

beforeEach(() => {
  batches = [];
  const made = openCatalog(':memory:', realClock());
  catalog = {
    ...made,
    commitAll(batch) {
      batches.push(batch.length);
      return made.commitAll(batch);
    },
  };
});
afterEach(() => catalog.close());

test('commits of one turn share a transaction, 256 at most, and come out in the order of the calls', async () => {
  const commit = commitQueue(catalog);
  const results = await Promise.all(
    Array.from({ length: 600 }, (_, i) => commit(entry(`n-${i % 300}`, { objectId: idOf(`${i}`) }), {})),
  );
  expect(batches).toEqual([256, 256, 88]);
  expect(results.map(({ entry: made }) => made.version)).toEqual(
    Array.from({ length: 600 }, (_, i) => (i < 300 ? 1 : 2)),
  );
  expect(results[450]!.replacedVersion).toBe(1);
  expect(catalog.find(ALICE, 'n-7')!.objectId).toBe(idOf('307'));
  await commit(entry('alone'), {});
  expect(batches.at(-1)).toBe(1);
});

test('an entry that is refused leaves its company alone', async () => {
  const commit = commitQueue(catalog);
  const results = await Promise.allSettled([
    commit(entry('a'), { ifAbsent: true }),
    commit(entry('a'), { ifAbsent: true }),
    commit(entry(''), {}),
    commit(entry('b'), {}),
  ]);
  expect(results.map((it) => (it.status === 'fulfilled' ? it.value.entry.name : it.reason.code))).toEqual([
    'a',
    'already-exists',
    'bad-name',
    'b',
  ]);
  expect(batches).toEqual([4]);
});

test('when a transaction fails as a whole, each entry is tried by itself', async () => {
  const commit = commitQueue({
    commit: (given, options) => catalog.commit(given, options),
    commitAll() {
      throw new Error('the disk is full');
    },
  });
  const bad = { ...entry('bad'), k: 'four' as unknown as number };
  const results = await Promise.allSettled([commit(bad, {}), commit(entry('good'), {})]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  expect(catalog.find(ALICE, 'good')).toBeDefined();
  expect(catalog.find(ALICE, 'bad')).toBeUndefined();
});
