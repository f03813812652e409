/**
 * Listing by keyset: a page goes on after the last row of the one before (its sort key and name), so that objects which
 * come or go in between neither repeat nor hide others.
 */
import { DatameshError } from '../../errors.ts';
import type { ListQuery } from '../engine.ts';
import { isReservedName, RESERVED_PREFIX } from './reserved-names.ts';

export type SqlValue = string | number | Uint8Array | null;

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
  limit: number;
  sort: keyof typeof SORT_COLUMNS;
}

/** The statement for one page, with one row more than asked to see whether another follows. `owner`: row id of the owner. */
export function pageQuery(columns: string, owner: number, query: ListQuery): PageQuery {
  const sort = query.sort ?? 'name';
  if (!Object.hasOwn(SORT_COLUMNS, sort))
    throw new DatameshError('bad-value', { what: `cannot sort by "${sort}"` });
  const limit = Math.min(Math.max(1, Math.floor(query.limit ?? PAGE_OBJECTS)), MAX_PAGE_OBJECTS);
  const column = SORT_COLUMNS[sort];
  const [direction, beyond] = query.reverse ? ['DESC', '<'] : ['ASC', '>'];
  const where = ['e.owner = ?', query.deleted ? 'e.deleted = 1' : 'e.current = 1'];
  const values: SqlValue[] = [owner];
  if (query.prefix !== undefined && query.prefix !== '') {
    const prefix = nameBytes(query.prefix.toWellFormed());
    where.push('e.name >= ?', 'e.name < ?');
    values.push(prefix, afterPrefix(prefix));
  }
  if (!isReservedName(query.prefix ?? '')) {
    where.push('NOT (e.name >= ? AND e.name < ?)');
    values.push(nameBytes(RESERVED_PREFIX), afterPrefix(nameBytes(RESERVED_PREFIX)));
  }
  if (query.tag !== undefined) {
    where.push('EXISTS (SELECT 1 FROM tags t WHERE t.tag = ? AND t.entry = e.id)');
    values.push(query.tag);
  }
  if (query.cursor !== undefined) {
    const position = readCursor(query.cursor, sort);
    if (column === undefined) {
      where.push(`e.name ${beyond} ?`);
      values.push(position.name);
    } else {
      where.push(`(e.${column}, e.name) ${beyond} (?, ?)`);
      values.push(position.key, position.name);
    }
  }
  const order =
    column === undefined ? `e.name ${direction}` : `e.${column} ${direction}, e.name ${direction}`;
  const sql = `SELECT ${columns} FROM entries e WHERE ${where.join(' AND ')} ORDER BY ${order} LIMIT ?`;
  values.push(limit + 1);
  return { sql, values, limit, sort };
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
