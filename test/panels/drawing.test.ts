import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cell,
  cut,
  cutMiddle,
  fitGroups,
  fitRow,
  fitText,
  rowText,
  rowWidth,
  spread,
  widthOf,
  wrapRow,
} from '../../src/panels/cells.ts';
import {
  agoText,
  bytesText,
  clockText,
  countText,
  durationText,
  etaText,
  latencyText,
  percentText,
  rateText,
  shortId,
} from '../../src/panels/format.ts';
import { areaGraph, bar, sparkline } from '../../src/panels/graph.ts';
import { isUnicodeLocale, paintRow, themeFrom, wantsColour } from '../../src/panels/theme.ts';

const { glyphs } = themeFrom({ LANG: 'C.UTF-8' });
const ascii = themeFrom({ LANG: 'C' }).glyphs;
const anyText = fc.string({ unit: 'grapheme', maxLength: 30 });

describe('cells', () => {
  it('are exactly as wide as asked', () => {
    fc.assert(
      fc.property(
        anyText,
        fc.integer({ min: 1, max: 40 }),
        fc.constantFrom('left' as const, 'right' as const),
        (raw, columns, align) => {
          const { text } = cell(raw);
          expect(widthOf(fitText(text, columns, align))).toBe(columns);
          expect(widthOf(cut(text, columns))).toBeLessThanOrEqual(columns);
          expect(rowWidth(fitRow([cell(raw), cell(raw, 'ok')], columns))).toBe(columns);
          expect(rowWidth(spread([cell(raw)], [cell('x')], columns))).toBe(columns);
        },
      ),
    );
  });

  it('lose their middle and keep their end', () => {
    expect(cutMiddle('archive/000/document-000017.pdf', 20)).toBe('archive/00…00017.pdf');
    expect(cutMiddle('short', 5)).toBe('short');
    fc.assert(
      fc.property(anyText, fc.integer({ min: 1, max: 40 }), (text, columns) => {
        const short = cutMiddle(text, columns);
        expect(widthOf(short)).toBeLessThanOrEqual(Math.max(columns, 1));
        if (widthOf(text) <= columns) expect(short).toBe(text);
        const [head = '', tail = ''] = short.split('…');
        if (short !== text && !text.includes('…')) {
          expect(text.startsWith(head)).toBe(true);
          expect(text.endsWith(tail)).toBe(true);
        }
      }),
    );
  });

  it('wrap without losing anything but blanks at the breaks', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 3, max: 20 }), (raw, columns) => {
        const row = [cell(raw), cell(raw, 'dim')];
        const rows = wrapRow(row, columns);
        for (const each of rows) expect(rowWidth(each)).toBeLessThanOrEqual(Math.max(columns, 2));
        const bare = (text: string) => text.replaceAll(' ', '');
        expect(bare(rows.map(rowText).join(''))).toBe(bare(rowText(row)));
      }),
    );
  });

  it('wrap a text without line ends before anybody waits for it', () => {
    const text = 'word '.repeat(200_000).trimEnd();
    const began = performance.now();
    const rows = wrapRow([cell(text)], 76);
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(rows.map(rowText).join(' ')).toBe(text);
  });

  it('leave whole groups out rather than cutting one', () => {
    const groups = [[cell('peers 5')], [cell('  health ok')], [cell('  up')]];
    expect(rowText(fitGroups(groups, 12)).trimEnd()).toBe('peers 5  up');
  });
});

describe('figures', () => {
  it('have one form', () => {
    expect([0, 999, 1023, 1024, 1_048_064, 76_450_000_000].map(bytesText)).toEqual([
      '0 B',
      '999 B',
      '1023 B',
      '1.0 KiB',
      '1.0 MiB',
      '71.2 GiB',
    ]);
    expect([0, 999, 1000, 96_000, 11_800_000, 999_600_000].map(rateText)).toEqual([
      '0 B/s',
      '999 B/s',
      '1.0 kB/s',
      '96.0 kB/s',
      '11.8 MB/s',
      '1.0 GB/s',
    ]);
    expect([0.2, 1, 38.4, 999.6].map(latencyText)).toEqual(['<1ms', '1ms', '38ms', '1.0s']);
    expect([0, 59_999, 60_000, 273_840_000].map(durationText)).toEqual(['0s', '59s', '1m00s', '3d04h']);
    expect([12_000, 3_753_000].map(etaText)).toEqual(['00:12', '1:02:33']);
    expect([4_000, 130_000, 90_000_000].map(agoText)).toEqual(['4s', '2m', '1d']);
    expect([10, 10_412, 1_234_567].map(countText)).toEqual(['10', '10 412', '1 234 567']);
    expect(clockText(0)).toMatch(/^\d\d:\d\d:\d\d$/);
    expect(shortId('12D3KooWabcdefgha9f1')).toBe('12D3..a9f1');
  });

  it('never round up to a whole that is not there', () => {
    expect(percentText(0.99999, 1)).toBe('99.9%');
    expect(percentText(1)).toBe('100%');
  });
});

describe('graphs', () => {
  it('show a trace as a trace and only the whole as whole', () => {
    expect(bar(0, 5, glyphs)).toBe('░░░░░');
    expect(bar(0.0001, 5, glyphs)).toBe('█░░░░');
    expect(bar(0.9999, 5, glyphs)).toBe('████░');
    expect(bar(1, 5, glyphs)).toBe('█████');
  });

  it('scale a sparkline from zero, or from the least', () => {
    expect(sparkline([0, 1, 2, 4], 4, glyphs)).toBe('▁▃▅█');
    expect(sparkline([100, 101, 100], 3, glyphs, 'least')).toBe('▁▁▁');
    expect(sparkline([100, undefined, 200], 3, glyphs, 'least')).toBe('▁ █');
    expect(sparkline([1], 3, glyphs)).toBe('  █');
  });

  it('fill columns from the bottom, newest at the right', () => {
    expect(areaGraph([0, 0, 4, 8], 2, 2, 8, glyphs)).toEqual([' ⢸', ' ⣿']);
    expect(areaGraph([1, 2], 3, 2, 2, ascii)).toEqual(['  #', ' ##']);
    fc.assert(
      fc.property(
        fc.array(fc.nat(), { maxLength: 80 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 6 }),
        (values, columns, rows) => {
          const lines = areaGraph(values, columns, rows, Math.max(1, ...values), glyphs);
          expect(lines.map((line) => [...line].length)).toEqual(Array.from({ length: rows }, () => columns));
        },
      ),
    );
  });
});

describe('theme', () => {
  it('reads the locale in its order', () => {
    expect(isUnicodeLocale({})).toBe(true);
    expect(isUnicodeLocale({ LANG: 'de_DE.UTF-8' })).toBe(true);
    expect(isUnicodeLocale({ LANG: 'de_DE.UTF-8', LC_ALL: 'C' })).toBe(false);
    expect(isUnicodeLocale({ LC_ALL: '', LC_CTYPE: 'en_US.utf8', LANG: 'C' })).toBe(true);
  });

  it('has no colour when there is to be none', () => {
    expect(wantsColour({})).toBe(true);
    expect(wantsColour({ NO_COLOR: '' })).toBe(true);
    expect(wantsColour({ NO_COLOR: '1', FORCE_COLOR: '1' })).toBe(false);
    const plain = themeFrom({ NO_COLOR: '1' });
    const row = (
      ['plain', 'dim', 'title', 'accent', 'ok', 'warn', 'bad', 'up', 'down', 'selected'] as const
    ).map((tone) => cell(tone, tone));
    expect(paintRow(row, plain)).not.toMatch(/\u001b\[(?:\d+;)*(?:3\d|4\d|9\d)/);
    expect(paintRow(row, themeFrom({}))).toMatch(/\u001b\[31;1m/);
  });

  it('joins neighbours of one tone', () => {
    expect(paintRow([cell('a', 'ok'), cell('b', 'ok'), cell('c')], themeFrom({}))).toBe(
      '\u001b[32mab\u001b[0mc',
    );
  });
});
