/**
 * Filters of the command language: `peers | where rttMs > 100 | sort -r sentBytes | head 5`. They work on records, not
 * on text, so the rows are the same in a table and in JSON.
 */
import type { OutputRecord } from '../commands/command.ts';
import { suggest } from '../config/suggest.ts';
import { parseSize } from '../config/units.ts';
import type { Diagnostic, Span } from './types.ts';
import { parseDuration, parseMoment } from './units.ts';

export type Comparison = '=' | '!=' | '<' | '<=' | '>' | '>=' | '~';

export type Filter =
  | { kind: 'grep'; pattern: RegExp; invert: boolean }
  | { kind: 'head'; count: number }
  | { kind: 'tail'; count: number }
  | { kind: 'sort'; column: string; reverse: boolean }
  | { kind: 'cols'; columns: string[] }
  | { kind: 'where'; column: string; comparison: Comparison; value: string }
  | { kind: 'count' }
  | { kind: 'json' };

export const FILTER_NAMES = ['grep', 'head', 'tail', 'sort', 'cols', 'where', 'count', 'json'] as const;

const USAGE: Record<string, string> = {
  grep: 'grep [-i] [-v] PATTERN',
  head: 'head N',
  tail: 'tail N',
  sort: 'sort COLUMN [-r]',
  cols: 'cols A,B',
  where: 'where COLUMN = | != | < | <= | > | >= | ~ VALUE',
  count: 'count',
  json: 'json',
};

const COMPARISONS: readonly string[] = ['=', '==', '!=', '<', '<=', '>', '>=', '~'];

export interface FilterWord {
  text: string;
  span: Span;
}

/** The filter that `words` spell, or what is wrong with them. `words` is not empty. */
export function parseFilter(words: readonly FilterWord[]): { filter: Filter } | { diagnostic: Diagnostic } {
  const [head, ...rest] = words as [FilterWord, ...FilterWord[]];
  // Not what every object has: somebody may write `| constructor`.
  const usage = Object.hasOwn(USAGE, head.text) ? USAGE[head.text] : undefined;
  const fail = (message: string, at: FilterWord = head, suggestions: string[] = []) => ({
    diagnostic: {
      code:
        suggestions.length > 0 || usage === undefined ? ('unknown-command' as const) : ('bad-value' as const),
      message,
      suggestions,
      mend: usage === undefined ? `filters are ${FILTER_NAMES.join(', ')}` : `write: ${usage}`,
      span: at.span,
    },
  });
  const flags = new Set(rest.filter((word) => /^-[a-z]$/.test(word.text)).map((word) => word.text));
  const plain = rest.filter((word) => !flags.has(word.text));
  const first = plain[0];
  switch (head.text) {
    case 'grep': {
      if (first === undefined || plain.length > 1) return fail('grep takes one pattern', plain[1]);
      try {
        return {
          filter: {
            kind: 'grep',
            pattern: new RegExp(first.text, flags.has('-i') ? 'iu' : 'u'),
            invert: flags.has('-v'),
          },
        };
      } catch {
        return fail(`'${first.text}' is no regular expression`, first);
      }
    }
    case 'head':
    case 'tail': {
      const text = plain.length === 0 ? '10' : plain.length === 1 ? (first?.text ?? '') : '';
      if (!/^\d{1,9}$/.test(text)) return fail(`${head.text} takes one number`, first);
      return { filter: { kind: head.text, count: Number(text) } };
    }
    case 'sort':
      if (first === undefined || plain.length > 1) return fail('sort takes one column', plain[1]);
      return { filter: { kind: 'sort', column: first.text, reverse: flags.has('-r') } };
    case 'cols': {
      const columns = plain.flatMap((word) => word.text.split(',')).filter((name) => name !== '');
      return columns.length === 0 ? fail('cols takes column names') : { filter: { kind: 'cols', columns } };
    }
    case 'where':
      return parseWhere(rest, fail);
    case 'count':
    case 'json':
      return rest[0] === undefined
        ? { filter: { kind: head.text } }
        : fail(`${head.text} takes nothing`, rest[0]);
    default:
      return fail(`unknown filter '${head.text}'`, head, suggest(head.text, FILTER_NAMES));
  }
}

function parseWhere(
  rest: readonly FilterWord[],
  fail: (message: string, at?: FilterWord) => { diagnostic: Diagnostic },
): { filter: Filter } | { diagnostic: Diagnostic } {
  // `where rtt>100` in one word is as good as with spaces.
  const match = /^\s*([\w.]+)\s*(==|!=|<=|>=|=|<|>|~)\s*([\s\S]*)$/u.exec(
    rest.map((word) => word.text).join(' '),
  );
  const [, column, comparison, value] = match ?? [];
  if (
    column === undefined ||
    comparison === undefined ||
    value === undefined ||
    !COMPARISONS.includes(comparison)
  ) {
    return fail('where takes a column, a comparison and a value', rest[0]);
  }
  if (comparison === '~') {
    try {
      new RegExp(value, 'u');
    } catch {
      return fail(`'${value}' is no regular expression`, rest.at(-1));
    }
  }
  return {
    filter: {
      kind: 'where',
      column,
      comparison: (comparison === '==' ? '=' : comparison) as Comparison,
      value,
    },
  };
}

/** Field of a record; `code.k` reaches into one. */
function field(record: OutputRecord, column: string): unknown {
  if (Object.hasOwn(record, column)) return record[column];
  let value: unknown = record;
  for (const key of column.split('.')) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/** Numbers by size, texts by code unit, what is missing last. */
function compareValues(a: unknown, b: unknown): number {
  if (a === undefined || a === null) return b === undefined || b === null ? 0 : 1;
  if (b === undefined || b === null) return -1;
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const left = String(a);
  const right = String(b);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** A number as people write it beside a field: itself, a size in bytes, a duration in milliseconds, a date as milliseconds since 1970. */
export function numberFrom(text: string): number | undefined {
  const plain = text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isNaN(plain)) return plain;
  return parseSize(text) ?? parseDuration(text) ?? parseMoment(text);
}

function holds(actual: unknown, comparison: Comparison, text: string): boolean {
  if (comparison === '~') return new RegExp(text, 'u').test(asText(actual));
  if (actual === undefined || actual === null) return comparison === '!=';
  let order: number;
  if (typeof actual === 'number') {
    const number = numberFrom(text);
    if (number === undefined) return comparison === '!=';
    order = actual - number;
  } else {
    order = compareValues(asText(actual), text);
  }
  switch (comparison) {
    case '=':
      return order === 0;
    case '!=':
      return order !== 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}

function asText(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Applies `filters` in order. `json` changes only how rows are shown: see `wantsJson`. */
export function applyFilters(records: readonly OutputRecord[], filters: readonly Filter[]): OutputRecord[] {
  let rows = [...records];
  for (const filter of filters) {
    switch (filter.kind) {
      case 'grep':
        rows = rows.filter(
          (row) => Object.values(row).some((value) => filter.pattern.test(asText(value))) !== filter.invert,
        );
        break;
      case 'head':
        rows = rows.slice(0, filter.count);
        break;
      case 'tail':
        rows = filter.count === 0 ? [] : rows.slice(-filter.count);
        break;
      case 'sort': {
        const sign = filter.reverse ? -1 : 1;
        rows = rows
          .map((row, index) => ({ row, index }))
          .sort(
            (a, b) =>
              sign * compareValues(field(a.row, filter.column), field(b.row, filter.column)) ||
              a.index - b.index,
          )
          .map(({ row }) => row);
        break;
      }
      case 'cols':
        rows = rows.map((row) =>
          Object.fromEntries(filter.columns.map((column) => [column, field(row, column)])),
        );
        break;
      case 'where':
        rows = rows.filter((row) => holds(field(row, filter.column), filter.comparison, filter.value));
        break;
      case 'count':
        rows = [{ count: rows.length }];
        break;
      case 'json':
        break;
    }
  }
  return rows;
}

export function wantsJson(filters: readonly Filter[]): boolean {
  return filters.some((filter) => filter.kind === 'json');
}

/** Columns that the rows have after the filters; undefined when they are still the command's own. */
export function filteredColumns(filters: readonly Filter[]): string[] | undefined {
  let columns: string[] | undefined;
  for (const filter of filters) {
    if (filter.kind === 'cols') columns = filter.columns;
    if (filter.kind === 'count') columns = ['count'];
  }
  return columns;
}
