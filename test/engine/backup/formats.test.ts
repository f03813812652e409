import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exclusion, matchName } from '../../../src/engine/backup/exclude.ts';
import { FieldReader, FieldWriter } from '../../../src/engine/backup/fields.ts';
import { decodeIndex, encodeIndex } from '../../../src/engine/backup/index-file.ts';
import { MAX_ENTRY_BYTES } from '../../../src/engine/backup/limits.ts';
import { PACK_TAIL_BYTES, packEnd, readTable, tableBytesOf } from '../../../src/engine/backup/pack-table.ts';
import { keptBy } from '../../../src/engine/backup/retention.ts';
import { decodeSnapshot, encodeSnapshot } from '../../../src/engine/backup/snapshot-file.ts';
import { fitsEntry, readEntry, type TreeEntry, writeEntry } from '../../../src/engine/backup/tree-entry.ts';
import { compareWalk } from '../../../src/engine/backup/tree-order.ts';

const whole = (max = Number.MAX_SAFE_INTEGER) => fc.integer({ min: 0, max });
const bytes = (maxLength: number, minLength = 0) =>
  fc.uint8Array({ minLength, maxLength }).map((it) => Buffer.from(it));
const id = bytes(32, 32);
const chunk = fc
  .record({ id, storedBytes: fc.integer({ min: 1, max: 4_000_000 }) })
  .map((it) => ({ ...it, rawBytes: it.storedBytes, method: 0 }));
const packed = fc.record({
  id,
  storedBytes: whole(4_000_000),
  rawBytes: fc.integer({ min: 1, max: 4_000_000 }),
  method: fc.constantFrom(1, 2),
});
const table = fc.array(fc.oneof(chunk, packed), { maxLength: 20 });
const entry: fc.Arbitrary<TreeEntry> = fc
  .record({
    kind: fc.constantFrom('file' as const, 'directory' as const, 'link' as const, 'hard-link' as const),
    path: bytes(40),
    mode: whole(0o7777),
    uid: whole(0xffff_ffff),
    gid: whole(0xffff_ffff),
    mtimeNs: fc.bigInt({ min: -(10n ** 18n), max: 10n ** 19n }),
    sparse: fc.boolean(),
    segments: fc.array(
      fc.record({ id: fc.option(id, { nil: undefined }), lengthBytes: fc.integer({ min: 1, max: 2 ** 40 }) }),
      { maxLength: 8 },
    ),
    target: bytes(40, 1).map((it) => Buffer.from(it.map((byte) => byte || 1))),
  })
  .map((it) => ({
    ...it,
    sparse: it.kind === 'file' && it.sparse,
    segments: it.kind === 'file' ? it.segments : [],
    target: it.kind === 'link' || it.kind === 'hard-link' ? it.target : Buffer.alloc(0),
    sizeBytes: it.kind === 'file' ? it.segments.reduce((sum, one) => sum + one.lengthBytes, 0) : 0,
  }));

describe('the formats of backups', () => {
  it('read back what was written', () => {
    fc.assert(
      fc.property(
        whole(),
        fc.bigInt({ min: -(2n ** 60n), max: 2n ** 62n }),
        fc.string({ unit: 'grapheme' }),
        (n, ns, text) => {
          const out = new FieldWriter().whole(n).time(ns).text(text);
          const from = new FieldReader(out.view(), 'x');
          expect([from.whole(), from.time(), from.text(10_000)]).toEqual([n, ns, text]);
          from.end();
        },
      ),
    );
    fc.assert(
      fc.property(entry, (it) => {
        const out = new FieldWriter();
        writeEntry(out, it);
        const from = new FieldReader(out.view(), 'x');
        expect(readEntry(from)).toEqual(it);
        from.end();
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.record({ name: fc.string({ maxLength: 40 }), table })), (packs) => {
        expect(decodeIndex(encodeIndex(packs))).toEqual(packs);
      }),
    );
    fc.assert(
      fc.property(table, (it) => {
        const end = packEnd(it);
        const tableBytes = tableBytesOf(end.subarray(-PACK_TAIL_BYTES));
        expect(tableBytes).toBe(end.length - PACK_TAIL_BYTES);
        expect(readTable(new FieldReader(end.subarray(0, tableBytes), 'x'))).toEqual(it);
      }),
    );
  });

  it('hold what a backup may be asked for', () => {
    const counts = { files: 0, directories: 0, links: 0, sizeBytes: 0, addedBytes: 0, skipped: 0 };
    const snapshot = {
      ...{ takenAtMs: 1, node: 'n', device: 'd', source: Buffer.from('/s'), tags: ['t'] },
      ...{ ...counts, durationMs: 0, tree: [] },
      excludes: Array.from({ length: 10_000 }, (_, i) => (i === 0 ? '€'.repeat(4096) : `no-${i}`)),
    };
    exclusion(snapshot.excludes);
    expect(decodeSnapshot(encodeSnapshot(snapshot))).toEqual(snapshot);
  });

  it('take a time that no number tells for the nearest that one does', () => {
    // tmpfs, btrfs and others let anybody give a file any of 64 bits of seconds.
    for (const seconds of [2n ** 63n - 1n, -(2n ** 63n)]) {
      const from = new FieldReader(new FieldWriter().time(seconds * 1_000_000_000n).view(), 'x');
      const read = from.time() / 1_000_000_000n;
      expect(read > 2n ** 51n || read < -(2n ** 51n)).toBe(true);
      expect(read > 0n).toBe(seconds > 0n);
      from.end();
    }
  });

  it('refuse noise and cuts with an error of their own, whatever the bytes are', () => {
    const snapshot = encodeSnapshot({
      ...{ takenAtMs: 1, node: 'n', device: 'd', source: Buffer.from('/s'), tags: ['a'], excludes: ['b'] },
      ...{ files: 1, directories: 2, links: 3, sizeBytes: 4, addedBytes: 5, skipped: 6, durationMs: 7 },
      tree: [Buffer.alloc(32, 1), Buffer.alloc(32, 2)],
    });
    const index = encodeIndex([
      { name: 'n', table: [{ id: Buffer.alloc(32), storedBytes: 9, rawBytes: 9, method: 0 }] },
    ]);
    const clean = (decode: (bytes: Uint8Array) => unknown, given: Uint8Array) => {
      try {
        decode(given);
      } catch (error) {
        expect(error).toMatchObject({ code: 'malformed-data' });
      }
    };
    fc.assert(
      fc.property(fc.constantFrom(snapshot, index), whole(200), whole(255), (whole_, at, value) => {
        const changed = Buffer.from(whole_);
        changed[at % changed.length] = value;
        const decode = whole_ === snapshot ? decodeSnapshot : decodeIndex;
        clean(decode, changed);
        clean(decode, changed.subarray(0, at % changed.length));
      }),
    );
    fc.assert(fc.property(bytes(200), (it) => clean((given) => readEntry(new FieldReader(given, 'x')), it)));
  });

  it('are those of docs/FORMATS.md, byte by byte', () => {
    const ids = [Buffer.alloc(32, 0xaa), Buffer.alloc(32, 0xbb)];
    const [first, second] = ids as [Buffer, Buffer];
    const out = new FieldWriter();
    writeEntry(out, {
      ...{ kind: 'file', path: Buffer.from('a/\xff', 'latin1'), mode: 0o644, uid: 1000, gid: 0 },
      ...{
        mtimeNs: 1_700_000_000_000_000_005n,
        sizeBytes: 300 + 65_536,
        sparse: true,
        target: Buffer.alloc(0),
      },
      segments: [
        { id: first, lengthBytes: 300 },
        { id: undefined, lengthBytes: 65_536 },
      ],
    });
    expect(out.take().toString('hex')).toBe(
      `0003612fffa403e8070080c49fd50c050102d804${'aa'.repeat(32)}818008`,
    );
    const rows = [
      { id: first, storedBytes: 100, rawBytes: 100, method: 0 },
      { id: second, storedBytes: 100, rawBytes: 300, method: 1 },
    ];
    const tableHex = `02${'aa'.repeat(32)}9003${'bb'.repeat(32)}9103ac02`;
    expect(packEnd(rows).toString('hex')).toBe(`${tableHex}0000004701444d504b`);
    expect(encodeIndex([{ name: 'p', table: rows }]).toString('hex')).toBe(
      `444d49580101${'0170'}${tableHex}`,
    );
  });
});

describe('the order of a walk', () => {
  it('is that of taking names by their bytes and going into folders at once', () => {
    const walked = ['', 'a', 'a/x', 'a/x/y', 'a!', 'a-b', 'a.b', 'aa', 'b'].map((it) => Buffer.from(it));
    fc.assert(
      fc.property(fc.shuffledSubarray(walked, { minLength: walked.length }), (given) => {
        expect([...given].sort(compareWalk).map(String)).toEqual(walked.map(String));
      }),
    );
  });
});

describe('patterns', () => {
  it.each([
    ['*.tmp', 'a/b.tmp', false, true],
    ['*.tmp', 'a/b.tmpx', false, false],
    ['/a', 'a', true, true],
    ['/a', 'x/a', true, false],
    ['a/b', 'a/b', false, true],
    ['a/b', 'x/a/b', false, false],
    ['node_modules/', 'x/node_modules', true, true],
    ['node_modules/', 'x/node_modules', false, false],
    ['**/b', 'a/x/b', false, true],
    ['a/**', 'a/x/b', false, true],
    ['a/**', 'a', true, false],
    ['a/**/b', 'a/b', false, true],
    ['a/**/b', 'a/x/y/b', false, true],
    ['a?c', 'abc', false, true],
    ['a?c', 'a/c', false, false],
    ['[a-c]x', 'bx', false, true],
    ['[!a-c]x', 'bx', false, false],
    ['\\*', '*', false, true],
    ['\\*', 'x', false, false],
    ['#no', '#no', false, false],
  ])('%s and %s', (pattern, path, isFolder, expected) => {
    expect(exclusion([pattern]).excludes(path, isFolder)).toBe(expected);
  });

  it('are taken back by a later one', () => {
    const rules = exclusion(['*.log', '!keep.log']);
    expect(rules.excludes('a/x.log', false)).toBe(true);
    expect(rules.excludes('a/keep.log', false)).toBe(false);
  });

  it('end soon, however mean they are', () => {
    const startedMs = performance.now();
    expect(matchName('*a'.repeat(500), 'a'.repeat(2000))).toBe(true);
    expect(matchName(`${'*a'.repeat(500)}b`, 'a'.repeat(2000))).toBe(false);
    expect(exclusion([`${'**/a/'.repeat(100)}b`]).excludes('a/'.repeat(1000), false)).toBe(false);
    expect(performance.now() - startedMs).toBeLessThan(2000);
  });
});

describe('what a rule keeps', () => {
  const day = 86_400_000;
  const at = (id_: string, age: number, source = '/a', device = 'desk') => ({
    id: id_,
    device,
    takenAtMs: Date.UTC(2026, 10, 21, 12) - age * day,
    source,
  });

  it('is the newest of each period, of each folder', () => {
    const all = [
      at('1', 0),
      at('2', 0.1),
      at('3', 1),
      at('4', 2),
      at('5', 10),
      at('6', 40),
      at('o', 5, '/b'),
    ];
    expect(Object.fromEntries(keptBy({ daily: 2, monthly: 2 }, all))).toEqual({
      1: ['daily', 'monthly'],
      3: ['daily'],
      6: ['monthly'],
      o: ['daily', 'monthly'],
    });
    expect([...keptBy({ last: 3 }, all).keys()]).toEqual(['1', '2', '3', 'o']);
    expect(keptBy({}, all).size).toBe(0);
    expect([...keptBy({ weekly: 2 }, all).keys()]).toEqual(['1', '5', 'o']);
  });

  it('is not the other machine’s, where two have a folder of one path', () => {
    const all = [at('d1', 0.1), at('d2', 1.1), at('l1', 0, '/a', 'lap'), at('l2', 1, '/a', 'lap')];
    expect([...keptBy({ last: 1 }, all).keys()].sort()).toEqual(['d1', 'l1']);
    expect([...keptBy({ daily: 2 }, all).keys()].sort()).toEqual(['d1', 'd2', 'l1', 'l2']);
  });

  it('never is less when the rule says more', () => {
    const ages = fc.uniqueArray(whole(2000), { maxLength: 40 });
    fc.assert(
      fc.property(ages, whole(10), whole(10), (given, few, more) => {
        const all = given.map((age) => at(String(age), age));
        const less = keptBy({ daily: few, weekly: few }, all);
        const kept = keptBy({ daily: few + more, weekly: few + more, last: 1 }, all);
        for (const it of less.keys()) expect(kept.has(it)).toBe(true);
      }),
    );
  });
});

it('a file of more pieces than an entry can name is left out, and one of as many as fit can be read', () => {
  const piece = { id: Buffer.alloc(32, 7), lengthBytes: 4 * 1024 * 1024 };
  const hole = { id: undefined, lengthBytes: 2 ** 40 };
  for (const segment of [piece, hole]) {
    const each = segment.id === undefined ? 8 : 40;
    const most = Math.floor((MAX_ENTRY_BYTES - 32_832) / each);
    const segments = new Array(most).fill(segment);
    expect(fitsEntry(segments)).toBe(true);
    expect(fitsEntry([...segments, ...segments.slice(0, 10)])).toBe(false);
    const out = new FieldWriter();
    const rest = {
      mode: 0,
      uid: 0,
      gid: 0,
      mtimeNs: 0n,
      sizeBytes: 0,
      sparse: true,
      target: Buffer.alloc(0),
    };
    writeEntry(out, { kind: 'file', path: Buffer.alloc(32_768, 97), segments, ...rest });
    expect(out.view().length).toBeLessThanOrEqual(MAX_ENTRY_BYTES);
  }
});
