/** Rows of `entries`: how they are asked for, and how a new version comes among them. */
import { DatameshError } from '../../errors.ts';
import type { Row, SqlValue } from '../effects/sqlite-file.ts';
import type { CommitOptions, Committed, Entry, NewEntry } from './catalog.ts';
import type { BookParts } from './mirror/sqlite-book.ts';
import { insertLive } from './order-rows.ts';
import { checkedName, entryOf } from './rows.ts';

/** What the calls of the catalog are made of; transactions are the caller's. */
export type CatalogParts = BookParts;

/** pageQuery selects from entries alone: the owner is known there. */
export const PAGE_COLUMNS = `e.id, e.name, e.version, e.current, e.deleted, e.ended_at_ms, e.object_id, e.size_bytes, e.content_hash, e.mime_type,
  e.k, e.m, e.chunk_bytes, e.stripes, e.stored_bytes, e.created_at_ms, e.owner_key, e.pool, e.tags, e.manifest_holders`;
export const COLUMNS = `o.owner AS owner_id, ${PAGE_COLUMNS}`;
export const FROM = 'FROM entries e JOIN owners o ON o.id = e.owner';

export type Head = 'current' | 'deleted';

/** What the name means, or, with `deleted`, what it meant until it was deleted. */
export function headRow({ get }: CatalogParts, owner: number, name: Uint8Array, head: Head): Row | undefined {
  return get(`SELECT ${COLUMNS} ${FROM} WHERE e.owner = ? AND e.name = ? AND e.${head} = 1`, owner, name);
}

export function versionRow(
  { get }: CatalogParts,
  owner: number,
  name: Uint8Array,
  version: number,
): Row | undefined {
  return get(
    `SELECT ${COLUMNS} ${FROM} WHERE e.owner = ? AND e.name = ? AND e.version = ?`,
    owner,
    name,
    version,
  );
}

/** The next number of the name, never one that it had before. */
export function nextVersion({ get }: CatalogParts, owner: number, name: Uint8Array): number {
  return get(
    `INSERT INTO names (owner, name, last_version) VALUES (?, ?, 1)
     ON CONFLICT (owner, name) DO UPDATE SET last_version = last_version + 1 RETURNING last_version`,
    owner,
    name,
  )!.last_version as number;
}

/** Whatever the name means or meant steps back for another version. */
export function endHead({ run, stamp }: CatalogParts, owner: number, name: Uint8Array, nowMs: number): void {
  run(
    `UPDATE entries SET current = 0, deleted = 0, ended_at_ms = iif(deleted = 1, ended_at_ms, ?3), stamp = ?4, segment = 0
     WHERE owner = ?1 AND name = ?2 AND (current = 1 OR deleted = 1)`,
    owner,
    name,
    Math.round(nowMs),
    stamp(owner),
  );
}

/** Within a transaction. Refuses before it has changed anything. */
export function commitEntry(
  parts: CatalogParts,
  entry: NewEntry,
  options: CommitOptions,
  nowMs: number,
): Committed {
  const { get, ownerRowMade } = parts;
  const name = checkedName(entry.name);
  const owner = ownerRowMade(entry.owner);
  const previous = get(
    'SELECT version, current FROM entries WHERE owner = ? AND name = ? AND (current = 1 OR deleted = 1)',
    owner,
    name,
  );
  const replaced = previous?.current === 1 ? (previous.version as number) : undefined;
  if (replaced !== undefined && options.ifAbsent) throw nameTaken(entry.name, replaced);
  const version = nextVersion(parts, owner, name);
  if (previous) endHead(parts, owner, name, nowMs);
  return { entry: insertEntry(parts, owner, name, version, entry), replacedVersion: replaced };
}

/** What makes room for a name that a rename needs. */
export const DELETE_TAKEN = 'delete what is there: it stays as an older version';

/** @param orElse what the caller can do in place of choosing another name */
export function nameTaken(
  name: string,
  version: number,
  orElse = 'allow a new version of it',
): DatameshError {
  return new DatameshError('already-exists', {
    what: `there is already an object ${JSON.stringify(name)}`,
    mend: `choose another name, or ${orElse}`,
    details: { name, version },
  });
}

/** As the current version of the name. */
export function insertEntry(
  parts: CatalogParts,
  owner: number,
  name: Uint8Array,
  version: number,
  entry: NewEntry,
): Entry {
  const { run, stamp } = parts;
  const tags = [...new Set(entry.tags)];
  // What is written is what is told: reading it back would cost as much as a tenth of the commit.
  const row = {
    name,
    version,
    current: 1,
    object_id: entry.objectId,
    size_bytes: entry.sizeBytes,
    content_hash: entry.contentHash,
    mime_type: entry.mimeType,
    k: entry.k,
    m: entry.m,
    chunk_bytes: entry.chunkBytes,
    stripes: entry.stripes,
    stored_bytes: entry.storedBytes,
    created_at_ms: Math.round(entry.createdAtMs),
    owner_key: entry.ownerKey,
    pool: entry.pool,
    tags: JSON.stringify(tags),
    manifest_holders: JSON.stringify(entry.manifestHolders),
  };
  const { lastInsertRowid } = run(
    `INSERT INTO entries (owner, stamp, ${ROW_COLUMNS}) VALUES (?, ?, ${'?, '.repeat(16)}?)`,
    owner,
    stamp(owner),
    ...Object.values(row),
  );
  writeTags(run, Number(lastInsertRowid), tags);
  insertLive(run, owner, entry);
  return entryOf({ ...row, owner_id: entry.owner, deleted: 0, ended_at_ms: 0 });
}

/** In the order of the values above. */
const ROW_COLUMNS =
  'name, version, current, object_id, size_bytes, content_hash, mime_type, k, m, chunk_bytes, stripes, stored_bytes, created_at_ms, owner_key, pool, tags, manifest_holders';

export function writeTags(
  run: (sql: string, ...values: SqlValue[]) => unknown,
  entry: number,
  tags: readonly string[],
): void {
  for (const tag of tags) run('INSERT INTO tags (tag, entry) VALUES (?, ?)', tag, entry);
}
