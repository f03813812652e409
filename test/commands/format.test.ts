import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Column } from '../../src/commands/command.ts';
import { cellText, rawText } from '../../src/commands/format/cell.ts';
import { chooseColumns, fitColumns } from '../../src/commands/format/columns.ts';
import { errorLine } from '../../src/commands/format/error-line.ts';
import { wrap } from '../../src/commands/format/help.ts';
import { jsonLine } from '../../src/commands/format/json.ts';
import { safeLines, safeText } from '../../src/commands/format/safe-text.ts';
import { singleLines, tableLines, tsvLine } from '../../src/commands/format/table.ts';
import {
  formatBytes,
  formatDuration,
  formatPercent,
  formatTime,
  shortId,
} from '../../src/commands/format/units.ts';
import { DatameshError } from '../../src/errors.ts';

const anything = fc.string({ unit: 'binary', maxLength: 30 });
/** What terminals and cli-table3 (whose width table is older) measure alike. */
const measurable = fc.string({
  unit: fc.constantFrom('a', 'b', ' ', 'é', '日', '😀', '\n', '\x1b', '\u202e', '\t'),
  maxLength: 40,
});
const CONTROLS = /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\u200b-\u200f]/;

describe('safeText', () => {
  it('makes what acts on a terminal visible', () => {
    expect(safeText('a\nb\x1b[31m\u009b\u202e\0')).toBe('a\\nb\\e[31m\\x9b\\u{202e}\\0');
    expect(safeText('日本 😀 é')).toBe('日本 😀 é');
    expect(safeLines('a\n\tb\x1b')).toBe('a\n\tb\\e');
  });

  it('leaves none of it, in a cell, a line of fields, JSON or an error', () => {
    fc.assert(
      fc.property(anything, (text) => {
        const column: Column = { key: 'name', title: 'NAME' };
        expect(safeText(text)).not.toMatch(CONTROLS);
        expect(cellText([text], column)).not.toMatch(CONTROLS);
        expect(tsvLine({ name: text }, [column])).not.toMatch(CONTROLS);
        expect(jsonLine({ name: text })).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
        expect(JSON.parse(jsonLine({ name: text }))).toEqual({ name: text });
        expect(errorLine(new DatameshError('failed', { what: text, why: text, mend: text }))).not.toMatch(
          CONTROLS,
        );
      }),
    );
  });
});

describe('figures', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '0.98 KiB'],
    [1024, '1.00 KiB'],
    [1536, '1.50 KiB'],
    [10 * 1024, '10.0 KiB'],
    [100 * 1024, '100 KiB'],
    [1023 * 1024, '1.00 MiB'],
    [4 * 2 ** 30, '4.00 GiB'],
    [2 ** 60, '1.00 EiB'],
    [-2048, '-2.00 KiB'],
    [Number.NaN, '–'],
  ])('%d bytes is %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it.each([
    [0, '0ms'],
    [0.25, '0.3ms'],
    [9.96, '10ms'],
    [850, '850ms'],
    [999.6, '1.0s'],
    [12_300, '12.3s'],
    [59_960, '1m00s'],
    [187_000, '3m07s'],
    [3_599_700, '1h00m'],
    [277_200_000, '3d05h'],
    [-850, '-850ms'],
  ])('%d ms is %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

  it('are short whatever the number', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 2 ** 53, noNaN: true }), (n) => {
        expect(formatBytes(n).length).toBeLessThanOrEqual(9);
        expect(formatDuration(Math.min(n, 1e12)).length).toBeLessThanOrEqual(9);
      }),
    );
  });

  it('of time follow the zone, and are ISO for programs', () => {
    expect(formatTime(Date.UTC(2026, 10, 21, 10, 0, 0))).toMatch(/^2026-11-2\d \d\d:\d\d:00$/);
    expect(rawText(Date.UTC(2026, 10, 21, 10, 0, 0), { format: 'time' })).toBe('2026-11-21T10:00:00.000Z');
    expect(formatPercent(0.9921)).toBe('99.2%');
    // All, none and just full are said of what is: 27 999 of 28 000 are not 100 %.
    const edges = [0, 0.0004, 27_999 / 28_000, 1, 1.0001, 1.1, Number.NaN];
    expect(edges.map(formatPercent)).toEqual(['0.0%', '<0.1%', '99.9%', '100.0%', '100.1%', '110.0%', '–']);
    expect(shortId('a'.repeat(64))).toBe('aaaaaaaaaaaa…');
  });
});

describe('tables', () => {
  const columns = [
    { key: 'name', title: 'NAME' },
    { key: 'size', title: 'SIZE', align: 'right' as const, format: 'bytes' as const },
    { key: 'extra', title: 'EXTRA', priority: 1 },
    { key: 'more', title: 'MORE', priority: 2 },
  ];
  const records = [
    { name: 'a', size: 1024, extra: 'eeee', more: 'mmmm' },
    { name: '日本語', size: 5, extra: 'e', more: undefined },
  ];
  const draw = (width: number, rows: Record<string, unknown>[] = records) =>
    tableLines(rows, columns, { width, header: true, color: false });

  it('align columns, also of wide characters', async () => {
    expect(await draw(80)).toEqual([
      'NAME        SIZE  EXTRA  MORE',
      'a       1.00 KiB  eeee   mmmm',
      '日本語       5 B  e      –',
    ]);
  });

  it('drop columns by priority, then cut the widest', async () => {
    expect((await draw(24))[0]).toBe('NAME        SIZE  EXTRA');
    expect((await draw(17))[0]).toBe('NAME        SIZE');
    const long = await draw(30, [{ name: 'n'.repeat(50), size: 1, extra: '', more: '' }]);
    expect(long.every((line) => [...line].length <= 30)).toBe(true);
    expect(long[1]).toContain('…');
  });

  it('are one line a row whatever the names hold, and never wider than the terminal', async () => {
    const { default: stringWidth } = await import('string-width');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ name: measurable, size: fc.nat(), extra: measurable }), {
          minLength: 1,
          maxLength: 5,
        }),
        fc.integer({ min: 30, max: 120 }),
        async (rows, width) => {
          const lines = await draw(width, rows);
          expect(lines).toHaveLength(rows.length + 1);
          for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(width);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('of one record are key and value', () => {
    expect(singleLines({ name: 'a', size: 2048, extra: undefined }, columns)).toEqual([
      'NAME  a',
      'SIZE  2.00 KiB',
    ]);
  });

  it('keep what must stay', () => {
    expect(fitColumns(columns, [50, 50, 5, 5], 20, 2)).toEqual([0, 1]);
    expect(fitColumns(columns, [5, 5, 5, 5], 100, 2)).toEqual([0, 1, 2, 3]);
  });

  it('refuse a field that is not there, with a suggestion', () => {
    expect(() => chooseColumns(columns, ['nmae'], records)).toThrow(
      expect.objectContaining({ code: 'bad-value', mend: 'did you mean name?' }),
    );
    expect(chooseColumns(columns, ['size', 'name'], records).map(({ key }) => key)).toEqual(['size', 'name']);
  });
});

describe('wrap', () => {
  it('keeps every word and the width', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 8 }), {
          maxLength: 30,
        }),
        (words) => {
          const lines = wrap(words.join(' '), 20);
          expect(lines.join(' ')).toBe(words.join(' '));
          expect(lines.every((line) => line.length <= 20)).toBe(true);
        },
      ),
    );
  });
});
