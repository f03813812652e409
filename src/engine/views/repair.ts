/** What `repair` shows; part of the Engine interface. */
import type { ObjectId } from '../types.ts';

/** All current objects, those of a pool, or one. */
export interface RepairQuery {
  ref?: string | undefined;
  pool?: string | undefined;
  /** Do it; else only tell what would be done. */
  apply?: boolean | undefined;
  /** Make holders prove every shard first: what is not proved is to be rebuilt. */
  checkIntegrity?: boolean | undefined;
}

export interface RepairItem {
  name: string;
  objectId: ObjectId;
  /** From 0; undefined for the copies of the manifest. */
  stripe: number | undefined;
  /** Live shards minus k. */
  spare: number;
  missing: number;
  /** Too many in one domain or on one node, or outside the pool. */
  misplaced: number;
}

export interface RepairReport {
  applied: boolean;
  objects: number;
  /** Objects in which anything is missing or misplaced. */
  damaged: number;
  shardsMissing: number;
  shardsMisplaced: number;
  /** Made anew, and copied to where they belong. */
  shardsRebuilt: number;
  shardsMoved: number;
  /** For which no holder was found that the pool's rule allows. */
  shardsUnplaced: number;
  /** Stripes with fewer than k live shards: beyond repair while their holders are away. Of an object without its manifest all of them, and one where its content lies in the manifest. */
  stripesLost: number;
  /** Bytes of shards read from and sent to other nodes. */
  trafficBytes: number;
  durationMs: number;
  /** The 100 of the greatest risk. */
  worst: RepairItem[];
}
