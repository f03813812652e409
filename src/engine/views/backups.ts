/** What `backup`, `snapshots` and `restore` ask for and show; part of the Engine interface. */
import type { CallOptions } from '../engine.ts';

export interface BackupCalls {
  /**
   * Stores a folder of this machine as a snapshot. Throws `file-not-found`, `bad-value` (a pattern), `lock-held` while another backup runs here, and what a put throws; packs that
   * were stored until then are found again by the next run.
   */
  backup(query: BackupQuery, call?: CallOptions): Promise<BackupReport>;
  snapshots(query?: SnapshotQuery): Promise<SnapshotList>;
  /** Throws `not-found`. */
  show(query: ShowQuery): Promise<SnapshotListing>;
  /** Writes a snapshot into a folder of this machine. Throws `not-found`, `already-exists` for a folder that is not empty. */
  restore(query: RestoreQuery, call?: CallOptions): Promise<RestoreReport>;
  /** Deletes snapshots; their chunks stay until `prune`. */
  forget(query: ForgetQuery): Promise<ForgetReport>;
  /** Deletes what no snapshot refers to. Throws `lock-held` while a backup or restore runs here, and what reading throws while a snapshot cannot be read. */
  prune(query: PruneQuery, call?: CallOptions): Promise<PruneReport>;
}

export interface BackupQuery {
  /** Absolute path of a folder. */
  source: string;
  /** Read every file, also those that look as they did at the last run, and ask the nodes for every pack. */
  full?: boolean | undefined;
  compress?: boolean | undefined;
  /** Patterns as in a .gitignore. */
  exclude?: string[] | undefined;
  tags?: string[] | undefined;
  pool?: string | undefined;
  oneFileSystem?: boolean | undefined;
  /** As of a put. */
  allowDegraded?: boolean | undefined;
  dryRun?: boolean | undefined;
}

export interface SnapshotView {
  /** 16 hex digits. */
  id: string;
  takenAtMs: number;
  source: string;
  node: string;
  tags: string[];
  files: number;
  directories: number;
  links: number;
  /** Of all files, each counted once. */
  sizeBytes: number;
  /** Packs and index that its run stored, before the erasure code; its own record, which says so, is not counted. */
  addedBytes: number;
  skipped: number;
  durationMs: number;
}

/** One that is stored, and of which too few shards are to be had, or what came is no snapshot. */
export interface UnreadSnapshot {
  id: string;
  /** When the catalog took it in; when it was taken stands in itself. */
  storedAtMs: number;
  why: string;
}

export interface SnapshotList {
  /** Newest first. */
  snapshots: SnapshotView[];
  /** Whatever was asked for: nobody knows what they are of. Newest first. */
  unread: UnreadSnapshot[];
}

export interface PathFault {
  path: string;
  why: string;
}

export interface BackupReport {
  dryRun: boolean;
  snapshot: SnapshotView;
  filesRead: number;
  bytesRead: number;
  chunksNew: number;
  chunksKnown: number;
  /** Packs that an interrupted run had stored. */
  packsAdopted: number;
  /** That cannot be read any more: what is in them and still in the folder was stored anew. */
  packsLost: number;
  /** Objects that were stored with fewer shards than wanted, or not where the pool's rule has them. */
  degraded: number;
  /** The first hundred. */
  skipped: PathFault[];
}

export interface SnapshotQuery {
  source?: string | undefined;
  tag?: string | undefined;
}

export interface ShowQuery {
  /** Id, unique beginning of one (4 digits or more), or `latest`. */
  id: string;
  path?: string | undefined;
  /** Entries to leave out, and at most how many to give. */
  skip?: number | undefined;
  limit?: number | undefined;
}

export interface EntryView {
  path: string;
  kind: 'file' | 'directory' | 'link' | 'hard-link';
  mode: number;
  uid: number;
  gid: number;
  sizeBytes: number;
  mtimeMs: number;
  target: string | undefined;
}

export interface SnapshotListing {
  snapshot: SnapshotView;
  /** Of `latest`: those that cannot be read, and may be newer. */
  unread: UnreadSnapshot[];
  entries: EntryView[];
  /** There are more. */
  more: boolean;
}

export interface RestoreQuery {
  id: string;
  /** Absolute path of a folder; made when it is missing. */
  destination: string;
  /** Relative to the snapshot's folder, or absolute in it. */
  paths?: string[] | undefined;
  /** Write into a folder that is not empty, and replace what differs. */
  overwrite?: boolean | undefined;
  dryRun?: boolean | undefined;
}

export interface RestoreReport {
  dryRun: boolean;
  snapshot: SnapshotView;
  /** Of `latest`: those that cannot be read, and may be newer. */
  unread: UnreadSnapshot[];
  files: number;
  directories: number;
  links: number;
  bytes: number;
  kept: number;
  /** Things whose owner, mode or time could not be set. */
  unset: number;
  failedCount: number;
  /** The first hundred. */
  failed: PathFault[];
  durationMs: number;
}

/** How many snapshots of each folder to keep: the newest of each period that has one. */
export interface KeepRule {
  last?: number | undefined;
  hourly?: number | undefined;
  daily?: number | undefined;
  weekly?: number | undefined;
  monthly?: number | undefined;
  yearly?: number | undefined;
}

export interface ForgetQuery {
  /** These; else what `keep` does not keep. */
  ids?: string[] | undefined;
  keep?: KeepRule | undefined;
  source?: string | undefined;
  tag?: string | undefined;
  dryRun?: boolean | undefined;
}

export interface ForgetReport {
  dryRun: boolean;
  kept: (SnapshotView & { reasons: string[] })[];
  forgotten: SnapshotView[];
  /** Named, and forgotten unread. */
  forgottenUnread: UnreadSnapshot[];
  /** What a rule cannot judge: they stay. */
  unread: UnreadSnapshot[];
}

export interface PruneQuery {
  /** Nobody else backs up with this owner's key just now: needed where another node did so lately. */
  alone?: boolean | undefined;
  dryRun?: boolean | undefined;
}

export interface PruneReport {
  dryRun: boolean;
  snapshots: number;
  chunksLive: number;
  bytesLive: number;
  packs: number;
  packsDeleted: number;
  packsRewritten: number;
  /** Packs that stay, as they cannot be read and something may be needed of them. */
  packsUnread: number;
  /** Bytes that packs take less, before the erasure code. */
  freedBytes: number;
  durationMs: number;
}
