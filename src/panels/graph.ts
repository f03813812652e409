/** Bars, sparklines and braille graphs, with ASCII forms for terminals without UTF-8. */
import type { Glyphs } from './theme.ts';

/** A bar of exactly `columns`; any share above 0 shows at least one full cell, and only 1 fills it. */
export function bar(share: number, columns: number, glyphs: Glyphs): string {
  const clamped = Math.min(1, Math.max(0, share));
  let full = Math.round(clamped * columns);
  if (clamped > 0 && full === 0) full = 1;
  if (clamped < 1 && full === columns) full = columns - 1;
  return glyphs.bar.full.repeat(full) + glyphs.bar.empty.repeat(columns - full);
}

/**
 * The last `columns` values as block heights, a gap where nothing was measured. Scaled from 0 to the greatest; with `from: 'least'` from the
 * least to at least twice of it, so that a latency which is high but steady stays low.
 */
export function sparkline(
  values: readonly (number | undefined)[],
  columns: number,
  glyphs: Glyphs,
  from: 'zero' | 'least' = 'zero',
): string {
  const shown = values.slice(-columns);
  const measured = shown.filter((value) => value !== undefined);
  const base = from === 'zero' || measured.length === 0 ? 0 : Math.max(0, Math.min(...measured));
  const greatest = Math.max(0, ...measured);
  const top = from === 'zero' ? greatest : Math.max(greatest, 2 * base) - base;
  const text = shown
    .map((value) => {
      if (value === undefined) return ' ';
      const level = top === 0 ? 0 : Math.max(0, Math.min(7, Math.floor(((value - base) / top) * 8)));
      return glyphs.heights[level] ?? ' ';
    })
    .join('');
  return text.padStart(columns);
}

/** Braille dots of a filled column, bottom up, for the left and right half of a cell. */
const LEFT = [0x40, 0x04, 0x02, 0x01];
const RIGHT = [0x80, 0x20, 0x10, 0x08];

/**
 * A filled graph of `rows` lines by `columns` cells, newest value at the right; two values a cell and four levels a row in braille. In
 * ASCII one value a cell. `top` is the value of full height.
 */
export function areaGraph(
  values: readonly number[],
  columns: number,
  rows: number,
  top: number,
  glyphs: Glyphs,
): string[] {
  return glyphs.unicode ? braille(values, columns, rows, top) : asciiArea(values, columns, rows, top);
}

function braille(values: readonly number[], columns: number, rows: number, top: number): string[] {
  const points = lastOf(values, columns * 2);
  const levels = rows * 4;
  const height = (value: number) => dots(value, top, levels);
  const lines: string[] = [];
  for (let row = 0; row < rows; row++) {
    const base = (rows - 1 - row) * 4;
    let line = '';
    for (let at = 0; at < columns; at++) {
      const left = height(points[at * 2] ?? 0) - base;
      const right = height(points[at * 2 + 1] ?? 0) - base;
      let mask = 0;
      for (let dot = 0; dot < 4; dot++) {
        if (dot < left) mask |= LEFT[dot] ?? 0;
        if (dot < right) mask |= RIGHT[dot] ?? 0;
      }
      line += mask === 0 ? ' ' : String.fromCharCode(0x2800 + mask);
    }
    lines.push(line);
  }
  return lines;
}

function asciiArea(values: readonly number[], columns: number, rows: number, top: number): string[] {
  const points = lastOf(values, columns);
  return Array.from({ length: rows }, (_, row) => {
    const base = rows - 1 - row;
    return points.map((value) => (dots(value, top, rows) > base ? '#' : ' ')).join('');
  });
}

/** Any value above 0 shows at least one dot. */
function dots(value: number, top: number, levels: number): number {
  if (value <= 0 || top <= 0) return 0;
  return Math.max(1, Math.min(levels, Math.round((value / top) * levels)));
}

function lastOf(values: readonly number[], count: number): number[] {
  const tail = values.slice(-count);
  return [...Array.from({ length: count - tail.length }, () => 0), ...tail];
}
