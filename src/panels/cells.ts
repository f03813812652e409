/** Rows of text cells with a tone: what every panel is made of. Widths are terminal columns. */
import { safeText } from '../commands/format/safe-text.ts';
import { textWidth } from '../commands/format/text-width.ts';
import { rememberingTexts } from './remember.ts';

/** What a cell means; the theme says how that looks. Meaning never hangs on colour alone: a glyph or word goes with it. */
export type Tone = 'plain' | 'dim' | 'title' | 'accent' | 'ok' | 'warn' | 'bad' | 'up' | 'down' | 'selected';

export interface Cell {
  text: string;
  tone: Tone;
}

export type Row = readonly Cell[];

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
const PRINTABLE_ASCII = /^[ -~]*$/;
/** Code units that a column may have: letters carry marks. */
const MAX_UNITS = 16;

/** A frame has some hundred texts with more than ASCII in them, nearly all of which the frame before had; a text longer than any row is none of them. */
const MAX_REMEMBERED = 1_024;
const foreignWidth = rememberingTexts(4_096, textWidth);

export function widthOf(text: string): number {
  if (PRINTABLE_ASCII.test(text)) return text.length;
  return text.length > MAX_REMEMBERED ? textWidth(text) : foreignWidth(text);
}

/** Names come from other machines: what would act on the terminal is written as an escape. */
export function clean(text: string): string {
  return PRINTABLE_ASCII.test(text) ? text : safeText(text);
}

export function cell(text: string, tone: Tone = 'plain'): Cell {
  return { text: clean(text), tone };
}

export function rowWidth(row: Row): number {
  return row.reduce((sum, each) => sum + widthOf(each.text), 0);
}

/** At most `columns` wide; what is cut ends in `…` (`~` for ASCII). */
export function cut(text: string, columns: number, mark = '…'): string {
  if (columns <= 0) return '';
  if (widthOf(text) <= columns) return text;
  return take(text, columns - 1) + mark;
}

/** At most `columns` wide, cut in its middle: paths differ at their ends. */
export function cutMiddle(text: string, columns: number, mark = '…'): string {
  if (widthOf(text) <= columns) return text;
  const tail = Math.floor((columns - 1) / 2);
  // Where characters have several widths, the end is found from the graphemes' own.
  const graphemes = PRINTABLE_ASCII.test(text) ? undefined : [...segmenter.segment(text)];
  let kept = graphemes === undefined ? text.slice(text.length - tail) : '';
  for (let at = (graphemes?.length ?? 0) - 1; at >= 0; at--) {
    const more = graphemes?.[at]?.segment ?? '';
    if (widthOf(more + kept) > tail) break;
    kept = more + kept;
  }
  return take(text, columns - 1 - widthOf(kept)) + mark + kept;
}

/** The longest beginning of whole graphemes that fits. */
function take(text: string, columns: number): string {
  if (PRINTABLE_ASCII.test(text)) return text.slice(0, Math.max(0, columns));
  let width = 0;
  let kept = '';
  for (const { segment } of segmenter.segment(text)) {
    width += widthOf(segment);
    if (width > columns) break;
    kept += segment;
  }
  return kept;
}

/** Exactly `columns` wide. */
export function fitText(text: string, columns: number, align: 'left' | 'right' = 'left', mark = '…'): string {
  const short = cut(text, columns, mark);
  const gap = ' '.repeat(Math.max(0, columns - widthOf(short)));
  return align === 'left' ? short + gap : gap + short;
}

/** The row made exactly `columns` wide: cut at the end or padded with blanks. */
export function fitRow(row: Row, columns: number, mark = '…'): Row {
  const out: Cell[] = [];
  let left = columns;
  for (const each of row) {
    if (left <= 0) break;
    const width = widthOf(each.text);
    const text = width <= left ? each.text : cut(each.text, left, mark);
    out.push({ ...each, text });
    left -= widthOf(text);
  }
  if (left > 0) out.push(cell(' '.repeat(left)));
  return out;
}

/** `left` at the left edge, `right` at the right one; `left` gives way. */
export function spread(left: Row, right: Row, columns: number): Row {
  const rightWidth = rowWidth(right);
  if (rightWidth >= columns) return fitRow(right, columns);
  return [...fitRow(left, columns - rightWidth), ...right];
}

/** Groups one after the other as long as a whole one fits: nothing is cut in its middle. */
export function fitGroups(groups: readonly Row[], columns: number): Row {
  const row: Cell[] = [];
  let used = 0;
  for (const group of groups) {
    const width = rowWidth(group);
    if (used + width > columns) continue;
    row.push(...group);
    used += width;
  }
  return fitRow(row, columns);
}

export function rowText(row: Row): string {
  return row.map((each) => each.text).join('');
}

/** All meaning of colour taken away, for data that is no longer live. */
export function dimmed(rows: readonly Row[]): Row[] {
  return rows.map((row) => row.map((each) => ({ ...each, tone: 'dim' as const })));
}

/** Breaks one row into rows of at most `columns`, at a blank where there is one. */
export function wrapRow(row: Row, columns: number, indent = 0): Row[] {
  if (rowWidth(row) <= columns) return [row];
  const text = rowText(row);
  const rows: Row[] = [];
  for (let start = 0; start < text.length; ) {
    const room = rows.length === 0 ? columns : Math.max(1, columns - indent);
    // What one row could hold and not the rest, which may be a file without line ends.
    const end = start + rowEnd(text.slice(start, start + room * MAX_UNITS), room);
    const part = sliceRow(row, start, end);
    rows.push(rows.length === 0 ? part : [cell(' '.repeat(indent)), ...part]);
    start = end;
    while (text[start] === ' ') start++;
  }
  return rows;
}

/** How much of `text` stands in a row of `columns`. */
function rowEnd(text: string, columns: number): number {
  let head = take(text, columns);
  if (head.length === text.length) return text.length;
  // A first cluster wider than the room must still be taken, or the loop would never end.
  if (head === '') head = segmenter.segment(text).containing(0)?.segment ?? text;
  const blank = head.lastIndexOf(' ');
  // Breaking at a blank in the first third would leave the row nearly empty.
  return text[head.length] !== ' ' && blank > head.length / 3 ? blank : head.length;
}

function sliceRow(row: Row, start: number, end: number): Row {
  const out: Cell[] = [];
  let at = 0;
  for (const each of row) {
    const text = each.text.slice(Math.max(0, start - at), Math.max(0, end - at));
    if (text !== '') out.push({ ...each, text });
    at += each.text.length;
  }
  return out;
}
