/**
 * The catalog's tables and the steps that lead to them. A file keeps the list of steps it has gone through; a file of a
 * later datamesh is refused instead of being guessed at.
 */
import type { DatabaseSync } from 'node:sqlite';
import { DatameshError } from '../../errors.ts';
import type { Clock } from '../effects/clock.ts';

/** "DMca": marks the file as a datamesh catalog, so that another program's database is not written into. */
const APPLICATION_ID = 0x444d6361;

/** Of step 8, and no more to be changed than that: the entry's bytes in the mesh, 0 when another entry of the pool has the same object. `+` keeps the planner on the index of object ids. */
function firstStored(entry: 'new' | 'old'): string {
  return `iif(EXISTS (SELECT 1 FROM entries o WHERE o.object_id = ${entry}.object_id AND o.id <> ${entry}.id AND +o.owner = ${entry}.owner AND +o.pool = ${entry}.pool), 0, ${entry}.stored_bytes)`;
}
const ADD_TO_POOL = `INSERT INTO pool_totals VALUES (new.owner, new.pool, new.current, 1, new.size_bytes, ${firstStored('new')})
    ON CONFLICT (owner, pool) DO UPDATE SET objects = objects + excluded.objects, versions = versions + 1,
      logical_bytes = logical_bytes + excluded.logical_bytes, stored_bytes = stored_bytes + excluded.stored_bytes;`;
const TAKE_FROM_POOL = `UPDATE pool_totals SET objects = objects - old.current, versions = versions - 1,
      logical_bytes = logical_bytes - old.size_bytes, stored_bytes = stored_bytes - ${firstStored('old')} WHERE owner = old.owner AND pool = old.pool;`;

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
  // `deleted`: what the name meant until it was deleted. `ended_at_ms`: when a version ceased to be what its name means, 0 while it is. Both kinds of old versions have current = 0.
  // Totals are kept by triggers: a status shows them every second. `words` finds names and tags by their words; rows beyond `upto` are taken in later, in groups, so that no
  // put waits for it, all else by triggers. Prefixes of 2 and 4 letters have indexes of their own: a longer one is sifted from these.
  `
  ALTER TABLE entries ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE entries ADD COLUMN ended_at_ms INTEGER NOT NULL DEFAULT 0;
  UPDATE entries SET ended_at_ms = coalesce((SELECT n.created_at_ms FROM entries n WHERE n.owner = entries.owner
    AND n.name = entries.name AND n.version > entries.version ORDER BY n.version LIMIT 1), created_at_ms) WHERE current = 0;
  CREATE INDEX entries_ended ON entries (owner, pool, ended_at_ms, size_bytes) WHERE current = 0;
  CREATE INDEX entries_old ON entries (owner, pool, name) WHERE current = 0;
  CREATE UNIQUE INDEX entries_deleted ON entries (owner, name) WHERE deleted = 1;
  ALTER TABLE pools ADD COLUMN keep_versions INTEGER;
  ALTER TABLE pools ADD COLUMN keep_age_ms INTEGER;
  ALTER TABLE pools ADD COLUMN keep_bytes INTEGER;
  CREATE TABLE totals (
    owner INTEGER PRIMARY KEY REFERENCES owners (id),
    objects INTEGER NOT NULL,
    versions INTEGER NOT NULL,
    logical_bytes INTEGER NOT NULL,
    stored_bytes INTEGER NOT NULL
  ) STRICT;
  INSERT INTO totals SELECT owner, sum(current), count(*), sum(size_bytes), sum(stored_bytes) FROM entries GROUP BY owner;
  CREATE TRIGGER entries_added AFTER INSERT ON entries BEGIN
    INSERT INTO totals VALUES (new.owner, new.current, 1, new.size_bytes, new.stored_bytes)
    ON CONFLICT (owner) DO UPDATE SET objects = objects + new.current, versions = versions + 1,
      logical_bytes = logical_bytes + new.size_bytes, stored_bytes = stored_bytes + new.stored_bytes;
  END;
  CREATE TRIGGER entries_turned AFTER UPDATE OF current ON entries WHEN new.current <> old.current BEGIN
    UPDATE totals SET objects = objects + new.current - old.current WHERE owner = new.owner;
  END;
  CREATE TRIGGER entries_gone AFTER DELETE ON entries BEGIN
    UPDATE totals SET objects = objects - old.current, versions = versions - 1,
      logical_bytes = logical_bytes - old.size_bytes, stored_bytes = stored_bytes - old.stored_bytes WHERE owner = old.owner;
  END;
  CREATE VIRTUAL TABLE words USING fts5 (
    text, content = '', contentless_delete = 1, detail = none, prefix = '2 4', tokenize = 'unicode61 remove_diacritics 2'
  );
  CREATE TABLE words_state (upto INTEGER NOT NULL) STRICT;
  INSERT INTO words_state VALUES (0);
  CREATE TRIGGER words_changed AFTER UPDATE OF current, name, tags ON entries WHEN old.id <= (SELECT upto FROM words_state) BEGIN
    DELETE FROM words WHERE rowid = old.id;
    INSERT INTO words (rowid, text) SELECT new.id, CAST(new.name AS TEXT) || ' ' || new.tags WHERE new.current = 1;
  END;
  CREATE TRIGGER words_gone AFTER DELETE ON entries WHEN old.id <= (SELECT upto FROM words_state) BEGIN
    DELETE FROM words WHERE rowid = old.id;
  END;
  CREATE TRIGGER words_last_gone AFTER DELETE ON entries WHEN old.id > coalesce((SELECT max(id) FROM entries), 0) BEGIN
    UPDATE words_state SET upto = min(upto, old.id - 1);
  END;
  CREATE TABLE reads (
    owner INTEGER NOT NULL REFERENCES owners (id),
    hour INTEGER NOT NULL,
    name BLOB NOT NULL,
    reads INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    last_at_ms INTEGER NOT NULL,
    PRIMARY KEY (owner, hour, name)
  ) STRICT, WITHOUT ROWID;
  `,
  // What was shared with whom; never what opens it.
  `
  CREATE TABLE shares (
    owner INTEGER NOT NULL REFERENCES owners (id),
    id TEXT NOT NULL,
    name BLOB NOT NULL,
    version INTEGER NOT NULL,
    object_id TEXT NOT NULL,
    recipient TEXT,
    created_at_ms INTEGER NOT NULL,
    until_ms INTEGER,
    read_once INTEGER NOT NULL,
    revoked_at_ms INTEGER,
    PRIMARY KEY (owner, id)
  ) STRICT, WITHOUT ROWID;
  `,
  // `totals` by pool, of which there are few: their sum is what an owner has. An entry changes its pool where another device's change of it is taken over.
  `
  CREATE TABLE pool_totals (
    owner INTEGER NOT NULL REFERENCES owners (id),
    pool TEXT NOT NULL,
    objects INTEGER NOT NULL,
    versions INTEGER NOT NULL,
    logical_bytes INTEGER NOT NULL,
    stored_bytes INTEGER NOT NULL,
    PRIMARY KEY (owner, pool)
  ) STRICT, WITHOUT ROWID;
  DROP TRIGGER entries_added;
  DROP TRIGGER entries_turned;
  DROP TRIGGER entries_gone;
  DROP TABLE totals;
  INSERT INTO pool_totals SELECT owner, pool, sum(current), count(*), sum(size_bytes), sum(stored_bytes) FROM entries GROUP BY owner, pool;
  CREATE TRIGGER pool_entries_added AFTER INSERT ON entries BEGIN
    INSERT INTO pool_totals VALUES (new.owner, new.pool, new.current, 1, new.size_bytes, new.stored_bytes)
    ON CONFLICT (owner, pool) DO UPDATE SET objects = objects + new.current, versions = versions + 1,
      logical_bytes = logical_bytes + new.size_bytes, stored_bytes = stored_bytes + new.stored_bytes;
  END;
  CREATE TRIGGER pool_entries_turned AFTER UPDATE OF current, pool ON entries WHEN new.current <> old.current OR new.pool <> old.pool BEGIN
    UPDATE pool_totals SET objects = objects - old.current, versions = versions - 1,
      logical_bytes = logical_bytes - old.size_bytes, stored_bytes = stored_bytes - old.stored_bytes WHERE owner = old.owner AND pool = old.pool;
    INSERT INTO pool_totals VALUES (new.owner, new.pool, new.current, 1, new.size_bytes, new.stored_bytes)
    ON CONFLICT (owner, pool) DO UPDATE SET objects = objects + new.current, versions = versions + 1,
      logical_bytes = logical_bytes + new.size_bytes, stored_bytes = stored_bytes + new.stored_bytes;
  END;
  CREATE TRIGGER pool_entries_gone AFTER DELETE ON entries BEGIN
    UPDATE pool_totals SET objects = objects - old.current, versions = versions - 1,
      logical_bytes = logical_bytes - old.size_bytes, stored_bytes = stored_bytes - old.stored_bytes WHERE owner = old.owner AND pool = old.pool;
  END;
  `,
  // A further name for an object (`duplicate`) is a version with its bytes, and no further bytes in the mesh: those of an object count once in a pool.
  `
  DROP TRIGGER pool_entries_added;
  DROP TRIGGER pool_entries_turned;
  DROP TRIGGER pool_entries_gone;
  UPDATE pool_totals SET stored_bytes = (SELECT coalesce(sum(stored_bytes), 0) FROM
    (SELECT max(stored_bytes) AS stored_bytes FROM entries WHERE owner = pool_totals.owner AND pool = pool_totals.pool GROUP BY object_id));
  CREATE TRIGGER pool_entries_added AFTER INSERT ON entries BEGIN
    ${ADD_TO_POOL}
  END;
  CREATE TRIGGER pool_entries_turned AFTER UPDATE OF current, pool ON entries WHEN new.current <> old.current OR new.pool <> old.pool BEGIN
    ${TAKE_FROM_POOL}
    ${ADD_TO_POOL}
  END;
  CREATE TRIGGER pool_entries_gone AFTER DELETE ON entries BEGIN
    ${TAKE_FROM_POOL}
  END;
  `,
];

/** Made where they are missing: an older datamesh keeps them up, and does not need them. */
const INDEXES = `
  CREATE INDEX IF NOT EXISTS removed_object ON removed (object_id);
  CREATE INDEX IF NOT EXISTS entries_deleted_size ON entries (owner, size_bytes, name) WHERE deleted = 1;
  CREATE INDEX IF NOT EXISTS entries_deleted_created ON entries (owner, created_at_ms, name) WHERE deleted = 1;
`;

export const CATALOG_FORMAT = MIGRATIONS.length;

/** The format of the catalog in an open file, 0 for an empty one. Throws `format-too-new` and, for a foreign database, `malformed-data`. */
export function catalogFormat(db: DatabaseSync, path: string): number {
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
  return found;
}

/** Makes the tables or brings them up to date. Throws as `catalogFormat`. */
export function migrate(db: DatabaseSync, path: string, clock: Clock): void {
  const found = catalogFormat(db, path);
  if (found < CATALOG_FORMAT) takeSteps(db, found, clock);
  db.exec(INDEXES);
}

function takeSteps(db: DatabaseSync, found: number, clock: Clock): void {
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
