/** The catalog on SQLite: one file, one connection, every change one transaction that is durable when it returns. */
import type { DatabaseSync } from 'node:sqlite';
import { DatameshError } from '../../errors.ts';
import type { Clock } from '../effects/clock.ts';
import type { Row, SqlValue } from '../effects/sqlite-file.ts';
import { openSqlite, sqliteCalls } from '../effects/sqlite-file.ts';
import type { ListPage, ListQuery } from '../engine.ts';
import { ftsQuestion, MAX_WORDS, wordsOf } from '../search/words.ts';
import type { OwnerId } from '../types.ts';
import type { Catalog, CatalogTotals, CommitOptions, NewEntry } from './catalog.ts';
import {
  type CatalogParts,
  COLUMNS,
  commitEntry,
  FROM,
  headRow,
  PAGE_COLUMNS,
  versionRow,
} from './entry-rows.ts';
import { historyCalls } from './history.ts';
import { afterPrefix, FEW_ROWS, nameBytes, pageOf, pageQuery, writeCursor } from './list-query.ts';
import { mirrorBook } from './mirror/sqlite-book.ts';
import { NO_STAMP, nextStamp, type Stamp } from './mirror/stamp.ts';
import { readPending, removePending } from './order-rows.ts';
import { insertPool, readPools, readPoolTotals, readTotals, replacePool } from './pool-rows.ts';
import { ambiguous, entryOf, MAX_CANDIDATES, textOf, viewOf } from './rows.ts';
import { migrate } from './schema.ts';
import { searchRows } from './search-rows.ts';
import { shareRows } from './share-rows.ts';

/** A shorter id prefix says too little to mean it. */
const MIN_ID_DIGITS = 4;
/** Looked through for a part of a name within a millisecond or two. */
const SCANNED_NAMES = 5_000;
/** Entries of a census read at a time. */
const CURRENT_ROWS = 256;

/**
 * Opens or makes the catalog at `path` (`:memory:` for one that is gone on close). Throws `format-too-new`,
 * `malformed-data`, `file-denied`, `lock-held`.
 */
export function openCatalog(path: string, clock: Clock): Catalog {
  return openSqlite(path, (db) => {
    migrate(db, path, clock);
    return catalogOn(db, path, clock);
  });
}

function catalogOn(db: DatabaseSync, path: string, clock: Clock): Catalog {
  const owners = new Map<OwnerId, number>();
  /** Last stamps, by owner's row. */
  const stamps = new Map<number, Stamp>();

  /** Owners whose last stamp is not in the file yet. */
  const unwritten = new Set<number>();

  const calls = sqliteCalls(db, path, () => {
    owners.clear();
    stamps.clear();
    unwritten.clear();
  });
  const { get, all, run, guarded } = calls;
  /** Stamps of all its changes are written with the last one, once. */
  const transaction = <T>(task: () => T): T =>
    calls.transaction(() => {
      const result = task();
      for (const owner of unwritten) {
        run(
          `INSERT INTO mirror_state (owner, stamp, sequence, written_at_ms) VALUES (?1, ?2, 0, 0)
           ON CONFLICT (owner) DO UPDATE SET stamp = ?2`,
          owner,
          stamps.get(owner)!,
        );
      }
      unwritten.clear();
      return result;
    });

  const ownerRow = (owner: OwnerId): number | undefined => {
    const known =
      owners.get(owner) ?? (get('SELECT id FROM owners WHERE owner = ?', owner)?.id as number | undefined);
    if (known !== undefined) owners.set(owner, known);
    return known;
  };
  const ownerRowMade = (owner: OwnerId): number =>
    ownerRow(owner) ?? Number(run('INSERT INTO owners (owner) VALUES (?)', owner).lastInsertRowid);

  /** Of a change made now; within a transaction. `seen`: a stamp that came from elsewhere. */
  const stamp = (owner: number, seen: Stamp = NO_STAMP): Stamp => {
    const last =
      stamps.get(owner) ??
      (get('SELECT stamp FROM mirror_state WHERE owner = ?', owner)?.stamp as Stamp | undefined) ??
      NO_STAMP;
    const next = nextStamp(seen > last ? seen : last, clock.now());
    stamps.set(owner, next);
    unwritten.add(owner);
    return next;
  };

  let arrivals = 0;
  const arrived = () => {
    arrivals++;
  };
  const parts: CatalogParts = { get, all, run, transaction, guarded, ownerRow, ownerRowMade, stamp, arrived };
  const commitOne = (entry: NewEntry, options: CommitOptions) =>
    commitEntry(parts, entry, options, clock.now());

  return {
    commit: (entry, options = {}) => transaction(() => commitOne(entry, options)),

    commitAll: (batch) =>
      transaction(() =>
        batch.map(({ entry, options }) => {
          try {
            return { committed: commitOne(entry, options) };
          } catch (error) {
            if (error instanceof DatameshError) return { refused: error };
            throw error;
          }
        }),
      ),

    find: (owner, name, version) =>
      guarded(() => {
        const row = ownerRow(owner);
        if (row === undefined || !name.isWellFormed()) return undefined;
        const bytes = nameBytes(name);
        const found =
          version === undefined
            ? headRow(parts, row, bytes, 'current')
            : versionRow(parts, row, bytes, version);
        return found && entryOf(found);
      }),

    findById: (owner, prefix) =>
      guarded(() => {
        const digits = prefix.toLowerCase();
        const row = ownerRow(owner);
        if (row === undefined || digits.length < MIN_ID_DIGITS || !/^[0-9a-f]{1,64}$/.test(digits))
          return undefined;
        const hits = all(
          // `+` keeps the planner on the index of object ids. Of several entries with one object, the current or newest, looked for once an object.
          `SELECT ${COLUMNS} ${FROM} WHERE e.id IN (SELECT (SELECT t.id FROM entries t WHERE t.object_id = u.object_id AND +t.owner = ?1
               ORDER BY t.current DESC, t.version DESC, t.id DESC LIMIT 1)
             FROM (SELECT DISTINCT object_id FROM entries WHERE +owner = ?1 AND object_id >= ?2 AND object_id < ?2 || 'g'
               ORDER BY object_id LIMIT ?3) u)
           ORDER BY e.object_id`,
          row,
          digits,
          MAX_CANDIDATES + 1,
        ).map(entryOf);
        if (hits.length > 1) throw ambiguous(prefix, hits);
        return hits[0];
      }),

    list: (owner, query: ListQuery): ListPage =>
      guarded(() => {
        const row = ownerRow(owner);
        if (row === undefined) return { objects: [], cursor: undefined };
        const few = (sql: string, ...values: SqlValue[]) =>
          all(`${sql} LIMIT ?`, ...values, FEW_ROWS + 1).length <= FEW_ROWS;
        const page = pageQuery(PAGE_COLUMNS, row, query, few);
        const { shown, last } = pageOf(page, all(page.sql, ...page.values));
        const key =
          page.sort === 'size' ? 'size_bytes' : page.sort === 'created' ? 'created_at_ms' : undefined;
        return {
          objects: shown.map(viewOf),
          cursor:
            last &&
            writeCursor({
              sort: page.sort,
              key: key === undefined ? 0 : (last[key] as number),
              name: last.name as Uint8Array,
            }),
        };
      }),

    *current(owner, pool) {
      const row = guarded(() => ownerRow(owner));
      if (row === undefined) return;
      const newest = guarded(() => get('SELECT max(id) AS id FROM entries'))!.id as number | null;
      // `+` keeps the planner on the index of object ids. Only whether there is another name is asked: to look for the least takes a walk through all of them for each.
      const sql = `SELECT ${COLUMNS}, EXISTS (SELECT 1 FROM entries o WHERE o.object_id = e.object_id AND o.id <> e.id AND +o.owner = ?1 AND o.current = 1) AS shared
        ${FROM} WHERE e.owner = ?1 AND e.current = 1 AND e.name > ?2 AND e.id <= ?3 ${pool === undefined ? '' : 'AND e.pool = ?4'} ORDER BY e.name LIMIT ${CURRENT_ROWS}`;
      const told = new Set<unknown>();
      const isNew = ({ object_id: id, shared }: Row) => shared === 0 || (!told.has(id) && told.add(id));
      let after: Uint8Array = new Uint8Array(0);
      for (;;) {
        const rows = guarded(() => all(sql, row, after, newest, ...(pool === undefined ? [] : [pool])));
        yield* guarded(() => rows.filter(isNew).map(entryOf));
        if (rows.length < CURRENT_ROWS) return;
        after = rows.at(-1)!.name as Uint8Array;
      }
    },

    versions: (owner, after, limit) =>
      guarded(() => {
        const rows = all(
          // `+` keeps the planner on the row ids: by owner it would sort all that are left for each page.
          `SELECT ${COLUMNS} ${FROM} WHERE +e.owner = ? AND e.id > ? ORDER BY e.id LIMIT ?`,
          ownerRow(owner) ?? -1,
          after,
          limit,
        );
        const last = rows.length < limit ? undefined : (rows.at(-1)!.id as number);
        return { entries: rows.map(entryOf), after: last };
      }),

    ...historyCalls(parts, () => clock.now()),
    ...searchRows(parts),
    ...shareRows(parts),

    references: (objectId) =>
      guarded(
        () => get('SELECT count(*) AS uses FROM entries WHERE object_id = ?', objectId)!.uses as number,
      ),

    totals: (owner): CatalogTotals => guarded(() => readTotals(all, ownerRow(owner))),
    poolTotals: (owner) => guarded(() => readPoolTotals(all, ownerRow(owner))),

    namesLike: (owner, name, limit) =>
      guarded(() => {
        const row = ownerRow(owner);
        const wanted = name.toWellFormed();
        if (row === undefined || wanted === '' || limit < 1) return [];
        const found = new Set<string>();
        const collect = (condition: string, ...values: SqlValue[]) => {
          if (found.size >= limit) return;
          const rows = all(
            `SELECT e.name FROM entries e WHERE e.owner = ? AND e.current = 1 AND ${condition} ORDER BY e.name LIMIT ?`,
            row,
            ...values,
            limit,
          );
          for (const it of rows) if (found.size < limit) found.add(textOf(it.name));
        };
        const byPrefix = (prefix: string) => {
          const bytes = nameBytes(prefix);
          collect('e.name >= ? AND e.name < ?', bytes, afterPrefix(bytes));
        };
        byPrefix(wanted);
        const words = wordsOf(wanted).slice(0, MAX_WORDS);
        // A scan of all names is for small catalogs; the index of words finds parts of names in one of any size.
        if (readTotals(all, row).objects <= SCANNED_NAMES)
          collect('instr(lower(CAST(e.name AS TEXT)), lower(?)) > 0', wanted);
        else if (words.length > 0 && found.size < limit) {
          const rows = all(
            `SELECT e.name FROM words w CROSS JOIN entries e ON e.id = w.rowid WHERE words MATCH ? AND e.owner = ? AND e.current = 1
             ORDER BY w.rowid DESC LIMIT ?`,
            ftsQuestion(words),
            row,
            limit - found.size,
          );
          for (const it of rows) found.add(textOf(it.name));
        }
        // A typing error in the second half leaves the first half; one in the first half leaves the first letter at best.
        const letters = [...wanted];
        for (const share of [letters.length >> 1, 1])
          if (share > 0) byPrefix(letters.slice(0, share).join(''));
        return [...found];
      }),

    pendingOrders: (owner, after, limit) =>
      guarded(() => readPending(all, ownerRow(owner) ?? -1, after, limit)),
    orderConfirmed(owner, orders) {
      if (orders.length > 0) transaction(() => removePending(run, ownerRow(owner) ?? -1, orders));
    },

    pools: (owner) => guarded(() => readPools(all, ownerRow(owner))),
    createPool(owner, pool) {
      transaction(() => {
        const row = ownerRowMade(owner);
        insertPool(run, row, pool, stamp(row));
      });
    },
    updatePool(owner, pool) {
      transaction(() => {
        const row = ownerRowMade(owner);
        replacePool(run, row, pool, stamp(row));
      });
    },

    get arrivals() {
      return arrivals;
    },
    mirror: mirrorBook(parts),

    close() {
      if (db.isOpen) db.close();
    },
  };
}
