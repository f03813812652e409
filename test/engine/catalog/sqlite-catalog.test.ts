import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Catalog } from '../../../src/engine/catalog/catalog.ts';
import { openCatalog } from '../../../src/engine/catalog/sqlite-catalog.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import type { ListQuery, ObjectView } from '../../../src/engine/engine.ts';
import type { DatameshError } from '../../../src/errors.ts';
import { ALICE, BOB, entry, idOf } from './entries.ts';

const clock = realClock();
const ODD_NAMES = [
  'plain',
  'with space',
  'line\nbreak',
  'it\'s "quoted" `so` \\ back',
  "'; DROP TABLE entries; --",
  '../../etc/passwd',
  'nul\0inside',
  'ünïcödé/日本語/🦆',
  '\ufeffbom',
  'e\u0301 combining',
  '\u00e9 combined',
  '%wild_card%',
  'x'.repeat(1024),
  'UPPER',
  'upper',
];

let folder: string;
let catalog: Catalog;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'datamesh-catalog-'));
  catalog = openCatalog(':memory:', clock);
});

afterEach(() => {
  catalog.close();
  rmSync(folder, { recursive: true, force: true });
});

function codeOf(task: () => unknown): string {
  try {
    task();
  } catch (error) {
    return (error as DatameshError).code;
  }
  return 'nothing was thrown';
}

function everyPage(query: ListQuery): ObjectView[] {
  const seen: ObjectView[] = [];
  let cursor: string | undefined;
  do {
    const page = catalog.list(ALICE, { ...query, cursor });
    seen.push(...page.objects);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return seen;
}

const byteOrder = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

describe('names and versions', () => {
  it('gives an entry back field by field', () => {
    const given = entry('a', { tags: ['x', 'y', 'x'], sizeBytes: 2 ** 52, storedBytes: 2 ** 53 - 1 });
    const { entry: made, replacedVersion } = catalog.commit(given);
    const { k, m, ...rest } = given;
    expect(made).toEqual({
      ...rest,
      tags: ['x', 'y'],
      code: { k, m },
      version: 1,
      state: 'current',
      endedAtMs: undefined,
    });
    expect(replacedVersion).toBeUndefined();
    expect(catalog.find(ALICE, 'a')).toEqual(made);
    expect(catalog.find(BOB, 'a')).toBeUndefined();
  });

  it('keeps odd names apart and in byte order', () => {
    for (const name of ODD_NAMES) catalog.commit(entry(name));
    for (const name of ODD_NAMES) expect(catalog.find(ALICE, name)?.objectId).toBe(idOf(name));
    expect(everyPage({ limit: 2 }).map((it) => it.name)).toEqual([...ODD_NAMES].sort(byteOrder));
    expect(catalog.find(ALICE, 'Plain')).toBeUndefined();
  });

  it('refuses names that are none', () => {
    expect(codeOf(() => catalog.commit(entry('')))).toBe('bad-name');
    expect(codeOf(() => catalog.commit(entry('half \ud83e')))).toBe('bad-name');
    expect(codeOf(() => catalog.commit(entry('é'.repeat(2049))))).toBe('bad-name');
    expect(catalog.find(ALICE, 'half \ud83e')).toBeUndefined();
    expect(catalog.totals(ALICE).versions).toBe(0);
  });

  it('counts versions and makes the newest current', () => {
    catalog.commit(entry('a', { objectId: idOf('1'), tags: ['old'] }));
    const second = catalog.commit(entry('a', { objectId: idOf('2') }));
    expect(second).toMatchObject({ entry: { version: 2 }, replacedVersion: 1 });
    expect(catalog.find(ALICE, 'a')?.objectId).toBe(idOf('2'));
    expect(catalog.find(ALICE, 'a', 1)?.objectId).toBe(idOf('1'));
    expect(catalog.find(ALICE, 'a', 3)).toBeUndefined();
    expect(catalog.list(ALICE, { tag: 'old' }).objects).toEqual([]);
    expect([...catalog.current(ALICE)].map((it) => it.version)).toEqual([2]);
  });

  it('gives each object once for a census, under the first of its names, and what is there when it begins', () => {
    const names = Array.from({ length: 1200 }, (_, at) => `n${String(at).padStart(4, '0')}`);
    for (const name of names) catalog.commit(entry(name));
    for (const [from, to] of [
      ['n0700', 'copy'],
      ['n0001', 'z'],
    ] as const)
      catalog.commit(entry(to, { objectId: idOf(from) }));
    catalog.commit(entry('n0002', { owner: BOB }));
    catalog.commit(entry('in another', { objectId: idOf('n0003'), pool: 'other' }));
    const want = ['copy', 'in another', ...names.filter((name) => name !== 'n0700' && name !== 'n0003')];
    expect([...catalog.current(ALICE)].map((it) => it.name)).toEqual(want);
    expect([...catalog.current(ALICE, 'other')].map((it) => it.name)).toEqual(['in another']);
    expect([...catalog.current(ALICE, 'default')].map((it) => it.name)).toEqual([
      'copy',
      ...names.filter((name) => name !== 'n0700'),
    ]);
    expect([...catalog.current(BOB)].map((it) => it.name)).toEqual(['n0002']);
    const walk = catalog.current(ALICE)[Symbol.iterator]();
    walk.next();
    catalog.commit(entry('n9999'));
    catalog.remove(ALICE, 'n1100', 1);
    const rest: string[] = [];
    for (let step = walk.next(); !step.done; step = walk.next()) rest.push(step.value.name);
    expect(rest).toEqual(want.slice(1).filter((name) => name !== 'n1100'));
  });

  it('brings the older version back when the current one goes, and never gives a number twice', () => {
    for (const text of ['1', '2', '3']) catalog.commit(entry('a', { objectId: idOf(text) }));
    expect(catalog.remove(ALICE, 'a', 3)?.objectId).toBe(idOf('3'));
    expect(catalog.find(ALICE, 'a')?.version).toBe(2);
    expect(catalog.remove(ALICE, 'a', 1)?.version).toBe(1);
    expect(catalog.find(ALICE, 'a')?.version).toBe(2);
    expect(catalog.commit(entry('a')).entry.version).toBe(4);
    expect(catalog.remove(ALICE, 'a', 9)).toBeUndefined();
    expect(catalog.remove(BOB, 'a', 2)).toBeUndefined();
    catalog.remove(ALICE, 'a', 4);
    catalog.remove(ALICE, 'a', 2);
    expect(catalog.find(ALICE, 'a')).toBeUndefined();
    expect(catalog.totals(ALICE)).toEqual({ objects: 0, versions: 0, logicalBytes: 0, storedBytes: 0 });
  });

  it('ifAbsent leaves everything as it was', () => {
    catalog.commit(entry('a', { objectId: idOf('1') }));
    expect(codeOf(() => catalog.commit(entry('a', { objectId: idOf('2') }), { ifAbsent: true }))).toBe(
      'already-exists',
    );
    expect(catalog.find(ALICE, 'a')).toMatchObject({ version: 1, objectId: idOf('1') });
    expect(catalog.commit(entry('b'), { ifAbsent: true }).entry.version).toBe(1);
    expect(catalog.commit(entry('a', { owner: BOB }), { ifAbsent: true }).entry.version).toBe(1);
  });

  it('counts references over all owners, and totals per owner', () => {
    const objectId = idOf('shared');
    catalog.commit(entry('a', { objectId }));
    catalog.commit(entry('b', { objectId }));
    catalog.commit(entry('b', { owner: BOB, objectId }));
    expect(catalog.references(objectId)).toBe(3);
    // Two names, and one object's bytes in the mesh.
    expect(catalog.totals(ALICE)).toEqual({ objects: 2, versions: 2, logicalBytes: 2000, storedBytes: 1536 });
    catalog.remove(ALICE, 'a', 1);
    expect(catalog.totals(ALICE)).toEqual({ objects: 1, versions: 1, logicalBytes: 1000, storedBytes: 1536 });
    expect(catalog.references(objectId)).toBe(2);
    expect(catalog.references(idOf('none'))).toBe(0);
  });
});

describe('finding by id', () => {
  const id = (head: string) => head.padEnd(64, '0') as ReturnType<typeof idOf>;

  it('takes a whole id or a unique prefix of four digits or more', () => {
    catalog.commit(entry('a', { objectId: id('abcd1') }));
    catalog.commit(entry('b', { objectId: id('abcd2') }));
    expect(catalog.findById(ALICE, 'abcd1')?.name).toBe('a');
    expect(catalog.findById(ALICE, 'ABCD2')?.name).toBe('b');
    expect(catalog.findById(ALICE, id('abcd2'))?.name).toBe('b');
    expect(catalog.findById(ALICE, 'abc')).toBeUndefined();
    expect(catalog.findById(ALICE, 'abce')).toBeUndefined();
    expect(catalog.findById(ALICE, 'abcg')).toBeUndefined();
    expect(catalog.findById(BOB, 'abcd1')).toBeUndefined();
  });

  it('lists the candidates of an ambiguous prefix', () => {
    catalog.commit(entry('a', { objectId: id('abcd1') }));
    catalog.commit(entry('b', { objectId: id('abcd2') }));
    expect(() => catalog.findById(ALICE, 'abcd')).toThrowError(
      expect.objectContaining({
        code: 'bad-value',
        details: {
          candidates: [
            { objectId: id('abcd1'), name: 'a', version: 1 },
            { objectId: id('abcd2'), name: 'b', version: 1 },
          ],
        },
      }),
    );
  });

  it('is not confused by several entries of one object, and prefers the current one', () => {
    catalog.commit(entry('a', { objectId: id('abcd1') }));
    catalog.commit(entry('b', { objectId: id('abcd1') }));
    catalog.commit(entry('b', { objectId: id('ffff') }));
    expect(catalog.findById(ALICE, 'abcd')?.name).toBe('a');
  });

  it('finds an object of thousands of names at once', () => {
    const names = Array.from({ length: 4000 }, (_, index) => `n${index}`);
    catalog.commitAll(names.map((name) => ({ entry: entry(name, { objectId: id('abcd1') }), options: {} })));
    const startedMs = performance.now();
    expect(catalog.findById(ALICE, 'abcd')?.name).toBe('n3999');
    expect(performance.now() - startedMs).toBeLessThan(1000);
  });
});

describe('listing', () => {
  it('filters by prefix and tag', () => {
    for (const name of ['a/1', 'a/2', 'a0', 'b/1', 'a\u{10ffff}']) {
      catalog.commit(entry(name, { tags: name.endsWith('1') ? ['one', 'any'] : ['any'] }));
    }
    expect(everyPage({ prefix: 'a/', limit: 1 }).map((it) => it.name)).toEqual(['a/1', 'a/2']);
    expect(everyPage({ tag: 'one', limit: 1 }).map((it) => it.name)).toEqual(['a/1', 'b/1']);
    expect(everyPage({ prefix: 'a', tag: 'one' }).map((it) => it.name)).toEqual(['a/1']);
    expect(everyPage({ prefix: 'a' })).toHaveLength(4);
    expect(everyPage({ tag: 'on' })).toEqual([]);
  });

  it('pages in any order without gaps or repeats', () => {
    const order = {
      name: () => 0,
      size: (it: ObjectView) => it.sizeBytes,
      created: (it: ObjectView) => it.createdAtMs,
    };
    const rows = fc.uniqueArray(
      fc.record({
        name: fc.string({ unit: 'binary', minLength: 1, maxLength: 8 }),
        size: fc.nat(3),
        created: fc.nat(3),
      }),
      { selector: (it) => it.name, maxLength: 30 },
    );
    fc.assert(
      fc.property(
        rows,
        fc.constantFrom('name' as const, 'size' as const, 'created' as const),
        fc.boolean(),
        fc.integer({ min: 1, max: 7 }),
        (given, sort, reverse, limit) => {
          catalog.close();
          catalog = openCatalog(':memory:', clock);
          for (const it of given)
            catalog.commit(entry(it.name, { sizeBytes: it.size, createdAtMs: it.created }));
          const seen = everyPage({ sort, reverse, limit });
          const wanted = [...seen].sort(
            (a, b) => order[sort](a) - order[sort](b) || byteOrder(a.name, b.name),
          );
          if (reverse) wanted.reverse();
          expect(seen.map((it) => it.name)).toEqual(wanted.map((it) => it.name));
          expect(new Set(seen.map((it) => it.name))).toEqual(new Set(given.map((it) => it.name)));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('goes on where it was when objects come and go between two pages', () => {
    for (const name of ['b', 'd', 'f', 'h']) catalog.commit(entry(name));
    const first = catalog.list(ALICE, { limit: 2 });
    catalog.remove(ALICE, 'd', 1);
    catalog.commit(entry('a'));
    catalog.commit(entry('e'));
    const rest = catalog.list(ALICE, { limit: 9, cursor: first.cursor });
    expect([...first.objects, ...rest.objects].map((it) => it.name)).toEqual(['b', 'd', 'e', 'f', 'h']);
    expect(rest.cursor).toBeUndefined();
  });

  it('refuses a cursor of another listing', () => {
    for (const name of ['a', 'b']) catalog.commit(entry(name));
    const { cursor } = catalog.list(ALICE, { limit: 1 });
    expect(codeOf(() => catalog.list(ALICE, { sort: 'size', cursor }))).toBe('bad-value');
    expect(codeOf(() => catalog.list(ALICE, { cursor: 'nonsense' }))).toBe('bad-value');
  });

  it('offers names that are like one', () => {
    for (const name of ['report.pdf', 'reports/2026', 'old report', 'picture.png', 'x'])
      catalog.commit(entry(name));
    expect(catalog.namesLike(ALICE, 'report', 3)).toEqual(['report.pdf', 'reports/2026', 'old report']);
    expect(catalog.namesLike(ALICE, 'REPORT', 9)).toContain('old report');
    expect(catalog.namesLike(ALICE, 'repotr.pdf', 9)).toContain('report.pdf');
    expect(catalog.namesLike(ALICE, 'report', 1)).toHaveLength(1);
    expect(catalog.namesLike(BOB, 'report', 3)).toEqual([]);
  });
});

describe('the file', () => {
  it('keeps what was committed', () => {
    const path = join(folder, 'catalog.sqlite');
    const first = openCatalog(path, clock);
    first.commit(entry('a', { tags: ['t'] }));
    first.close();
    first.close();
    const again = openCatalog(path, clock);
    expect(again.list(ALICE, { tag: 't' }).objects.map((it) => it.name)).toEqual(['a']);
    again.close();
  });

  it('refuses a later format, a foreign database and what is no database', () => {
    const later = join(folder, 'later.sqlite');
    openCatalog(later, clock).close();
    const db = new DatabaseSync(later);
    db.exec('INSERT INTO migrations VALUES (99, 0)');
    db.close();
    expect(codeOf(() => openCatalog(later, clock))).toBe('format-too-new');

    const foreign = join(folder, 'foreign.sqlite');
    const other = new DatabaseSync(foreign);
    other.exec('CREATE TABLE bookmarks (url TEXT)');
    other.close();
    expect(codeOf(() => openCatalog(foreign, clock))).toBe('malformed-data');

    const noise = join(folder, 'noise.sqlite');
    writeFileSync(noise, 'this is a text file '.repeat(300));
    expect(codeOf(() => openCatalog(noise, clock))).toBe('malformed-data');
    expect(codeOf(() => openCatalog(join(folder, 'none', 'c.sqlite'), clock))).toBe('file-denied');
  });

  it('holds every acknowledged commit, whole, after SIGKILL', async () => {
    const path = join(folder, 'catalog.sqlite');
    for (const kill of [20, 61]) {
      const child = spawn(process.execPath, [join(import.meta.dirname, 'commit-forever-entry.ts'), path], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let told = 0;
      for await (const line of createInterface({ input: child.stdout })) {
        told = Number(line);
        if (told === kill) child.kill('SIGKILL');
      }
      expect(told).toBeGreaterThanOrEqual(kill);
      const again = openCatalog(path, clock);
      const last = again.find(ALICE, `file ${told % 5}`)!;
      // The one that was under way when the child died may be there or not, but never in part.
      expect([told, told + 5]).toContain(last.sizeBytes);
      expect(last.objectId).toBe(idOf(`${last.name} ${last.sizeBytes}`));
      expect(last.tags).toEqual(['crash', `n${last.sizeBytes}`]);
      expect(again.list(ALICE, { tag: last.tags[1] }).objects.map((it) => it.version)).toEqual([
        last.version,
      ]);
      expect([...again.current(ALICE)]).toHaveLength(5);
      again.close();
    }
  });
});
