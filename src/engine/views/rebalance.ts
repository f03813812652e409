/** What `rebalance` shows; part of the Engine interface. */
import type { PeerId } from '../types.ts';

export interface RebalanceQuery {
  /** `default` when absent. */
  pool?: string | undefined;
  /** Carry the plan out; else only tell it. */
  apply?: boolean | undefined;
  /** A holder within this part of its fair share is left alone unless another is not: 0.1 when absent. */
  tolerance?: number | undefined;
  /** Bytes a second that may be read and sent for it; 0: as many as go. */
  bytesPerSecond?: number | undefined;
}

export interface RebalanceHolder {
  holder: PeerId;
  name: string | undefined;
  /** Of the pool's, as it was just measured. */
  shards: number;
  bytes: number;
  /** With the moves of this plan, or those that were carried out. */
  shardsAfter: number;
  bytesAfter: number;
  /** By what it offers and the rule of the pool; undefined where it neither gives nor gets: it leaves, or is no holder of the pool. */
  fairBytes: number | undefined;
}

export interface RebalanceReport {
  applied: boolean;
  pool: string;
  /** Versions of objects looked at. */
  objects: number;
  tolerance: number;
  /** Largest distance of a holder from its fair share, as a part of it; less than a shard counts as none. */
  farthest: number;
  farthestAfter: number;
  /** Shards to be moved, and their bytes. */
  moves: number;
  moveBytes: number;
  /** With `apply`: released by their old holders, and those of which both holders have a copy or nothing changed. */
  moved: number;
  movedBytes: number;
  failed: number;
  /** Stripes and manifests left alone: something is missing or misplaced, or waits for a holder that leaves. */
  skipped: number;
  /** Bytes of shards received from and sent to others. */
  trafficBytes: number;
  durationMs: number;
  holders: RebalanceHolder[];
}
