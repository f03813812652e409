/** Records as lines of a table: drawn for a terminal, TAB-separated for a program, key and value for one record. */
import type { Column, OutputRecord } from '../command.ts';
import { cellText, rawText } from './cell.ts';
import { fitColumns } from './columns.ts';
import { textWidth } from './text-width.ts';

export interface TableOptions {
  /** Cells of the terminal; Infinity shows everything. */
  width: number;
  header: boolean;
  /** Bold header. */
  color: boolean;
}

const GAP = 2;
/** A column that may shrink is not cut below this. */
const MIN_CUT = 8;

/** A table without borders, as `docker ps` or `kubectl get` draw it, so that a row is one line and greps well. */
export async function tableLines(
  records: readonly OutputRecord[],
  columns: readonly Column[],
  options: TableOptions,
): Promise<string[]> {
  const { default: Table } = await import('cli-table3');
  const cells = records.map((record) => columns.map((column) => cellText(record[column.key], column)));
  const natural = columns.map((column, i) => {
    const header = options.header ? textWidth(column.title) : 0;
    return cells.reduce((most, row) => Math.max(most, textWidth(row[i] ?? '')), header);
  });
  const kept = fitColumns(columns, natural, options.width, GAP);
  const widths = kept.map((index) => natural[index] ?? 0);
  shrinkWidest(widths, options.width - GAP * Math.max(0, kept.length - 1));
  const last = kept.length - 1;
  const table = new Table({
    chars: NO_BORDERS,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
    // cli-table3 cuts with an ellipsis at the width; a gap to the right of all but the last column.
    colWidths: widths.map((width, i) => width + (i === last ? 0 : GAP)),
    colAligns: kept.map((index) => columns[index]?.align ?? 'left'),
    wordWrap: false,
  });
  const padded = (text: string, i: number) => {
    const cut = cutTo(text, widths[i] ?? 0, textWidth);
    const right = columns[kept[i] ?? 0]?.align === 'right';
    // The gap stands right of a cell also when its text is aligned to the right.
    return i === last
      ? cut
      : right
        ? `${' '.repeat(Math.max(0, (widths[i] ?? 0) - textWidth(cut)))}${cut}${' '.repeat(GAP)}`
        : cut;
  };
  if (options.header) table.push(kept.map((index, i) => padded(columns[index]?.title ?? '', i)));
  for (const row of cells) table.push(kept.map((index, i) => padded(row[index] ?? '', i)));
  if (table.length === 0) return [];
  const lines = table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
  if (options.header && options.color) lines[0] = `\x1b[1m${lines[0]}\x1b[22m`;
  return lines;
}

const NO_BORDERS = Object.fromEntries(
  [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
    'left',
    'left-mid',
    'mid',
    'mid-mid',
    'right',
    'right-mid',
    'middle',
  ].map((name) => [name, '']),
);

/** Takes cells from the widest column until all fit or none may shrink further. */
function shrinkWidest(widths: number[], total: number): void {
  let over = widths.reduce((sum, width) => sum + width, 0) - total;
  while (over > 0) {
    const widest = widths.reduce((best, width, i) => (width > (widths[best] ?? 0) ? i : best), 0);
    const width = widths[widest] ?? 0;
    const second = widths.reduce((most, other, i) => (i === widest ? most : Math.max(most, other)), MIN_CUT);
    const cut = Math.min(over, Math.max(1, width - second));
    if (width - cut < MIN_CUT) break;
    widths[widest] = width - cut;
    over -= cut;
  }
}

function cutTo(text: string, width: number, measure: (text: string) => number): string {
  if (measure(text) <= width) return text;
  let cut = '';
  let used = 0;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    const cells = measure(segment);
    if (used + cells > width - 1) break;
    cut += segment;
    used += cells;
  }
  return `${cut}…`;
}

/** One line of TAB-separated fields; names are escaped, so a row is always one line. */
export function tsvLine(record: OutputRecord, columns: readonly Column[]): string {
  return columns.map((column) => rawText(record[column.key], column)).join('\t');
}

export function tsvHeader(columns: readonly Column[]): string {
  return columns.map((column) => column.key).join('\t');
}

/** One record as "Title  value" lines. */
export function singleLines(record: OutputRecord, columns: readonly Column[]): string[] {
  const shown = columns.filter((column) => record[column.key] !== undefined);
  const width = shown.reduce((most, column) => Math.max(most, column.title.length), 0);
  return shown.map(
    (column) => `${column.title.padEnd(width)}  ${cellText(record[column.key], column, true)}`,
  );
}
