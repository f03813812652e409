/** Searches of a catalog: every condition, all pages, rows that the index has and has not, and expressions that would never end. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSearching, type Searching } from '../../../src/engine/calls/searching.ts';
import type { Catalog } from '../../../src/engine/catalog/catalog.ts';
import { openCatalog } from '../../../src/engine/catalog/sqlite-catalog.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import type { SearchQuery } from '../../../src/engine/views/search.ts';
import { ALICE, BOB, entry, idOf } from '../catalog/entries.ts';

let catalog: Catalog;
let searching: Searching;

beforeEach(() => {
  catalog = openCatalog(':memory:', realClock());
  searching = createSearching({
    catalog,
    owner: { ownerId: ALICE },
    clock: realClock(),
    events: undefined,
  } as unknown as Parameters<typeof createSearching>[0]);
});
afterEach(() => {
  searching.close();
  catalog.close();
});

const put = (name: string, change: Parameters<typeof entry>[1] = {}) => catalog.commit(entry(name, change));

async function names(query: SearchQuery): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await searching.search({ ...query, cursor });
    found.push(...page.objects.map(({ name }) => name));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return found;
}

describe.each([
  ['before any word is indexed', 0],
  ['with some of them indexed', 4],
  ['with all of them indexed', 1_000],
])('%s', (_when, indexed) => {
  beforeEach(() => {
    put('photos/2026/Zürich.jpg', {
      mimeType: 'image/jpeg',
      sizeBytes: 5_000,
      tags: ['holiday'],
      createdAtMs: 10,
    });
    put('photos/2025/lake.png', { mimeType: 'image/png', sizeBytes: 50, createdAtMs: 20 });
    put('papers/report-final.pdf', {
      mimeType: 'application/pdf',
      sizeBytes: 500,
      tags: ['work'],
      createdAtMs: 30,
    });
    put('papers/reports 2026.txt', { createdAtMs: 40 });
    put('deleted report');
    put('of bob: report', { owner: BOB });
    catalog.indexWords(indexed);
    put('late report', { objectId: idOf('x'), createdAtMs: 50 });
    catalog.hide(ALICE, 'deleted report');
  });

  it.each<[SearchQuery, string[]]>([
    [{ text: 'report' }, ['late report', 'papers/reports 2026.txt', 'papers/report-final.pdf']],
    [{ text: 'REPORT pap' }, ['papers/reports 2026.txt', 'papers/report-final.pdf']],
    [{ text: 'reports' }, ['papers/reports 2026.txt']],
    [{ text: 'zurich' }, ['photos/2026/Zürich.jpg']],
    [{ text: 'holiday' }, ['photos/2026/Zürich.jpg']],
    [{ text: 'port' }, []],
    [{ fileType: 'image' }, ['photos/2025/lake.png', 'photos/2026/Zürich.jpg']],
    [{ fileType: 'PDF' }, ['papers/report-final.pdf']],
    [{ tag: 'work' }, ['papers/report-final.pdf']],
    [{ minBytes: 500, maxBytes: 999 }, ['papers/report-final.pdf']],
    [{ text: 'report', sinceMs: 40 }, ['late report', 'papers/reports 2026.txt']],
    [{ regex: '^p.*[0-9]{4}/' }, ['photos/2025/lake.png', 'photos/2026/Zürich.jpg']],
    [{ regex: 'final|late', text: 'report' }, ['late report', 'papers/report-final.pdf']],
  ])('%j', async (query, wanted) => {
    expect(await names(query)).toEqual(wanted);
    expect(await names({ ...query, limit: 1 })).toEqual(wanted);
  });

  it('what was renamed, tagged, replaced or brought back is found as it is now', async () => {
    catalog.rename(ALICE, 'papers/report-final.pdf', 'archive/essay.pdf');
    catalog.retag(ALICE, 'late report', ['urgent'], []);
    catalog.unhide(ALICE, 'deleted report');
    put('photos/2025/lake.png');
    expect(await names({ text: 'essay' })).toEqual(['archive/essay.pdf']);
    expect(await names({ text: 'final' })).toEqual([]);
    expect(await names({ text: 'urgent' })).toEqual(['late report']);
    expect(await names({ text: 'deleted' })).toEqual(['deleted report']);
    expect(await names({ text: 'lake' })).toEqual(['photos/2025/lake.png']);
    catalog.remove(ALICE, 'late report', 1);
    put('another thing');
    expect(await names({ text: 'another' })).toEqual(['another thing']);
    expect(await names({ text: 'urgent' })).toEqual([]);
  });
});

it('goes through more rows than one call looks at', async () => {
  for (let i = 0; i < 1_300; i++) put(`many ${i}`, { sizeBytes: i % 100 === 0 ? 7 : 1 });
  catalog.indexWords(700);
  expect(await names({ text: 'many', minBytes: 7 })).toHaveLength(13);
  expect(await names({ text: 'many' })).toHaveLength(1_300);
  expect(await names({ regex: '7$' })).toHaveLength(130);
});

it('pages of every size together hold each hit once, the last stored first', async () => {
  for (let i = 0; i < 700; i++) put(`many ${i}`, { sizeBytes: i % 3 });
  catalog.indexWords(450);
  const all = Array.from({ length: 700 }, (_, i) => 699 - i);
  const some = all.filter((i) => i % 3 === 2);
  for (const limit of [1, 7, 49, 50, 51, 150, 199, 200, 201, 1_000]) {
    expect(await names({ text: 'many', limit })).toEqual(all.map((i) => `many ${i}`));
    expect(await names({ text: 'many', minBytes: 2, limit })).toEqual(some.map((i) => `many ${i}`));
  }
  expect(await names({ regex: '^many 4', text: 'many', limit: 1 })).toHaveLength(111);
  for (const limit of [0, -5, 0.5]) expect((await searching.search({ limit })).objects).toHaveLength(1);
});

it('an expression that would never end is refused soon, and the loop goes on meanwhile', async () => {
  put(`${'a'.repeat(60)}!`);
  let ticks = 0;
  const ticking = setInterval(() => ticks++, 20);
  const startedMs = performance.now();
  await expect(searching.search({ regex: '^(a+)+$' })).rejects.toMatchObject({
    code: 'bad-value',
    message: expect.stringContaining('takes too long'),
  });
  clearInterval(ticking);
  expect(performance.now() - startedMs).toBeLessThan(10_000);
  expect(ticks).toBeGreaterThan(10);
  expect(await names({ regex: '!$' })).toHaveLength(1);
}, 20_000);

it('says what is no search', async () => {
  await expect(searching.search({ regex: '(' })).rejects.toMatchObject({ code: 'bad-value' });
  await expect(searching.search({ regex: 'x'.repeat(1_001) })).rejects.toMatchObject({ code: 'bad-value' });
  await expect(searching.search({ text: '***' })).rejects.toMatchObject({ code: 'bad-value' });
  await expect(searching.search({ text: 'a '.repeat(17) })).rejects.toMatchObject({ code: 'bad-value' });
  await expect(searching.search({ minBytes: 2, maxBytes: 1 })).rejects.toMatchObject({ code: 'bad-value' });
  await expect(searching.search({ cursor: 'x!' })).rejects.toMatchObject({ code: 'bad-value' });
});

it('counts reads by name and hour, and tells the most read of names that are', async () => {
  for (const name of ['a', 'b', 'c']) put(name);
  for (const [name, times] of [
    ['a', 2],
    ['b', 5],
    ['c', 1],
    ['gone', 9],
  ] as const)
    for (let i = 0; i < times; i++) searching.noteRead(name, 100);
  const read = await searching.popular({ sinceMs: Date.now() - 1_000 });
  expect(read.map(({ object, reads, bytes }) => [object.name, reads, bytes])).toEqual([
    ['b', 5, 500],
    ['a', 2, 200],
    ['c', 1, 100],
  ]);
  searching.noteRead('c', 1);
  const again = await searching.popular({ sinceMs: 0, limit: 3 });
  expect(again.find(({ object }) => object.name === 'c')).toMatchObject({ reads: 2, bytes: 101 });
  expect(await searching.popular({ sinceMs: Date.now() + 2 * 3_600_000 })).toEqual([]);
});
