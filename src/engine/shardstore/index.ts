/**
 * Where the shards lie: an index over the log. The log is the truth; an index is an exact picture of it up to a
 * checkpoint, changed only by `commit`, which is atomic and durable. What came after the checkpoint is replayed from
 * the log, so that an index may be old, or lost, but never ahead.
 */
import type { OwnerId, ShardId } from '../types.ts';

export interface IndexEntry {
  segment: number;
  /** Of the record, in its segment. */
  offset: number;
  /** Header and owners as written there; the shard's bytes follow. */
  headBytes: number;
  lengthBytes: number;
  writtenAtMs: number;
  pool: string;
  /** Who claims it now; may differ from the owners in the record. Never empty. */
  owners: readonly OwnerId[];
}

export interface SegmentFigures {
  number: number;
  /** Bytes that count, header included; the file may be longer after a failed write. */
  validBytes: number;
  /** Bytes of records whose shard lies here now. */
  liveBytes: number;
  /** Bytes of records about owners and of gone shards: to be kept while older segments exist. */
  noteBytes: number;
  /** All that lies here now was hashed and found good at this time or later. */
  verifiedAtMs: number;
}

/** Of the checkpoint and of the entries. An index of another format is built anew from the log. */
export const INDEX_FORMAT = 2;

export interface Checkpoint {
  format: typeof INDEX_FORMAT;
  /** The salt of the store this index belongs to, as hex. */
  store: string;
  /** Everything before this place in the log is in the index, nothing after it. */
  segment: number;
  offset: number;
  shards: number;
  segments: SegmentFigures[];
  /** Bytes of shards each owner claims. */
  owners: [OwnerId, number][];
}

/** Changed entries by id; null = gone. */
export type IndexChanges = ReadonlyMap<ShardId, IndexEntry | null>;

export interface ShardIndex {
  /** Of the last commit; undefined for an empty index. */
  checkpoint(): Checkpoint | undefined;
  get(id: ShardId): IndexEntry | undefined;
  /** Up to `limit` ids after `cursor`, in order. */
  ids(cursor: ShardId | undefined, limit: number): ShardId[];
  /** All changes and the checkpoint, or, when it throws or the machine stops, nothing. Durable when it resolves. */
  commit(changes: IndexChanges, checkpoint: Checkpoint): Promise<void>;
  /** Empties the index, checkpoint included. */
  clear(): Promise<void>;
  close(): Promise<void>;
}
