/** A SQLite file of the engine: opened one way, and asked by statements that are prepared once. */
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { sqliteError } from './sqlite-errors.ts';

export type SqlValue = string | number | Uint8Array | null;

export type Row = Record<string, unknown>;

/** Another process holds the file for no longer than a checkpoint; after this something is wrong. */
const BUSY_TIMEOUT_MS = 5000;

/** Opens or makes the file (`:memory:` for none) and hands it on; closed when that fails. Throws `file-denied`, `lock-held`, `malformed-data` and what `ready` throws. */
export function openSqlite<T>(path: string, ready: (db: DatabaseSync) => T): T {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { enableForeignKeyConstraints: true, timeout: BUSY_TIMEOUT_MS });
    // WAL with FULL: the log is synced at every commit, so a returned commit survives a power cut.
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;');
    return ready(db);
  } catch (error) {
    db?.close();
    throw sqliteError(error, path);
  }
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
    run: (sql: string, ...values: SqlValue[]) => prepared(sql).run(...values),
    guarded,
    transaction: <T>(task: () => T): T =>
      guarded(() => {
        db.exec('BEGIN IMMEDIATE');
        try {
          const result = task();
          db.exec('COMMIT');
          return result;
        } catch (error) {
          // A failed COMMIT may have rolled back already; the first error is the one to tell.
          if (db.isTransaction) db.exec('ROLLBACK');
          undone();
          throw error;
        }
      }),
  };
}
