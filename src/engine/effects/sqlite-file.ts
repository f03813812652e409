/** A SQLite file of the engine: opened one way, and asked by statements that are prepared once. */
import { existsSync, statSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { DatameshError } from '../../errors.ts';
import { LOOK, sqliteError } from './sqlite-errors.ts';

export type SqlValue = string | number | Uint8Array | null;

export type Row = Record<string, unknown>;

/** Another process holds the file for no longer than a checkpoint; after this something is wrong. */
const BUSY_TIMEOUT_MS = 5000;
/** Of pages that SQLite keeps, for each file; its own default is twice as much. What that costs: docs/decisions/host-memory.md. */
const CACHE_KIB = 1000;

/** Opens or makes the file (`:memory:` for none) and hands it on; closed when that fails. Throws `file-denied`, `lock-held`, `malformed-data` and what `ready` throws. */
export function openSqlite<T>(path: string, ready: (db: DatabaseSync) => T): T {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { enableForeignKeyConstraints: true, timeout: BUSY_TIMEOUT_MS });
    // WAL with FULL: the log is synced at every commit, so a returned commit survives a power cut.
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;');
    db.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
    return ready(db);
  } catch (error) {
    db?.close();
    throw sqliteError(error, path);
  }
}

/**
 * Reads a file that a node may or may not have open, and leaves nothing behind: `look`, then whether its pages make sense, and its indexes fit its tables: SQLite keeps no checksums, and a damaged index
 * answers wrongly without a word. Bytes that changed within a value of no index do not show. Files larger than `maxBytes` are not read to their end. Throws `file-denied`, `lock-held`, `malformed-data` and
 * what `look` throws.
 */
export function examineSqlite(path: string, maxBytes: number, look: (db: DatabaseSync) => void): void {
  let db: DatabaseSync | undefined;
  try {
    db = openToRead(path);
    look(db);
    if (statSync(path).size > maxBytes) return;
    const found = db.prepare('PRAGMA integrity_check(1)').get()?.integrity_check;
    if (found === 'ok') return;
    throw new DatameshError('malformed-data', {
      what: `the database is damaged (${path})`,
      why: String(found).replace(/\s+/g, ' '),
      mend: LOOK,
    });
  } catch (error) {
    throw sqliteError(error, path);
  } finally {
    db?.close();
  }
}

/** Without a log beside it nobody has the file open: taken for immutable, or SQLite would make a log even for a reader, and leave it there. Node.js before 22.15 takes no URL. */
function openToRead(path: string): DatabaseSync {
  const options = { readOnly: true, timeout: BUSY_TIMEOUT_MS };
  if (!existsSync(`${path}-wal`)) {
    const url = pathToFileURL(path);
    url.searchParams.set('immutable', '1');
    try {
      return new DatabaseSync(url, options);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_INVALID_ARG_TYPE') throw error;
    }
  }
  return new DatabaseSync(path, options);
}

/** @param undone called when a transaction was rolled back: what was remembered of it is forgotten */
export function sqliteCalls(db: DatabaseSync, path: string, undone: () => void) {
  const statements = new Map<string, StatementSync>();
  const prepared = (sql: string): StatementSync => {
    let statement = statements.get(sql);
    if (statement === undefined) {
      statement = db.prepare(sql);
      statements.set(sql, statement);
    }
    return statement;
  };
  const guarded = <T>(task: () => T): T => {
    try {
      return task();
    } catch (error) {
      throw sqliteError(error, path);
    }
  };
  return {
    get: (sql: string, ...values: SqlValue[]): Row | undefined => prepared(sql).get(...values),
    all: (sql: string, ...values: SqlValue[]): Row[] => prepared(sql).all(...values),
    run(sql: string, ...values: SqlValue[]) {
      if (db.isTransaction) return prepared(sql).run(...values);
      try {
        return prepared(sql).run(...values);
      } catch (error) {
        coverRefused(db);
        throw error;
      }
    },
    guarded,
    transaction: <T>(task: () => T): T =>
      guarded(() => {
        db.exec('BEGIN IMMEDIATE');
        let isWritten = false;
        try {
          const result = task();
          isWritten = true;
          db.exec('COMMIT');
          return result;
        } catch (error) {
          // A failed COMMIT may have rolled back already; the first error is the one to tell.
          if (db.isTransaction) db.exec('ROLLBACK');
          if (isWritten) coverRefused(db);
          undone();
          throw error;
        }
      }),
  };
}

/**
 * A commit whose sync failed lies whole in the log, and would be taken for one by whoever opens the file after a kill: a put that was told to have failed, and whose shards were released,
 * would be there. The next commit is written over it, and this is one that changes nothing; should its sync fail too, it lies there all the same.
 */
function coverRefused(db: DatabaseSync): void {
  try {
    const version = Number(db.prepare('PRAGMA user_version').get()?.user_version);
    db.exec(`PRAGMA user_version = ${version}`);
  } catch {
    // The first error is the one to tell.
  }
}
