/** The backups of the engine in memory: fixed figures, and snapshots that can be forgotten. */
import type { BackupCalls, SnapshotView, UnreadSnapshot } from '../../src/engine/views/backups.ts';
import { DatameshError } from '../../src/errors.ts';

const TAKEN_MS = Date.UTC(2026, 10, 20, 2, 0, 0);

export function fakeSnapshot(id: string, source: string, age: number, tags: string[] = []): SnapshotView {
  return {
    ...{ id, source, tags, node: 'alpha-01', takenAtMs: TAKEN_MS - age * 86_400_000 },
    ...{ files: 1200, directories: 80, links: 3, sizeBytes: 40_000_000, addedBytes: 300_000 },
    ...{ skipped: 0, durationMs: 900 },
  };
}

export function fakeUnread(id: string): UnreadSnapshot {
  return { id, storedAtMs: TAKEN_MS, why: '3 shards are missing' };
}

/** @param lost ids of snapshots that cannot be read */
export function fakeBackupCalls(
  enter: (method: 'backups', signal?: AbortSignal) => Promise<void>,
  lost: readonly string[] = [],
): BackupCalls {
  let unread = lost.map(fakeUnread);
  let all = [
    fakeSnapshot('aaaa000000000001', '/home/user/photos', 0, ['daily']),
    fakeSnapshot('aaaa000000000002', '/home/user/photos', 1),
    fakeSnapshot('bbbb000000000003', '/etc', 2),
  ];
  const newer = (id: string) => (id === 'latest' ? unread : []);
  const find = (id: string) => {
    const hit = id === 'latest' ? all[0] : all.find((it) => it.id.startsWith(id));
    if (hit === undefined) throw new DatameshError('not-found', { what: `there is no snapshot ${id}` });
    return hit;
  };
  return {
    async backup(query, call) {
      await enter('backups', call?.signal);
      call?.onProgress?.({ doneBytes: 20_000_000, totalBytes: undefined });
      const snapshot = { ...fakeSnapshot('cccc000000000004', query.source, -1), tags: query.tags ?? [] };
      if (!query.dryRun) all = [snapshot, ...all];
      const skipped = query.exclude?.includes('skip-one')
        ? [{ path: 'x', why: 'this user may not read it' }]
        : [];
      return {
        ...{ dryRun: query.dryRun ?? false, snapshot: { ...snapshot, skipped: skipped.length } },
        ...{ filesRead: 12, bytesRead: 280_000, chunksNew: 13, chunksKnown: 1188 },
        ...{ packsAdopted: 0, packsLost: 0, degraded: query.allowDegraded ? 1 : 0, skipped },
      };
    },
    async snapshots(query = {}) {
      await enter('backups');
      const snapshots = all.filter(
        (it) =>
          (query.source === undefined || it.source === query.source) &&
          (query.tag === undefined || it.tags.includes(query.tag)),
      );
      return { snapshots, unread };
    },
    async show(query) {
      await enter('backups');
      const file = { mode: 0o644, uid: 1000, gid: 1000, mtimeMs: TAKEN_MS, target: undefined };
      return {
        ...{ snapshot: find(query.id), unread: newer(query.id) },
        entries: [
          { ...file, path: 'album', kind: 'directory' as const, mode: 0o755, sizeBytes: 0 },
          { ...file, path: 'album/a.jpg', kind: 'file' as const, sizeBytes: 123_456 },
        ],
        more: false,
      };
    },
    async restore(query, call) {
      await enter('backups', call?.signal);
      const lost = query.paths?.includes('lost') ? [{ path: 'lost', why: 'no pack has a chunk of it' }] : [];
      return {
        ...{ dryRun: query.dryRun ?? false, snapshot: find(query.id), unread: newer(query.id) },
        ...{ files: 1200, directories: 80, links: 3, bytes: 40_000_000, kept: 0, unset: 0 },
        ...{ failedCount: lost.length, failed: lost, durationMs: 1500 },
      };
    },
    async forget(query) {
      await enter('backups');
      const ids = query.ids ?? [];
      const isUnread = (id: string) => unread.some((it) => it.id === id);
      const gone =
        ids.length > 0 ? ids.filter((id) => !isUnread(id)).map(find) : all.slice(query.keep?.last ?? 1);
      const forgottenUnread = unread.filter(({ id }) => ids.includes(id));
      const kept = all.filter((it) => !gone.includes(it)).map((it) => ({ ...it, reasons: ['last'] }));
      const left = ids.length > 0 ? [] : unread;
      if (!query.dryRun) {
        all = all.filter((it) => !gone.includes(it));
        unread = unread.filter((it) => !forgottenUnread.includes(it));
      }
      return { dryRun: query.dryRun ?? false, kept, forgotten: gone, forgottenUnread, unread: left };
    },
    async prune(query, call) {
      await enter('backups', call?.signal);
      return {
        ...{ dryRun: query.dryRun ?? false, snapshots: all.length, chunksLive: 1200, bytesLive: 40_000_000 },
        ...{
          packs: 3,
          packsDeleted: 1,
          packsRewritten: 0,
          packsUnread: unread.length,
          freedBytes: 12_000_000,
          durationMs: 700,
        },
      };
    },
  };
}
