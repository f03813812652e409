/** The mirror's book on the catalog's SQLite file. Rows carry the number of the segment that tells of their last change. */
import type { Row, SqlValue } from '../../effects/sqlite-file.ts';
import type { Domain } from '../../placement/domains.ts';
import type { ObjectId, OwnerId, PeerId } from '../../types.ts';
import { insertLive, insertReleased } from '../order-rows.ts';
import { poolOf } from '../pool-rows.ts';
import { entryOf, textOf } from '../rows.ts';
import { applyRecord, settleNames } from './apply-rows.ts';
import type { Applied, MirrorBook, MirrorSegment, MirrorState, PublishedHead } from './book.ts';
import type { EntryRecord, MirrorRecord } from './records.ts';
import { NO_STAMP, nextStamp, type Stamp } from './stamp.ts';

export interface BookParts {
  get(sql: string, ...values: SqlValue[]): Row | undefined;
  all(sql: string, ...values: SqlValue[]): Row[];
  run(sql: string, ...values: SqlValue[]): { changes: number | bigint; lastInsertRowid: number | bigint };
  transaction<T>(task: () => T): T;
  guarded<T>(task: () => T): T;
  ownerRow(owner: OwnerId): number | undefined;
  ownerRowMade(owner: OwnerId): number;
  /** Of a change made now, greater than `seen`. */
  stamp(owner: number, seen?: Stamp): Stamp;
  /** Catalog.arrivals. */
  arrived(): void;
}

/** A device that was away for longer brings the names of what was removed meanwhile back, not the bytes. Else they would grow without end. */
const FORGET_REMOVED_MS = 90 * 24 * 60 * 60_000;
const TABLES = ['entries', 'removed', 'pools'] as const;
const ENTRY_COLUMNS = `e.*, o.owner AS owner_id, p.domain AS order_domain, p.members AS order_members`;

export function mirrorBook(parts: BookParts): MirrorBook {
  const { get, all, run, transaction, guarded, ownerRow, ownerRowMade } = parts;
  const rowOf = (owner: OwnerId) => ownerRow(owner) ?? -1;

  const setState = (owner: number, { sequence, writtenAtMs, bytes }: PublishedHead) => {
    run(
      `INSERT INTO mirror_state (owner, stamp, sequence, written_at_ms, head) VALUES (?1, '0000000000000000', ?2, ?3, ?4)
       ON CONFLICT (owner) DO UPDATE SET sequence = ?2, written_at_ms = ?3, head = ?4`,
      owner,
      sequence,
      Math.trunc(writtenAtMs),
      bytes,
    );
  };
  /** Their records are told by nobody. */
  const emptySegment = (owner: number, id: number) => {
    for (const table of TABLES)
      run(`UPDATE ${table} SET segment = 0 WHERE segment = ? AND owner = ?`, id, owner);
  };

  /** Up to so many records; how many there were. */
  const emptySome = (owner: number, id: number, limit: number): number => {
    const told = 'segment = ?1 AND owner = ?2';
    const entries = run(
      `UPDATE entries SET segment = 0 WHERE id IN (SELECT id FROM entries WHERE ${told} LIMIT ?3)`,
      id,
      owner,
      limit,
    );
    const removed = run(
      `UPDATE removed SET segment = 0 WHERE owner = ?2 AND (name, object_id, created_at_ms) IN
       (SELECT name, object_id, created_at_ms FROM removed WHERE ${told} LIMIT ?3)`,
      id,
      owner,
      limit - Number(entries.changes),
    );
    return Number(entries.changes) + Number(removed.changes);
  };

  /** False where `limit` left some over. */
  const reclaimed = (owner: number, limit: number): boolean => {
    for (const { id } of all("SELECT id FROM mirror_segments WHERE owner = ? AND state = 'writing'", owner)) {
      if (emptySome(owner, id as number, limit) === limit) return false;
      emptySegment(owner, id as number);
      run('DELETE FROM mirror_segments WHERE id = ?', id as number);
    }
    return true;
  };

  /** Names that have had no current version since a head began to be applied: their current one may come with a later record. */
  const unsettled = new Map<number, Map<string, Uint8Array>>();

  const takeFrom = (owner: number, segment: number, from: number, limit: number): MirrorRecord[] => {
    const taken: MirrorRecord[] = [];
    for (const row of all(
      `SELECT ${ENTRY_COLUMNS} FROM entries e JOIN owners o ON o.id = e.owner
         LEFT JOIN pending_orders p ON p.owner = e.owner AND p.object_id = e.object_id AND p.released = 0
       WHERE e.segment = ? AND e.owner = ? LIMIT ?`,
      from,
      owner,
      limit,
    )) {
      run('UPDATE entries SET segment = ? WHERE id = ?', segment, row.id as number);
      taken.push(entryRecord(row));
    }
    for (const row of all(
      'SELECT * FROM removed WHERE segment = ? AND owner = ? LIMIT ?',
      from,
      owner,
      limit - taken.length,
    )) {
      run(
        'UPDATE removed SET segment = ? WHERE owner = ? AND name = ? AND object_id = ? AND created_at_ms = ?',
        segment,
        owner,
        row.name as Uint8Array,
        row.object_id as string,
        row.created_at_ms as number,
      );
      taken.push({
        kind: 'removed',
        stamp: row.stamp as Stamp,
        name: textOf(row.name),
        objectId: row.object_id as ObjectId,
        createdAtMs: row.created_at_ms as number,
      });
    }
    for (const row of all(
      'SELECT * FROM pools WHERE segment = ? AND owner = ? LIMIT ?',
      from,
      owner,
      limit - taken.length,
    )) {
      run('UPDATE pools SET segment = ? WHERE owner = ? AND name = ?', segment, owner, row.name as string);
      taken.push({ kind: 'pool', stamp: row.stamp as Stamp, pool: poolOf(row) });
    }
    return taken;
  };

  return {
    pending: (owner) =>
      guarded(() => {
        const row = rowOf(owner);
        const count = (table: string) =>
          get(`SELECT count(*) AS rows FROM ${table} WHERE segment = 0 AND owner = ?`, row)!.rows as number;
        return TABLES.reduce((sum, table) => sum + count(table), 0);
      }),

    state: (owner) =>
      guarded((): MirrorState => {
        const row = get('SELECT * FROM mirror_state WHERE owner = ?', rowOf(owner));
        return {
          sequence: (row?.sequence as number | undefined) ?? 0,
          writtenAtMs: (row?.written_at_ms as number | undefined) ?? 0,
          head: (row?.head as Uint8Array | null | undefined) ?? undefined,
        };
      }),

    segments: (owner) =>
      guarded(() =>
        all(
          "SELECT * FROM mirror_segments WHERE owner = ? AND state IN ('live', 'unread') ORDER BY id",
          rowOf(owner),
        ).map(segmentOf),
      ),

    objects: (owner) =>
      guarded(() =>
        all("SELECT object_id FROM mirror_segments WHERE owner = ? AND state <> 'writing'", rowOf(owner)).map(
          (row) => row.object_id as ObjectId,
        ),
      ),

    reclaim: (owner, limit) => transaction(() => reclaimed(rowOf(owner), limit)),

    begin: (owner) =>
      transaction(() => {
        const row = ownerRowMade(owner);
        reclaimed(row, Number.MAX_SAFE_INTEGER);
        return insertSegment(row, 'writing', { objectId: '', holders: [], records: 0 });
      }),

    take: (owner, segment, from, limit) =>
      transaction(() => {
        const row = rowOf(owner);
        const taken: MirrorRecord[] = [];
        for (const each of [0, ...from]) {
          if (taken.length >= limit) break;
          taken.push(...takeFrom(row, segment, each, limit - taken.length));
        }
        return taken;
      }),

    publish: (owner, published, head, believedMs) =>
      transaction(() => {
        const row = rowOf(owner);
        const { segment, objectId, holders, records, absorbed } = published;
        // What the head before has superseded: whoever reads an older head than that one has missed two.
        const gone = all(
          "SELECT * FROM mirror_segments WHERE owner = ? AND state = 'superseded' AND superseded_at < ?",
          row,
          head.sequence,
        );
        for (const each of gone) {
          insertReleased(run, row, each.object_id as ObjectId, each.holders as string);
          run('DELETE FROM mirror_segments WHERE id = ?', each.id as number);
        }
        for (const id of absorbed) {
          run(
            "UPDATE mirror_segments SET state = 'superseded', superseded_at = ? WHERE id = ?",
            head.sequence,
            id,
          );
        }
        run(
          "UPDATE mirror_segments SET state = 'live', object_id = ?, holders = ?, records = ? WHERE id = ?",
          objectId,
          JSON.stringify(holders),
          records,
          segment,
        );
        const order = { objectId, custody: published.custody, manifestHolders: [...holders] };
        insertLive(run, row, order);
        if (
          believedMs !== undefined &&
          get("SELECT count(*) AS live FROM mirror_segments WHERE owner = ? AND state = 'live'", row)!
            .live === 1
        ) {
          const old = nextStamp(NO_STAMP, believedMs - FORGET_REMOVED_MS);
          run('DELETE FROM removed WHERE owner = ? AND stamp < ? AND segment = ?', row, old, segment);
        }
        setState(row, head);
        return gone.map(segmentOf);
      }),

    adopt: (owner, segment) =>
      transaction(() => {
        const row = ownerRowMade(owner);
        // Superseded here, but by a head that did not hold: a release would take it from the one that does.
        run(
          "DELETE FROM mirror_segments WHERE owner = ? AND object_id = ? AND state = 'superseded'",
          row,
          segment.objectId,
        );
        const known = get(
          "SELECT id FROM mirror_segments WHERE owner = ? AND object_id = ? AND state = 'unread'",
          row,
          segment.objectId,
        );
        return (known?.id as number | undefined) ?? insertSegment(row, 'unread', segment);
      }),

    applied(owner, segment) {
      guarded(() =>
        run(
          "UPDATE mirror_segments SET state = 'live' WHERE owner = ? AND id = ? AND state = 'unread'",
          rowOf(owner),
          segment,
        ),
      );
    },

    apply: (owner, segment, records, ownerKey) =>
      transaction(() => {
        const row = ownerRowMade(owner);
        const applied: Applied = { added: 0, changed: 0, conflicts: [] };
        let names = unsettled.get(row);
        if (names === undefined) unsettled.set(row, (names = new Map()));
        const target = { owner: row, segment, ownerKey, names, applied };
        for (const record of records) {
          parts.stamp(row, record.stamp);
          applyRecord(parts, target, record);
        }
        if (applied.added + applied.changed > 0) parts.arrived();
        return applied;
      }),

    settle: (owner) =>
      transaction(() => {
        const row = rowOf(owner);
        settleNames(parts, row, unsettled.get(row)?.values() ?? []);
        unsettled.delete(row);
      }),

    wasRemoved: (owner, objectId) =>
      guarded(
        () =>
          get('SELECT 1 FROM removed WHERE owner = ? AND object_id = ?', rowOf(owner), objectId) !==
          undefined,
      ),

    followed: (owner, head, objects) =>
      transaction(() => {
        const row = ownerRowMade(owner);
        const wanted = new Set<string>(objects);
        for (const each of all(
          "SELECT * FROM mirror_segments WHERE owner = ? AND state <> 'superseded'",
          row,
        )) {
          const id = each.id as number;
          if (wanted.has(each.object_id as string)) continue;
          emptySegment(row, id);
          run('DELETE FROM mirror_segments WHERE id = ?', id);
        }
        const unread = get("SELECT 1 FROM mirror_segments WHERE owner = ? AND state = 'unread'", row);
        settleNames(parts, row, unsettled.get(row)?.values() ?? [], unread !== undefined);
        unsettled.delete(row);
        setState(row, head);
      }),
  };

  function insertSegment(
    owner: number,
    state: 'writing' | 'unread',
    { objectId, holders, records }: { objectId: string; holders: readonly PeerId[]; records: number },
  ): number {
    return get(
      `INSERT INTO mirror_segments (owner, state, superseded_at, object_id, holders, records) VALUES (?, ?, 0, ?, ?, ?)
       RETURNING id`,
      owner,
      state,
      objectId,
      JSON.stringify(holders),
      records,
    )!.id as number;
  }
}

function segmentOf(row: Row): MirrorSegment {
  return {
    id: row.id as number,
    objectId: row.object_id as ObjectId,
    holders: JSON.parse(row.holders as string) as PeerId[],
    records: row.records as number,
    unread: row.state === 'unread',
  };
}

function entryRecord(row: Row): EntryRecord {
  const { name, objectId, createdAtMs, version, sizeBytes, contentHash, mimeType, tags, ...rest } =
    entryOf(row);
  return {
    kind: 'entry',
    stamp: row.stamp as Stamp,
    name,
    objectId,
    createdAtMs,
    version,
    current: row.current === 1,
    deleted: row.deleted === 1,
    endedAtMs: row.ended_at_ms as number,
    sizeBytes,
    contentHash,
    mimeType,
    tags,
    k: rest.code.k,
    m: rest.code.m,
    chunkBytes: rest.chunkBytes,
    stripes: rest.stripes,
    storedBytes: rest.storedBytes,
    pool: rest.pool ?? 'default',
    manifestHolders: rest.manifestHolders,
    untold:
      row.order_domain === null
        ? undefined
        : {
            domain: row.order_domain as Domain,
            members: JSON.parse(row.order_members as string) as PeerId[],
          },
  };
}
