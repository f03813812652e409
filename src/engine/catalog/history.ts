/** What happens to names after their put: old versions, deletion and its undoing, new names, copies, tags. Each call is one transaction. */
import { DatameshError } from '../../errors.ts';
import type { Row } from '../effects/sqlite-file.ts';
import type { ObjectId } from '../types.ts';
import type { Entry, HistoryCalls } from './catalog.ts';
import {
  type CatalogParts,
  COLUMNS,
  DELETE_TAKEN,
  endHead,
  FROM,
  headRow,
  insertEntry,
  nameTaken,
  nextVersion,
  versionRow,
  writeTags,
} from './entry-rows.ts';
import { nameBytes } from './list-query.ts';
import { insertReleased } from './order-rows.ts';
import { expiredQueries } from './retention.ts';
import { checkedName, entryOf, textOf } from './rows.ts';
import { checkTags } from './tags.ts';

/** Versions of one name that a rename moves in its one transaction: some seconds. */
const MAX_RENAMED_VERSIONS = 100_000;

export function historyCalls(parts: CatalogParts, nowMs: () => number): HistoryCalls {
  const { get, all, run, guarded, transaction, ownerRow, stamp, arrived } = parts;

  const found = (
    owner: number | undefined,
    name: Uint8Array,
    head: 'current' | 'deleted',
  ): Row | undefined => (owner === undefined ? undefined : headRow(parts, owner, name, head));

  const references = (objectId: ObjectId) =>
    get('SELECT count(*) AS uses FROM entries WHERE object_id = ?', objectId)!.uses as number;

  /** An entry is told from others by name, object and time: one that was removed does not come back, so a like one gets another time. */
  const freeTime = (owner: number, name: Uint8Array, objectId: ObjectId, wantedMs: number): number => {
    let atMs = Math.round(wantedMs);
    const taken = () =>
      get(
        `SELECT 1 FROM removed WHERE owner = ?1 AND name = ?2 AND object_id = ?3 AND created_at_ms = ?4
         UNION ALL SELECT 1 FROM entries WHERE owner = ?1 AND name = ?2 AND object_id = ?3 AND created_at_ms = ?4`,
        owner,
        name,
        objectId,
        atMs,
      );
    while (taken() !== undefined) atMs++;
    return atMs;
  };

  const noteRemoved = (owner: number, row: Row) =>
    run(
      'INSERT OR REPLACE INTO removed (owner, name, object_id, created_at_ms, stamp, segment) VALUES (?, ?, ?, ?, ?, 0)',
      owner,
      row.name as Uint8Array,
      row.object_id as ObjectId,
      row.created_at_ms as number,
      stamp(owner),
    );

  return {
    history: (owner, name, before, limit) =>
      guarded(() => {
        if (!name.isWellFormed()) return [];
        return all(
          `SELECT ${COLUMNS} ${FROM} WHERE e.owner = ? AND e.name = ? AND e.version < ? ORDER BY e.version DESC LIMIT ?`,
          ownerRow(owner) ?? -1,
          nameBytes(name),
          before ?? Number.MAX_SAFE_INTEGER,
          limit,
        ).map(entryOf);
      }),

    findDeleted: (owner, name) =>
      guarded(() => {
        const row = name.isWellFormed() ? found(ownerRow(owner), nameBytes(name), 'deleted') : undefined;
        return row && entryOf(row);
      }),

    hide: (owner, name) =>
      transaction(() => {
        const ownerId = ownerRow(owner);
        const row = found(ownerId, nameBytes(name.toWellFormed()), 'current');
        if (ownerId === undefined || row === undefined) return undefined;
        run(
          'UPDATE entries SET current = 0, deleted = 1, ended_at_ms = ?, stamp = ?, segment = 0 WHERE id = ?',
          Math.round(nowMs()),
          stamp(ownerId),
          row.id as number,
        );
        return entryOf(row);
      }),

    unhide: (owner, name) =>
      transaction(() => {
        const ownerId = ownerRow(owner);
        const row = found(ownerId, nameBytes(name.toWellFormed()), 'deleted');
        if (ownerId === undefined || row === undefined) return undefined;
        run(
          'UPDATE entries SET current = 1, deleted = 0, ended_at_ms = 0, stamp = ?, segment = 0 WHERE id = ?',
          stamp(ownerId),
          row.id as number,
        );
        arrived();
        return entryOf(versionRow(parts, ownerId, row.name as Uint8Array, row.version as number)!);
      }),

    remove: (owner, name, version) =>
      transaction(() => {
        const bytes = nameBytes(name.toWellFormed());
        const ownerId = ownerRow(owner);
        const row = ownerId === undefined ? undefined : versionRow(parts, ownerId, bytes, version);
        if (ownerId === undefined || row === undefined) return undefined;
        run('DELETE FROM entries WHERE id = ?', row.id as number);
        const objectId = row.object_id as ObjectId;
        noteRemoved(ownerId, row);
        if (references(objectId) === 0)
          insertReleased(run, ownerId, objectId, row.manifest_holders as string);
        if (row.current === 1 || row.deleted === 1) {
          // The name means, or meant until it was deleted, the newest that is left.
          const left = run(
            `UPDATE entries SET current = ?3, deleted = ?4, ended_at_ms = ?5, stamp = ?6, segment = 0
             WHERE owner = ?1 AND name = ?2 AND version = (SELECT max(version) FROM entries WHERE owner = ?1 AND name = ?2)`,
            ownerId,
            bytes,
            row.current as number,
            row.deleted as number,
            row.ended_at_ms as number,
            stamp(ownerId),
          );
          if (row.current === 1 && left.changes !== 0) arrived();
        }
        if (get('SELECT 1 FROM entries WHERE owner = ? AND name = ?', ownerId, bytes) === undefined)
          run('DELETE FROM names WHERE owner = ? AND name = ?', ownerId, bytes);
        return entryOf(row);
      }),

    rename: (owner, from, to) =>
      transaction(() => {
        const target = checkedName(to);
        const ownerId = ownerRow(owner);
        const row = found(ownerId, nameBytes(from.toWellFormed()), 'current');
        if (ownerId === undefined || row === undefined) return undefined;
        const source = row.name as Uint8Array;
        if (Buffer.compare(source, target) === 0) return { entry: entryOf(row), versions: 0 };
        const there = found(ownerId, target, 'current');
        if (there !== undefined) throw nameTaken(to, there.version as number, DELETE_TAKEN);
        const versions = all(
          'SELECT id, name, version, object_id, created_at_ms FROM entries WHERE owner = ? AND name = ? ORDER BY version LIMIT ?',
          ownerId,
          source,
          MAX_RENAMED_VERSIONS + 1,
        );
        if (versions.length > MAX_RENAMED_VERSIONS) {
          throw new DatameshError('input-too-large', {
            what: `${JSON.stringify(from)} has more than ${MAX_RENAMED_VERSIONS} versions`,
            mend: 'let fewer be kept (datamesh pool set … --keep-versions), then rename it',
          });
        }
        // What was deleted under the new name becomes an older version of it.
        endHead(parts, ownerId, target, nowMs());
        for (const each of versions) {
          noteRemoved(ownerId, each);
          run(
            'UPDATE entries SET name = ?, version = ?, created_at_ms = ?, stamp = ?, segment = 0 WHERE id = ?',
            target,
            nextVersion(parts, ownerId, target),
            freeTime(ownerId, target, each.object_id as ObjectId, each.created_at_ms as number),
            stamp(ownerId),
            each.id as number,
          );
        }
        run('DELETE FROM names WHERE owner = ? AND name = ?', ownerId, source);
        run('UPDATE OR IGNORE reads SET name = ? WHERE owner = ? AND name = ?', target, ownerId, source);
        return { entry: entryOf(headRow(parts, ownerId, target, 'current')!), versions: versions.length };
      }),

    duplicate: (source, to, ifAbsent) =>
      transaction(() => {
        const target = checkedName(to);
        const ownerId = ownerRow(source.owner)!;
        // It may have gone since it was looked up, and its object with it.
        const row = versionRow(parts, ownerId, nameBytes(source.name), source.version);
        if (row === undefined || row.object_id !== source.objectId) {
          throw new DatameshError('not-found', {
            what: `${JSON.stringify(source.name)} was deleted meanwhile`,
          });
        }
        const there = found(ownerId, target, 'current');
        if (there !== undefined && ifAbsent) throw nameTaken(to, there.version as number);
        const version = nextVersion(parts, ownerId, target);
        endHead(parts, ownerId, target, nowMs());
        const { code, manifestHolders, ...rest } = entryOf(row);
        const entry = insertEntry(parts, ownerId, target, version, {
          ...rest,
          ...code,
          name: textOf(target),
          pool: rest.pool ?? 'default',
          manifestHolders,
          createdAtMs: freeTime(ownerId, target, rest.objectId, nowMs()),
        });
        return { entry, replacedVersion: there?.version as number | undefined };
      }),

    retag: (owner, name, add, remove) =>
      transaction(() => {
        const ownerId = ownerRow(owner);
        const row = found(ownerId, nameBytes(name.toWellFormed()), 'current');
        if (ownerId === undefined || row === undefined) return undefined;
        const before = entryOf(row);
        const gone = new Set(remove);
        const tags = [...new Set([...before.tags.filter((tag) => !gone.has(tag)), ...add])];
        checkTags(tags);
        if (tags.length === before.tags.length && tags.every((tag) => before.tags.includes(tag)))
          return before;
        const id = row.id as number;
        run('DELETE FROM tags WHERE entry = ?', id);
        writeTags(run, id, tags);
        run(
          'UPDATE entries SET tags = ?, stamp = ?, segment = 0 WHERE id = ?',
          JSON.stringify(tags),
          stamp(ownerId),
          id,
        );
        return { ...before, tags };
      }),

    expired: (owner, pool, keep, atMs, limit) =>
      guarded((): Entry[] => {
        const ownerId = ownerRow(owner);
        if (ownerId === undefined) return [];
        for (const { sql, values } of expiredQueries(ownerId, pool, keep, atMs, limit)) {
          const rows = all(sql, ...values);
          if (rows.length === 0) continue;
          return rows.map(({ id }) =>
            entryOf(get(`SELECT ${COLUMNS} ${FROM} WHERE e.id = ?`, id as number)!),
          );
        }
        return [];
      }),
  };
}
