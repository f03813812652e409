/** Requests about backups: routes and checks. */
import type {
  BackupQuery,
  ForgetQuery,
  KeepRule,
  PruneQuery,
  RestoreQuery,
  ShowQuery,
  SnapshotQuery,
} from '../views/backups.ts';
import { fields, flag, list, optional, text, whole } from './checks.ts';

export const BACKUP_ROUTE = {
  backup: '/backups/backup',
  snapshots: '/backups/snapshots',
  show: '/backups/show',
  restore: '/backups/restore',
  forget: '/backups/forget',
  prune: '/backups/prune',
} as const;

const path = text(32 * 1024);
const name = text(4096);
const MAX_ITEMS = 10_000;

export function readBackupQuery(value: unknown): BackupQuery {
  return fields<BackupQuery>(value, {
    source: path,
    full: optional(flag),
    compress: optional(flag),
    exclude: optional(list(name, MAX_ITEMS)),
    tags: optional(list(name, MAX_ITEMS)),
    pool: optional(name),
    oneFileSystem: optional(flag),
    allowDegraded: optional(flag),
    dryRun: optional(flag),
  });
}

export function readSnapshotQuery(value: unknown): SnapshotQuery {
  return fields<SnapshotQuery>(value, { source: optional(path), tag: optional(name) });
}

export function readShowQuery(value: unknown): ShowQuery {
  return fields<ShowQuery>(value, {
    id: name,
    path: optional(path),
    skip: optional(whole(0)),
    limit: optional(whole(1)),
  });
}

export function readRestoreQuery(value: unknown): RestoreQuery {
  return fields<RestoreQuery>(value, {
    id: name,
    destination: path,
    paths: optional(list(path, MAX_ITEMS)),
    overwrite: optional(flag),
    dryRun: optional(flag),
  });
}

export function readForgetQuery(value: unknown): ForgetQuery {
  const count = optional(whole(0));
  return fields<ForgetQuery>(value, {
    ids: optional(list(name, MAX_ITEMS)),
    keep: optional((it) =>
      fields<KeepRule>(it, {
        last: count,
        hourly: count,
        daily: count,
        weekly: count,
        monthly: count,
        yearly: count,
      }),
    ),
    source: optional(path),
    tag: optional(name),
    dryRun: optional(flag),
  });
}

export function readPruneQuery(value: unknown): PruneQuery {
  return fields<PruneQuery>(value, { alone: optional(flag), dryRun: optional(flag) });
}
