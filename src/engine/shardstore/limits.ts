/** Every bound of the shard store in one place, with its reason. Tests make the sizes small. */

export interface StoreLimits {
  /** A segment is closed when the next record would pass this. 256 MiB: few files at 10 TB, a compaction is short. */
  segmentBytes: number;
  /** Records written together at most. 4 MiB: a larger write only keeps the fdatasync behind it waiting. */
  batchBytes: number;
  /** 512: a writev of half the buffers that Linux takes at once. */
  batchRecords: number;
  /** When this much, or … */
  eagerBytes: number;
  /**
   * … so many records wait, they are written without looking for company: the disk works while the rest is hashed. 32:
   * of 64 writers one half is hashed while the other is synced. At 64 they all wait for each other, at 16 syncs cost more.
   */
  eagerRecords: number;
  /** Written ahead of the running fdatasync at most. 32 MiB: what the next one has to bring out, and reopening to hash. */
  aheadBytes: number;
  /** The same in records: reopening holds them in memory until it knows which of them count, about 4 MB. */
  aheadRecords: number;
  /** Wait this long for company before a batch is written. 0: what comes while a sync runs is company enough. */
  batchWaitMs: number;
  /** Index changes held in memory at most before a checkpoint: about 20 MB, and a random LMDB page each at worst. */
  checkpointChanges: number;
  /**
   * From so many changes to twice as many a checkpoint is made early, when the last is `smallCheckpointEveryMs` ago.
   * 1,024: under slow writes every commit is then too small for a thread of its own (lmdb-index.ts), whose coming and
   * going leaves megabytes of heap in pieces; 5 to 12 ms of this thread. Fast writes pass the range sooner.
   */
  smallCheckpointChanges: number;
  smallCheckpointEveryMs: number;
  /** Log written at most between checkpoints: what reopening reads again, about a second. */
  checkpointBytes: number;
  /** After a checkpoint that failed the next is not tried before this: it would fail with every batch. */
  checkpointRetryMs: number;
  /** File handles kept open on closed segments. */
  openSegments: number;
  /** Occupied on disk beforehand and given up on ENOSPC: deletes can still be logged, 64 bytes each, and an index commit. */
  ballastBytes: number;
  /** Compaction starts when the files are this many times the live records. Under the bound of 1.15 it holds. */
  amplification: number;
  /** Compaction reads and copies at most this fast, so that it never starves puts. */
  compactionBytesPerSecond: number;
  /** A segment is hashed again by the background scrub when that was last done this long ago. */
  scrubEveryMs: number;
  /** Free space is asked again after this long … */
  spaceEveryMs: number;
  /** … or after this many bytes were admitted, whatever comes first. */
  spaceEveryBytes: number;
}

const MiB = 1024 * 1024;

export const STORE_LIMITS: StoreLimits = {
  segmentBytes: 256 * MiB,
  batchBytes: 4 * MiB,
  batchRecords: 512,
  eagerBytes: MiB,
  eagerRecords: 32,
  aheadBytes: 32 * MiB,
  aheadRecords: 8192,
  batchWaitMs: 0,
  checkpointChanges: 65_536,
  smallCheckpointChanges: 1024,
  smallCheckpointEveryMs: 10_000,
  checkpointBytes: 512 * MiB,
  checkpointRetryMs: 5000,
  openSegments: 128,
  ballastBytes: 8 * MiB,
  amplification: 1.12,
  compactionBytesPerSecond: 64 * MiB,
  scrubEveryMs: 7 * 24 * 3600 * 1000,
  spaceEveryMs: 1000,
  spaceEveryBytes: 64 * MiB,
};

/** The largest chunk as one replica with its tag and padding (effects/net.ts, MAX_BODY_BYTES). */
export const MAX_SHARD_BYTES = 64 * MiB + 64 * 1024;
/** A pool's name in UTF-8: names of people's making, and a length of one byte. */
export const MAX_POOL_BYTES = 64;
/** Owners that claim one shard at most: a claim writes them all again, and a header stays under 9 KiB. */
export const MAX_OWNERS = 256;
