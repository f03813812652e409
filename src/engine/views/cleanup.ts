/** What `cleanup` shows; part of the Engine interface. */
import type { PeerId } from '../types.ts';

export interface CleanupQuery {
  /** Shards of no object. */
  orphaned: boolean;
  /** Shards that more holders than one have after a repair. */
  duplicates: boolean;
  /** Changes nothing and says what would be done. */
  dryRun: boolean;
}

export interface CleanupReport {
  dryRun: boolean;
  orphaned: OrphanReport | undefined;
  duplicates: DuplicateReport | undefined;
  durationMs: number;
}

export interface OrphanReport {
  /** The number of this mark; the one that would be next in a dry run. */
  epoch: number;
  /** What must have passed between a shard's first mark and its sweep. */
  delayMs: number;
  /** Objects and shards that something refers to. */
  objectsLive: number;
  shardsLive: number;
  /** Shards that holders listed as this owner's. */
  shardsListed: number;
  /** Marked for the first time. In a dry run: would be. */
  marked: number;
  /** Marked before, still of no object, and kept for now. */
  waiting: number;
  /** Gone. In a dry run: would be. */
  swept: number;
  sweptBytes: number;
  holders: HolderCleanup[];
  /** Why nothing was marked or swept at all; empty when it was. */
  blocked: string[];
  /** Why some of it waits. */
  waits: string[];
}

export interface HolderCleanup {
  holder: PeerId;
  name: string | undefined;
  listed: number;
  orphans: number;
  marked: number;
  waiting: number;
  swept: number;
  /** It did not answer to the end: what it has is looked at next time. */
  failed: string | undefined;
}

export interface DuplicateReport {
  /** Shards of live objects that more holders have than the code asks for. */
  shards: number;
  /** Copies given back, in a dry run: that would be. */
  released: number;
  releasedBytes: number;
  /** Copies kept because the holder that was to stay did not prove that it has the shard. */
  unproved: number;
  /** Copies whose holder could not be asked to drop them. */
  failed: number;
}
