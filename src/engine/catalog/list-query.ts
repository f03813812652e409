/**
 * Listing by keyset: a page goes on after the last row of the one before (its sort key and name), so that objects which
 * come or go in between neither repeat nor hide others.
 */
import { DatameshError } from '../../errors.ts';
import type { Row, SqlValue } from '../effects/sqlite-file.ts';
import type { ListQuery } from '../engine.ts';
import { isReservedName, RESERVED_PREFIX } from './reserved-names.ts';

/** A page holds this many objects unless told, and never more than the second: one page stays a few megabytes. */
export const PAGE_OBJECTS = 1000;
const MAX_PAGE_OBJECTS = 10_000;

const SORT_COLUMNS = { name: undefined, size: 'size_bytes', created: 'created_at_ms' } as const;

interface Position {
  sort: keyof typeof SORT_COLUMNS;
  /** Value of the sort column; 0 when sorted by name. */
  key: number;
  name: Uint8Array;
}

export interface PageQuery {
  sql: string;
  values: SqlValue[];
  /** Objects of the page. */
  limit: number;
  /** Rows that the statement gives at most: one more than `limit`, or, where rows are sifted afterwards, as many as one call looks at. */
  rows: number;
  sort: keyof typeof SORT_COLUMNS;
  /** Which of the rows belong to the listing; undefined: all. */
  sift: ((row: Row) => boolean) | undefined;
}

/** A filter that lets no more than this through is asked first, and what it gives is sorted. */
export const FEW_ROWS = 700;
/** Else the order leads, and a call looks at so many rows: some milliseconds. */
const SIFTED_ROWS = 300;

/**
 * The statement for one page. `owner`: row id of the owner. `few(sql, values)`: whether the statement gives at most FEW_ROWS rows. No order leads to every tag and prefix, so where
 * they let many through, a call looks at SIFTED_ROWS rows in order and may give a page that is not full: that costs some milliseconds in a catalog of any size.
 */
export function pageQuery(
  columns: string,
  owner: number,
  query: ListQuery,
  few: (sql: string, ...values: SqlValue[]) => boolean,
): PageQuery {
  const sort = query.sort ?? 'name';
  if (!Object.hasOwn(SORT_COLUMNS, sort))
    throw new DatameshError('bad-value', { what: `cannot sort by "${sort}"` });
  if (query.sinceMs !== undefined && sort !== 'created') {
    throw new DatameshError('bad-value', {
      what: 'objects since a time are listed by the time they were stored',
      mend: 'sort by created, or use a search',
    });
  }
  const limit = Math.min(Math.max(1, Math.floor(query.limit ?? PAGE_OBJECTS)), MAX_PAGE_OBJECTS);
  const column = SORT_COLUMNS[sort];
  const [direction, beyond] = query.reverse ? ['DESC', '<'] : ['ASC', '>'];
  const shown = query.deleted ? 'e.deleted = 1' : 'e.current = 1';
  const where = ['e.owner = ?', shown];
  const values: SqlValue[] = [owner];
  const add = (condition: string, ...given: SqlValue[]) => {
    where.push(condition);
    values.push(...given);
  };
  let from = 'entries e';
  const sifts: ((row: Row) => boolean)[] = [];
  let sorted = false;
  if (query.prefix !== undefined && query.prefix !== '') {
    const prefix = nameBytes(query.prefix.toWellFormed());
    const range = [prefix, afterPrefix(prefix)] as const;
    sorted =
      column !== undefined &&
      few(
        `SELECT 1 FROM entries e WHERE e.owner = ? AND ${shown} AND e.name >= ? AND e.name < ?`,
        owner,
        ...range,
      );
    if (column === undefined || sorted) add('e.name >= ? AND e.name < ?', ...range);
    else
      sifts.push((row) => Buffer.compare((row.name as Uint8Array).subarray(0, prefix.length), prefix) === 0);
  }
  if (!isReservedName(query.prefix ?? '')) {
    const reserved = nameBytes(RESERVED_PREFIX);
    add('NOT (e.name >= ? AND e.name < ?)', reserved, afterPrefix(reserved));
  }
  if (query.tag !== undefined) {
    const { tag } = query;
    if (sorted) add('EXISTS (SELECT 1 FROM tags t WHERE t.tag = ? AND t.entry = e.id)', tag);
    else if (few('SELECT 1 FROM tags t WHERE t.tag = ?', tag)) {
      sorted = true;
      from = 'tags t CROSS JOIN entries e ON e.id = t.entry';
      add('t.tag = ?', tag);
    } else sifts.push((row) => (JSON.parse(row.tags as string) as string[]).includes(tag));
  }
  if (query.sinceMs !== undefined) add('e.created_at_ms >= ?', Math.floor(query.sinceMs));
  if (query.cursor !== undefined) {
    const position = readCursor(query.cursor, sort);
    if (column === undefined) add(`e.name ${beyond} ?`, position.name);
    else add(`(e.${column}, e.name) ${beyond} (?, ?)`, position.key, position.name);
  }
  // The plus keeps the planner from walking in order what was found by its prefix or tag.
  const plus = sorted ? '+' : '';
  const order =
    column === undefined
      ? `${plus}e.name ${direction}`
      : `${plus}e.${column} ${direction}, ${plus}e.name ${direction}`;
  const rows = sifts.length === 0 ? limit + 1 : SIFTED_ROWS;
  const sql = `SELECT ${columns} FROM ${from} WHERE ${where.join(' AND ')} ORDER BY ${order} LIMIT ?`;
  values.push(rows);
  const sift = sifts.length === 0 ? undefined : (row: Row) => sifts.every((one) => one(row));
  return { sql, values, limit, rows, sort, sift };
}

/** The page that the rows make, and the row after which the next one goes on. */
export function pageOf(
  { limit, rows: most, sift }: PageQuery,
  rows: readonly Row[],
): { shown: Row[]; last: Row | undefined } {
  if (sift === undefined)
    return { shown: rows.slice(0, limit), last: rows.length > limit ? rows[limit - 1] : undefined };
  const shown: Row[] = [];
  for (const row of rows) {
    if (!sift(row)) continue;
    shown.push(row);
    if (shown.length === limit)
      return { shown, last: row === rows.at(-1) && rows.length < most ? undefined : row };
  }
  return { shown, last: rows.length === most ? rows.at(-1) : undefined };
}

/** Opaque to callers: base64url of sort letter, key and the name's bytes. */
export function writeCursor(position: Position): string {
  const head = `${position.sort[0]}${position.key.toString(36)}:`;
  return Buffer.concat([Buffer.from(head, 'latin1'), position.name]).toString('base64url');
}

function readCursor(cursor: string, sort: Position['sort']): Position {
  const bytes = Buffer.from(cursor, 'base64url');
  const colon = bytes.indexOf(':');
  const head = /^([nsc])([0-9a-z]+)$/.exec(bytes.toString('latin1', 0, Math.max(0, colon)));
  if (!head || head[1] !== sort[0]) {
    throw new DatameshError('bad-value', {
      what: 'this cursor does not belong to this listing',
      mend: 'start again without a cursor and keep the sort order from page to page',
    });
  }
  return { sort, key: Number.parseInt(head[2]!, 36), name: new Uint8Array(bytes.subarray(colon + 1)) };
}

export function nameBytes(name: string): Uint8Array {
  return new TextEncoder().encode(name);
}

/** The first byte string after all that begin with `prefix`. UTF-8 has no byte 0xff, so the last one can be raised. */
export function afterPrefix(prefix: Uint8Array): Uint8Array {
  const next = prefix.slice();
  next[next.length - 1]! += 1;
  return next;
}
