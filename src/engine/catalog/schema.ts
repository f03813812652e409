/**
 * The catalog's tables and the steps that lead to them. A file keeps the list of steps it has gone through; a file of a
 * later datamesh is refused instead of being guessed at.
 */
import type { DatabaseSync } from 'node:sqlite';
import { DatameshError } from '../../errors.ts';
import type { Clock } from '../effects/clock.ts';

/** "DMca": marks the file as a datamesh catalog, so that another program's database is not written into. */
const APPLICATION_ID = 0x444d6361;

/**
 * One step each, never changed once released. Names are BLOBs: SQLite then compares them as the UTF-8 bytes they are,
 * a NUL inside included. `current` marks the one version that a bare name means.
 */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE owners (
    id INTEGER PRIMARY KEY,
    owner TEXT NOT NULL UNIQUE
  ) STRICT;
  CREATE TABLE names (
    owner INTEGER NOT NULL REFERENCES owners (id),
    name BLOB NOT NULL,
    last_version INTEGER NOT NULL,
    PRIMARY KEY (owner, name)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE entries (
    id INTEGER PRIMARY KEY,
    owner INTEGER NOT NULL REFERENCES owners (id),
    name BLOB NOT NULL,
    version INTEGER NOT NULL,
    current INTEGER NOT NULL CHECK (current IN (0, 1)),
    object_id TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    content_hash TEXT NOT NULL,
    mime_type TEXT NOT NULL,
    k INTEGER NOT NULL,
    m INTEGER NOT NULL,
    chunk_bytes INTEGER NOT NULL,
    stripes INTEGER NOT NULL,
    stored_bytes INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    owner_key TEXT NOT NULL,
    tags TEXT NOT NULL,
    manifest_holders TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX entries_version ON entries (owner, name, version);
  CREATE UNIQUE INDEX entries_current ON entries (owner, name) WHERE current = 1;
  CREATE INDEX entries_size ON entries (owner, size_bytes, name) WHERE current = 1;
  CREATE INDEX entries_created ON entries (owner, created_at_ms, name) WHERE current = 1;
  CREATE INDEX entries_object ON entries (object_id);
  CREATE TABLE tags (
    tag TEXT NOT NULL,
    entry INTEGER NOT NULL REFERENCES entries (id) ON DELETE CASCADE,
    PRIMARY KEY (tag, entry)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX tags_entry ON tags (entry);
  `,
  // nodes and folders are JSON: read whole, never searched.
  `
  CREATE TABLE pools (
    owner INTEGER NOT NULL REFERENCES owners (id),
    name TEXT NOT NULL,
    k INTEGER NOT NULL,
    m INTEGER NOT NULL,
    domain TEXT NOT NULL,
    compress INTEGER NOT NULL CHECK (compress IN (0, 1)),
    separate_disks INTEGER NOT NULL CHECK (separate_disks IN (0, 1)),
    nodes TEXT NOT NULL,
    folders TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    PRIMARY KEY (owner, name)
  ) STRICT, WITHOUT ROWID;
  ALTER TABLE entries ADD COLUMN pool TEXT NOT NULL DEFAULT 'default';
  `,
  // What was stored before has never been told to custodians. members and manifest_holders are JSON.
  `
  CREATE TABLE pending_orders (
    owner INTEGER NOT NULL REFERENCES owners (id),
    object_id TEXT NOT NULL,
    released INTEGER NOT NULL CHECK (released IN (0, 1)),
    sequence INTEGER NOT NULL,
    domain TEXT NOT NULL,
    members TEXT NOT NULL,
    manifest_holders TEXT NOT NULL,
    PRIMARY KEY (owner, object_id)
  ) STRICT, WITHOUT ROWID;
  INSERT OR IGNORE INTO pending_orders (owner, object_id, released, sequence, domain, members, manifest_holders)
    SELECT e.owner, e.object_id, 0, 1, coalesce(p.domain, iif(e.m = 0, 'none', 'node')), '[]', e.manifest_holders
    FROM entries e LEFT JOIN pools p ON p.owner = e.owner AND p.name = e.pool
    WHERE coalesce(p.folders, '[]') = '[]' AND coalesce(p.nodes, '"all"') = '"all"';
  `,
  // Each row knows its last change and the segment of the mirror that tells of it; 0: none does yet. The indexes begin with the segment, so that no listing by owner takes them.
  `
  ALTER TABLE entries ADD COLUMN stamp TEXT NOT NULL DEFAULT '0000000000000000';
  ALTER TABLE entries ADD COLUMN segment INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE pools ADD COLUMN stamp TEXT NOT NULL DEFAULT '0000000000000000';
  ALTER TABLE pools ADD COLUMN segment INTEGER NOT NULL DEFAULT 0;
  UPDATE entries SET stamp = printf('%012x0000', created_at_ms);
  UPDATE pools SET stamp = printf('%012x0000', created_at_ms);
  CREATE INDEX entries_segment ON entries (segment, owner);
  CREATE TABLE removed (
    owner INTEGER NOT NULL REFERENCES owners (id),
    name BLOB NOT NULL,
    object_id TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    stamp TEXT NOT NULL,
    segment INTEGER NOT NULL,
    PRIMARY KEY (owner, name, object_id, created_at_ms)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX removed_segment ON removed (segment, owner);
  CREATE TABLE mirror_segments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    owner INTEGER NOT NULL REFERENCES owners (id),
    state TEXT NOT NULL CHECK (state IN ('writing', 'unread', 'live', 'superseded')),
    superseded_at INTEGER NOT NULL,
    object_id TEXT NOT NULL,
    holders TEXT NOT NULL,
    records INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE mirror_state (
    owner INTEGER PRIMARY KEY REFERENCES owners (id),
    stamp TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    written_at_ms INTEGER NOT NULL,
    head BLOB
  ) STRICT;
  `,
];

export const CATALOG_FORMAT = MIGRATIONS.length;

/** Makes the tables or brings them up to date. Throws `format-too-new` and, for a foreign database, `malformed-data`. */
export function migrate(db: DatabaseSync, path: string, clock: Clock): void {
  const id = db.prepare('PRAGMA application_id').get()?.application_id;
  const empty = db.prepare('SELECT count(*) AS tables FROM sqlite_schema').get()?.tables === 0;
  if (id !== APPLICATION_ID && !empty) {
    throw new DatameshError('malformed-data', {
      what: `${path} is a database, but not a datamesh catalog`,
      mend: 'move it away; datamesh makes a new one',
    });
  }
  const found = empty ? 0 : readVersion(db);
  if (found > CATALOG_FORMAT) {
    throw new DatameshError('format-too-new', {
      what: `the catalog ${path} has format ${found}, this datamesh knows up to ${CATALOG_FORMAT}`,
      why: 'a newer datamesh has written it',
      mend: 'use that newer datamesh',
      details: { found, known: CATALOG_FORMAT },
    });
  }
  if (found === CATALOG_FORMAT) return;
  db.exec('BEGIN IMMEDIATE');
  try {
    if (found === 0) {
      db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
      db.exec('CREATE TABLE migrations (version INTEGER PRIMARY KEY, applied_at_ms INTEGER NOT NULL) STRICT');
    }
    const note = db.prepare('INSERT INTO migrations (version, applied_at_ms) VALUES (?, ?)');
    MIGRATIONS.slice(found).forEach((step, index) => {
      db.exec(step);
      note.run(found + index + 1, Math.round(clock.now()));
    });
    db.exec('COMMIT');
  } catch (error) {
    db.exec('ROLLBACK');
    throw error;
  }
}

function readVersion(db: DatabaseSync): number {
  return Number(db.prepare('SELECT max(version) AS version FROM migrations').get()?.version ?? 0);
}
