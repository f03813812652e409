/**
 * Records of a mirror into the tables: a merge that comes to the same whatever the order. Of two states of one entry the later stamp holds, but a removal holds against every state; of two entries that
 * both claim to be current, the later; of two that claim one version number, the one stored first keeps it.
 */
import type { Row } from '../../effects/sqlite-file.ts';
import { nameBytes } from '../list-query.ts';
import { insertLive } from '../order-rows.ts';
import { replacePool } from '../pool-rows.ts';
import type { Applied } from './book.ts';
import type { EntryRecord, MirrorRecord, PoolChange, RemovedRecord } from './records.ts';
import type { BookParts } from './sqlite-book.ts';
import type { Stamp } from './stamp.ts';

export interface ApplyTarget {
  owner: number;
  /** The segment that the records come from. */
  segment: number;
  ownerKey: string;
  /** Names that may lack a current version when all is applied. */
  names: Map<string, Uint8Array>;
  applied: Applied;
}

/** Conflicts told by name; beyond these the number has to do. */
const MAX_CONFLICTS = 1000;

/** Within a transaction. */
export function applyRecord(parts: BookParts, target: ApplyTarget, record: MirrorRecord): void {
  if (record.kind === 'entry') applyEntry(parts, target, record);
  else if (record.kind === 'removed') applyRemoved(parts, target, record);
  else applyPool(parts, target, record);
}

/**
 * Names left without a current version get the newest they have; those without any are forgotten.
 * @param forNow what is still to be read may hold the right one: no new stamp, so that it wins when it comes
 */
export function settleNames(
  { get, run, stamp }: BookParts,
  owner: number,
  names: Iterable<Uint8Array>,
  forNow = false,
): void {
  for (const name of names) {
    const row = get(
      'SELECT id, current + deleted AS head FROM entries WHERE owner = ? AND name = ? ORDER BY head DESC, version DESC LIMIT 1',
      owner,
      name,
    );
    if (row === undefined) run('DELETE FROM names WHERE owner = ? AND name = ?', owner, name);
    else if (row.head === 0 && forNow) {
      run('UPDATE entries SET current = 1, ended_at_ms = 0 WHERE id = ?', row.id as number);
    } else if (row.head === 0) {
      run(
        'UPDATE entries SET current = 1, ended_at_ms = 0, stamp = ?, segment = 0 WHERE id = ?',
        stamp(owner),
        row.id as number,
      );
    }
  }
}

function applyEntry(parts: BookParts, target: ApplyTarget, record: EntryRecord): void {
  const { get, run } = parts;
  const { owner, segment, applied } = target;
  const name = nameBytes(record.name);
  const identity = [owner, name, record.objectId, record.createdAtMs] as const;
  // As with orders: nothing comes after a removal.
  const isRemoved = get(
    'SELECT 1 FROM removed WHERE owner = ? AND name = ? AND object_id = ? AND created_at_ms = ?',
    ...identity,
  );
  if (isRemoved !== undefined) return;
  const known = get(
    'SELECT id, stamp, version, deleted, tags, pool FROM entries WHERE owner = ? AND name = ? AND object_id = ? AND created_at_ms = ?',
    ...identity,
  );
  if (known !== undefined && (known.stamp as Stamp) > record.stamp) return;
  // Two devices may have made different changes with one stamp: the greater content holds on both.
  const difference = known?.stamp === record.stamp ? compareContents(known!, record) : -1;
  if (difference > 0) return;
  if (known !== undefined && difference === 0) {
    run('UPDATE entries SET segment = ? WHERE id = ?', segment, known.id as number);
    return;
  }
  const id = known?.id as number | undefined;
  const numbered = version(parts, target, name, record, id);
  const head = (record.current || record.deleted) && isHead(parts, target, name, record, id);
  const ended =
    head && record.current
      ? 0
      : record.endedAtMs || (headRow(parts, owner, name)?.created_at_ms as number | undefined);
  const told = numbered === record.version;
  const values = [
    numbered,
    head && record.current ? 1 : 0,
    head && record.deleted ? 1 : 0,
    ended ?? record.createdAtMs,
    record.pool,
    JSON.stringify(record.tags),
  ] as const;
  const marks = [JSON.stringify(record.manifestHolders), record.stamp, told ? segment : 0] as const;
  let row = id;
  if (row === undefined) {
    applied.added++;
    row = get(
      `INSERT INTO entries (version, current, deleted, ended_at_ms, pool, tags, manifest_holders, stamp, segment, owner, name, object_id, created_at_ms,
         size_bytes, content_hash, mime_type, k, m, chunk_bytes, stripes, stored_bytes, owner_key)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
      ...values,
      ...marks,
      ...identity,
      record.sizeBytes,
      record.contentHash,
      record.mimeType,
      record.k,
      record.m,
      record.chunkBytes,
      record.stripes,
      record.storedBytes,
      target.ownerKey,
    )!.id as number;
  } else {
    applied.changed++;
    run(
      'UPDATE entries SET version = ?, current = ?, deleted = ?, ended_at_ms = ?, pool = ?, tags = ?, manifest_holders = ?, stamp = ?, segment = ? WHERE id = ?',
      ...values,
      ...marks,
      row,
    );
    run('DELETE FROM tags WHERE entry = ?', row);
  }
  for (const tag of new Set(record.tags)) run('INSERT INTO tags (tag, entry) VALUES (?, ?)', tag, row);
  run(
    `INSERT INTO names (owner, name, last_version) VALUES (?1, ?2, ?3)
     ON CONFLICT (owner, name) DO UPDATE SET last_version = max(last_version, ?3)`,
    owner,
    name,
    numbered,
  );
  if (head) target.names.delete(record.name);
  else if (headRow(parts, owner, name) === undefined) target.names.set(record.name, name);
  const { objectId, manifestHolders, untold } = record;
  insertLive(run, owner, { objectId, manifestHolders, custody: untold });
}

/** > 0 when the row is the greater, 0 when the record tells nothing else. */
function compareContents(row: Row, { version: number, deleted, tags, pool }: EntryRecord): number {
  const here = [row.tags as string, row.pool as string, String(row.deleted)].join('\n');
  const there = [JSON.stringify(tags), pool, deleted ? '1' : '0'].join('\n');
  return (row.version as number) - number || (here === there ? 0 : here > there ? 1 : -1);
}

/** Whether the name is to mean the entry, or nothing since the entry was deleted; what it meant steps back. */
function isHead(
  parts: BookParts,
  { owner }: ApplyTarget,
  name: Uint8Array,
  record: EntryRecord,
  id: number | undefined,
): boolean {
  const other = headRow(parts, owner, name);
  if (other === undefined || other.id === id) return true;
  if (later(other, record)) return false;
  parts.run(
    'UPDATE entries SET current = 0, deleted = 0, ended_at_ms = iif(deleted = 1, ended_at_ms, ?) WHERE id = ?',
    record.createdAtMs,
    other.id as number,
  );
  return true;
}

function headRow({ get }: BookParts, owner: number, name: Uint8Array): Row | undefined {
  return get(
    'SELECT id, stamp, object_id, created_at_ms FROM entries WHERE owner = ? AND name = ? AND (current = 1 OR deleted = 1)',
    owner,
    name,
  );
}

function later(row: Row, record: EntryRecord): boolean {
  const stamp = row.stamp as Stamp;
  return stamp === record.stamp ? (row.object_id as string) > record.objectId : stamp > record.stamp;
}

/**
 * The number that the entry has here. Renumbering is no change of the owner's, so it takes no new stamp: of two numbers that devices gave to one state of an
 * entry the greater holds.
 */
function version(
  parts: BookParts,
  { owner, applied }: ApplyTarget,
  name: Uint8Array,
  record: EntryRecord,
  id: number | undefined,
): number {
  const { get, run } = parts;
  const other = get(
    'SELECT id, object_id, created_at_ms FROM entries WHERE owner = ? AND name = ? AND version = ?',
    owner,
    name,
    record.version,
  );
  if (other === undefined || other.id === id) return record.version;
  if (applied.conflicts.length < MAX_CONFLICTS && !applied.conflicts.includes(record.name))
    applied.conflicts.push(record.name);
  const free =
    1 +
    (get('SELECT max(version) AS last FROM entries WHERE owner = ? AND name = ?', owner, name)!
      .last as number);
  const at = other.created_at_ms as number;
  const otherIsFirst =
    at === record.createdAtMs ? (other.object_id as string) < record.objectId : at < record.createdAtMs;
  if (otherIsFirst) return free;
  run('UPDATE entries SET version = ?, segment = 0 WHERE id = ?', free, other.id as number);
  run('UPDATE names SET last_version = max(last_version, ?) WHERE owner = ? AND name = ?', free, owner, name);
  return record.version;
}

function applyRemoved({ get, run }: BookParts, target: ApplyTarget, record: RemovedRecord): void {
  const { owner, segment, applied, names } = target;
  const name = nameBytes(record.name);
  const identity = [owner, name, record.objectId, record.createdAtMs] as const;
  const known = get(
    'SELECT id FROM entries WHERE owner = ? AND name = ? AND object_id = ? AND created_at_ms = ?',
    ...identity,
  );
  if (known !== undefined) {
    run('DELETE FROM entries WHERE id = ?', known.id as number);
    names.set(record.name, name);
    applied.changed++;
  }
  run(
    `INSERT INTO removed (owner, name, object_id, created_at_ms, stamp, segment) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET stamp = excluded.stamp, segment = excluded.segment WHERE excluded.stamp >= stamp`,
    ...identity,
    record.stamp,
    segment,
  );
}

function applyPool({ get, run }: BookParts, target: ApplyTarget, { stamp, pool }: PoolChange): void {
  const { owner, segment, applied } = target;
  const known = get('SELECT stamp FROM pools WHERE owner = ? AND name = ?', owner, pool.name);
  if (known !== undefined && (known.stamp as Stamp) > stamp) return;
  if (known?.stamp !== stamp) applied.changed++;
  replacePool(run, owner, pool, stamp, segment);
}
