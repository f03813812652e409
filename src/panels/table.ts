/** A table in a width budget: the columns that matter most are kept, one elastic column takes what is left. */
import { type Cell, cell, clean, cutMiddle, fitText, type Row, type Tone, wrapRow } from './cells.ts';

export interface TableColumn<T> {
  title: string;
  /** Columns without the gap. The elastic column treats it as the least. */
  width: number;
  align?: 'left' | 'right';
  /** 0: always shown; the higher, the less it matters when there is no room for all. Those of one priority come and go together. */
  priority: number;
  elastic?: boolean;
  /** What is too long loses its middle and not its end. */
  keepsEnd?: boolean;
  text(item: T): string;
  tone?(item: T): Tone;
}

const GAP = 2;

/** The most important columns that have room, in their own order. */
export function fittingColumns<T>(columns: readonly TableColumn<T>[], width: number): TableColumn<T>[] {
  const chosen = new Set<TableColumn<T>>();
  let used = -GAP;
  const priorities = [...new Set(columns.map((column) => column.priority))].sort((a, b) => a - b);
  for (const priority of priorities) {
    const group = columns.filter((column) => column.priority === priority);
    const need = group.reduce((sum, column) => sum + GAP + column.width, 0);
    if (priority > 0 && used + need > width) continue;
    for (const column of group) chosen.add(column);
    used += need;
  }
  const spare = width - used;
  return columns
    .filter((column) => chosen.has(column))
    .map((column) => (column.elastic && spare > 0 ? { ...column, width: column.width + spare } : column));
}

export function headerRow<T>(columns: readonly TableColumn<T>[]): Row {
  return join(columns.map((column) => cell(fitText(column.title, column.width, column.align), 'dim')));
}

export function itemRow<T>(
  columns: readonly TableColumn<T>[],
  item: T,
  selected: boolean,
  mark: string,
  marked = false,
): Row {
  const cells = columns.map((column, at) => {
    const tone = selected ? 'selected' : (column.tone?.(item) ?? 'plain');
    const text = marked && at === 0 ? `* ${column.text(item)}` : column.text(item);
    const short = column.keepsEnd ? cutMiddle(clean(text), column.width, mark) : clean(text);
    return cell(fitText(short, column.width, column.align, mark), tone);
  });
  return join(cells, selected ? 'selected' : 'plain');
}

function join(cells: readonly Cell[], tone: Tone = 'plain'): Row {
  return cells.flatMap((each, at) => (at === 0 ? [each] : [cell(' '.repeat(GAP), tone), each]));
}

export interface Listing<T> {
  columns: readonly TableColumn<T>[];
  items: readonly T[];
  idOf(item: T): string;
  /** Sticks to the id, not to the row; undefined draws no selection. */
  selectedId: string | undefined;
  /** Ids that stand out with an asterisk. */
  marked?: readonly string[];
  width: number;
  height: number;
  /** Said when there is nothing to list. */
  empty: string;
  mark: string;
}

/** Header, as many items as fit with the selected one in sight, and how many more there are. */
export function listRows<T>(listing: Listing<T>): Row[] {
  const { items, width, height } = listing;
  if (height <= 0) return [];
  if (items.length === 0) return wrapRow([cell(listing.empty, 'dim')], width);
  const columns = fittingColumns(listing.columns, width);
  const rows: Row[] = height > 1 ? [headerRow(columns)] : [];
  const room = height - rows.length;
  const fits = items.length <= room;
  const visible = fits ? room : Math.max(1, room - 1);
  const index = items.findIndex((item) => listing.idOf(item) === listing.selectedId);
  const first = windowStart(index, items.length, visible);
  for (const item of items.slice(first, first + visible)) {
    const id = listing.idOf(item);
    const marked = listing.marked?.includes(id) ?? false;
    rows.push(itemRow(columns, item, id === listing.selectedId, listing.mark, marked));
  }
  if (!fits && room > 1) {
    const below = items.length - first - visible;
    const parts = [first > 0 ? `${first} above` : '', below > 0 ? `${below} more` : ''].filter(
      (part) => part !== '',
    );
    rows.push([cell(`${listing.mark} ${parts.join(', ')}`, 'dim')]);
  }
  return rows;
}

/** First visible item so that `index` is in sight; the same index always gives the same window. */
export function windowStart(index: number, count: number, visible: number): number {
  if (index < visible || count <= visible) return 0;
  return Math.min(index - Math.floor(visible / 2), count - visible);
}
