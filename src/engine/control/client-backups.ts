/** The backup calls of a running service. */
import type { CallOptions } from '../engine.ts';
import type {
  BackupCalls,
  BackupReport,
  ForgetReport,
  PruneReport,
  RestoreReport,
  SnapshotList,
  SnapshotListing,
} from '../views/backups.ts';
import { BACKUP_ROUTE } from './wire-backups.ts';

/** @param send one JSON answer; @param wait an answer that takes its time and tells its progress */
export function remoteBackups(
  send: (path: string, body: unknown) => Promise<unknown>,
  wait: <T>(path: string, body: unknown, call: CallOptions) => Promise<T>,
): BackupCalls {
  return {
    backup: (query, call = {}) => wait<BackupReport>(BACKUP_ROUTE.backup, query, call),
    snapshots: async (query = {}) => (await send(BACKUP_ROUTE.snapshots, query)) as SnapshotList,
    show: async (query) => (await send(BACKUP_ROUTE.show, query)) as SnapshotListing,
    restore: (query, call = {}) => wait<RestoreReport>(BACKUP_ROUTE.restore, query, call),
    forget: async (query) => (await send(BACKUP_ROUTE.forget, query)) as ForgetReport,
    prune: (query, call = {}) => wait<PruneReport>(BACKUP_ROUTE.prune, query, call),
  };
}
