/** Between the thread that walks and cuts and the node that stores: requests with a number, pieces of puts with as many bytes under way as was agreed. */
import type { ErrorRecord } from '../../errors.ts';
import type { ListJob, ListOutcome } from './list-tree.ts';
import type { BackupJob, BackupOutcome } from './run-backup.ts';
import type { PruneJob, PruneOutcome } from './run-prune.ts';
import type { RestoreJob, RestoreOutcome } from './run-restore.ts';

export interface Jobs {
  backup: { job: BackupJob & { dryRun: boolean }; outcome: BackupOutcome };
  restore: { job: RestoreJob; outcome: RestoreOutcome };
  list: { job: ListJob; outcome: ListOutcome };
  prune: { job: PruneJob; outcome: PruneOutcome };
}

export type JobKind = keyof Jobs;

/** What the thread is started with. */
export interface Start<K extends JobKind = JobKind> {
  kind: K;
  job: Jobs[K]['job'];
  /** One Int32 that is not 0 when nobody wants the result any more: a thread that is busy reads no messages. */
  abort: SharedArrayBuffer;
}

export type FromThread =
  | { op: 'put'; call: number; name: string }
  | { op: 'piece'; call: number; bytes: Uint8Array }
  | { op: 'end'; call: number }
  | { op: 'break'; call: number; error: ErrorRecord }
  | { op: 'read'; call: number; name: string; offset: number; lengthBytes: number }
  | { op: 'progress'; doneBytes: number; totalBytes: number | undefined }
  | { op: 'outcome'; outcome: Jobs[JobKind]['outcome'] }
  | { op: 'failed'; error: ErrorRecord };

export type ToThread =
  | { op: 'taken'; call: number; lengthBytes: number }
  | { op: 'done'; call: number; bytes: Uint8Array | undefined }
  | { op: 'refused'; call: number; error: ErrorRecord };
