/** Old versions, deletion that can be undone, new names and copies, on the catalog's file; and catalogs that an earlier datamesh wrote. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Catalog } from '../../../src/engine/catalog/catalog.ts';
import { openCatalog } from '../../../src/engine/catalog/sqlite-catalog.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { ALICE, BOB, entry, idOf } from './entries.ts';

let nowMs = 1_000_000;
const clock = { ...realClock(), now: () => nowMs };
let catalog: Catalog;

beforeEach(() => {
  nowMs = 1_000_000;
  catalog = openCatalog(':memory:', clock);
});
afterEach(() => catalog.close());

const put = (name: string, text: string, sizeBytes = 10, pool = 'default') => {
  nowMs += 1_000;
  return catalog.commit(entry(name, { objectId: idOf(text), sizeBytes, pool, createdAtMs: nowMs })).entry;
};
const states = (name: string) =>
  catalog.history(ALICE, name, undefined, 100).map((it) => `${it.version} ${it.state}`);

describe('a name that is deleted', () => {
  it('means nothing, keeps its versions, and comes back as it was', () => {
    put('a', '1');
    put('a', '2');
    expect(catalog.hide(ALICE, 'a')?.version).toBe(2);
    expect(catalog.find(ALICE, 'a')).toBeUndefined();
    expect(catalog.list(ALICE, {}).objects).toEqual([]);
    expect(catalog.list(ALICE, { deleted: true }).objects.map((it) => it.name)).toEqual(['a']);
    expect(catalog.find(ALICE, 'a', 2)?.state).toBe('deleted');
    expect(states('a')).toEqual(['2 deleted', '1 old']);
    expect(catalog.hide(ALICE, 'a')).toBeUndefined();
    expect(catalog.totals(ALICE)).toMatchObject({ objects: 0, versions: 2, logicalBytes: 20 });
    expect(catalog.unhide(ALICE, 'a')).toMatchObject({ version: 2, state: 'current', endedAtMs: undefined });
    expect(states('a')).toEqual(['2 current', '1 old']);
    expect(catalog.unhide(ALICE, 'a')).toBeUndefined();
    expect(catalog.pendingOrders(ALICE, undefined, 10).filter((it) => it.state === 'released')).toEqual([]);
  });

  it('that is put again gets a further version', () => {
    put('a', '1');
    catalog.hide(ALICE, 'a');
    expect(catalog.commit(entry('a', { objectId: idOf('2') }), { ifAbsent: true })).toMatchObject({
      replacedVersion: undefined,
      entry: { version: 2 },
    });
    expect(states('a')).toEqual(['2 current', '1 old']);
  });

  it('stays deleted when the version it meant is purged, and is forgotten with its last one', () => {
    put('a', '1');
    put('a', '2');
    catalog.hide(ALICE, 'a');
    catalog.remove(ALICE, 'a', 2);
    expect(states('a')).toEqual(['1 deleted']);
    catalog.remove(ALICE, 'a', 1);
    expect(catalog.findDeleted(ALICE, 'a')).toBeUndefined();
    expect(catalog.pendingOrders(ALICE, undefined, 10).map((it) => it.state)).toEqual([
      'released',
      'released',
    ]);
    expect(put('a', '3').version).toBe(1);
  });
});

it('custodians keep an old and a deleted version until it is purged', () => {
  const custody = { domain: 'node' as const, members: [] };
  for (const text of ['1', '2']) catalog.commit(entry('a', { objectId: idOf(text), custody }));
  catalog.hide(ALICE, 'a');
  catalog.rename(ALICE, 'a', 'b');
  const orders = () =>
    catalog.pendingOrders(ALICE, undefined, 10).map(({ objectId, state }) => [objectId, state]);
  expect(orders()).toEqual(
    [
      [idOf('1'), 'live'],
      [idOf('2'), 'live'],
    ].sort(),
  );
  catalog.remove(ALICE, 'a', 1);
  expect(new Map(orders() as [string, string][]).get(idOf('1'))).toBe('released');
  expect(new Map(orders() as [string, string][]).get(idOf('2'))).toBe('live');
});

describe('rename', () => {
  it('takes all versions along, and back again', () => {
    put('a', '1');
    put('a', '2');
    expect(catalog.rename(ALICE, 'a', 'dir/b')).toMatchObject({ versions: 2, entry: { name: 'dir/b' } });
    expect(states('a')).toEqual([]);
    expect(states('dir/b')).toEqual(['2 current', '1 old']);
    expect(catalog.rename(ALICE, 'dir/b', 'a')?.entry.objectId).toBe(idOf('2'));
    expect(states('a')).toEqual(['2 current', '1 old']);
    // A removal is final for an entry, so what comes back is told from what went.
    expect(catalog.find(ALICE, 'a')!.createdAtMs).toBe(1_002_001);
    expect(catalog.rename(ALICE, 'none', 'x')).toBeUndefined();
    expect(catalog.references(idOf('1'))).toBe(1);
  });

  it('refuses a name that is taken, and goes on top of one that was deleted', () => {
    put('a', '1');
    put('b', '2');
    expect(() => catalog.rename(ALICE, 'a', 'b')).toThrow(
      expect.objectContaining({
        code: 'already-exists',
        mend: expect.stringMatching(/delete what is there/),
      }),
    );
    expect(() => catalog.rename(ALICE, 'a', '')).toThrow(expect.objectContaining({ code: 'bad-name' }));
    catalog.hide(ALICE, 'b');
    catalog.rename(ALICE, 'a', 'b');
    expect(states('b')).toEqual(['2 current', '1 old']);
  });
});

it('tells that an older object has become what a name means', () => {
  put('a', '1');
  put('a', '2');
  catalog.rename(ALICE, 'a', 'b');
  catalog.hide(ALICE, 'b');
  expect(catalog.arrivals).toBe(0);
  catalog.unhide(ALICE, 'b');
  expect(catalog.arrivals).toBe(1);
  catalog.remove(ALICE, 'b', 2);
  expect(catalog.arrivals).toBe(2);
  catalog.remove(ALICE, 'b', 1);
  expect(catalog.arrivals).toBe(2);
});

describe('a copy', () => {
  it('is the same object, which is released with the last name for it', () => {
    const first = put('a', '1');
    expect(catalog.duplicate(first, 'b', true)).toMatchObject({
      entry: { name: 'b', version: 1, objectId: first.objectId, tags: first.tags },
    });
    expect(catalog.duplicate(first, 'b', false).entry.version).toBe(2);
    expect(() => catalog.duplicate(first, 'b', true)).toThrow(
      expect.objectContaining({ code: 'already-exists' }),
    );
    catalog.remove(ALICE, 'a', 1);
    catalog.remove(ALICE, 'b', 1);
    expect(catalog.pendingOrders(ALICE, undefined, 10)).toEqual([]);
    catalog.remove(ALICE, 'b', 2);
    expect(catalog.pendingOrders(ALICE, undefined, 10).map((it) => it.state)).toEqual(['released']);
    expect(() => catalog.duplicate(first, 'c', false)).toThrow(
      expect.objectContaining({ code: 'not-found' }),
    );
  });
});

it('tags come and go, and listings follow', () => {
  put('a', '1');
  expect(catalog.retag(ALICE, 'a', ['x', 'y', 'x'], [])?.tags).toEqual(['x', 'y']);
  expect(catalog.retag(ALICE, 'a', ['z'], ['x'])?.tags).toEqual(['y', 'z']);
  expect(catalog.list(ALICE, { tag: 'x' }).objects).toEqual([]);
  expect(catalog.list(ALICE, { tag: 'z' }).objects.map((it) => it.name)).toEqual(['a']);
  const many = Array.from({ length: 63 }, (_, i) => `t${i}`);
  expect(() => catalog.retag(ALICE, 'a', many, [])).toThrow(expect.objectContaining({ code: 'bad-value' }));
  expect(catalog.find(ALICE, 'a')?.tags).toEqual(['y', 'z']);
  expect(catalog.retag(ALICE, 'none', ['x'], [])).toBeUndefined();
});

describe('retention', () => {
  const names = (keep: Parameters<Catalog['expired']>[2], at: number | undefined = nowMs) =>
    catalog.expired(ALICE, 'default', keep, at, 100).map((it) => `${it.name} ${it.version}`);

  it('by count takes the oldest of each name, never a current version', () => {
    for (let i = 0; i < 4; i++) put('a', `a${i}`);
    for (let i = 0; i < 2; i++) put('b', `b${i}`);
    put('c', 'c');
    expect(names({ versions: 1 })).toEqual(['a 1', 'a 2']);
    expect(names({ versions: 0 }).sort()).toEqual(['a 1', 'a 2', 'a 3', 'b 1']);
    expect(names({ versions: 3 })).toEqual([]);
    expect(names({})).toEqual([]);
  });

  it('by age counts from when a version ceased to be current, and not by a clock that is not trusted', () => {
    put('a', '1');
    nowMs += 1_000_000;
    put('a', '2');
    expect(names({ ageMs: 5_000 })).toEqual([]);
    nowMs += 5_001;
    expect(names({ ageMs: 5_000 })).toEqual(['a 1']);
    expect(catalog.expired(ALICE, 'default', { ageMs: 5_000 }, undefined, 100)).toEqual([]);
    catalog.hide(ALICE, 'a');
    expect(names({ ageMs: 5_000 })).toEqual(['a 1']);
    nowMs += 5_001;
    expect(names({ ageMs: 5_000 })).toEqual(['a 1', 'a 2']);
  });

  it('by total size takes what ended first until the rest fits', () => {
    put('a', '1', 100);
    put('b', '1', 30);
    put('a', '2', 50);
    put('b', '2', 1);
    put('a', '3', 1);
    expect(names({ bytes: 179 })).toEqual(['a 1']);
    expect(names({ bytes: 180 })).toEqual([]);
    expect(names({ bytes: 79 })).toEqual(['a 1', 'b 1']);
    expect(names({ bytes: 0 })).toEqual(['a 1', 'b 1', 'a 2']);
  });

  it('leaves other pools and other owners alone', () => {
    put('a', '1', 10, 'p');
    put('a', '2', 10, 'p');
    catalog.commit(entry('a', { owner: BOB }));
    catalog.commit(entry('a', { owner: BOB }));
    expect(names({ versions: 0 })).toEqual([]);
    expect(catalog.expired(ALICE, 'p', { versions: 0 }, nowMs, 100)).toHaveLength(1);
  });
});

it('a catalog of format 4 is read: its old versions ended when the next one came, and all of it can be searched', () => {
  const folder = mkdtempSync(join(tmpdir(), 'datamesh-catalog-'));
  try {
    const path = join(folder, 'catalog.sqlite');
    copyFileSync(join(import.meta.dirname, '../../golden/catalog/format-4.sqlite'), path);
    const raised = openCatalog(path, clock);
    const plan = raised.history(ALICE, 'docs/plan.txt', undefined, 10);
    expect(plan.map((it) => [it.version, it.state, it.objectId, it.tags])).toEqual([
      [3, 'current', idOf('plan 3'), ['work', 'v3']],
      [2, 'old', idOf('plan 2'), ['work', 'v2']],
      [1, 'old', idOf('plan 1'), ['work', 'v1']],
    ]);
    expect(plan.map((it) => it.endedAtMs)).toEqual([undefined, plan[0]!.createdAtMs, plan[1]!.createdAtMs]);
    expect(raised.totals(ALICE)).toEqual({ objects: 2, versions: 4, logicalBytes: 1600, storedBytes: 6144 });
    expect(raised.totals(BOB)).toMatchObject({ objects: 1, versions: 1 });
    // Counted from what was there when the file was raised.
    expect(raised.poolTotals(ALICE).get('disks')).toMatchObject({ objects: 1, versions: 1 });
    expect(raised.poolTotals(ALICE).get('default')).toMatchObject({ objects: 1, versions: 3 });
    expect(raised.pools(ALICE)).toMatchObject([{ name: 'disks', compress: true }]);
    expect(raised.pools(ALICE)[0]).not.toHaveProperty('keep');
    expect(raised.find(ALICE, 'photos/2026/Zürich.jpg')).toMatchObject({ pool: 'disks' });
    // Of six changes three were being written when the process ended.
    const segment = raised.mirror.begin(ALICE);
    expect(raised.mirror.take(ALICE, segment, [], 100)).toHaveLength(6);
    raised.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
