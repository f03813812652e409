/** What a census finds; part of the Engine interface. */
import type { CensusDepth } from '../maintenance/census-ask.ts';
import type { ObjectId, PeerId } from '../types.ts';

/** An object is as its weakest stripe: `lost` with fewer than k living shards, `critical` with just k, or where no copy of its manifest is left but what custodians keep, `degraded` with fewer than k + m. */
export type ObjectState = 'ok' | 'degraded' | 'critical' | 'lost';

/** Of the stripes of files; the copies of manifests are not among them. */
export interface SpareHistogram {
  /** Stripes with fewer than k live shards. */
  lost: number;
  /** live − k = 0: the next loss destroys data. */
  spare0: number;
  spare1: number;
  spare2: number;
  /** live − k ≥ 3. */
  spare3plus: number;
}

/** A census: what holders answered when asked for every shard, not what was once written. */
/** Stripes, and manifests with their copies, of a census by proof, by what the sums of their shards showed (docs/FORMATS.md "Sums"). */
export interface SumFigures {
  /** All shards that count are proved whole: their sums fit together, or they were read. */
  whole: number;
  /** Too few holders gave sums to compare (k shards or fewer): their shards are proved by a chunk of each. */
  unchecked: number;
  /** Sums did not fit, and not all shards in doubt could be read in this look: these count as missing. */
  open: number;
}

export interface HealthReport {
  /** `asked`: from their index. `proved`: each shard by a slice of its bytes. */
  depth: CensusDepth;
  takenAtMs: number;
  durationMs: number;
  objects: number;
  /** Every stripe has all n shards. */
  ok: number;
  /** Some shard is missing and more than k live in each stripe. */
  degraded: number;
  /** A stripe has exactly k live shards, or the manifest one copy or those of custodians alone. */
  critical: number;
  /** A stripe has fewer than k, or the manifest is gone. */
  lost: number;
  stripes: SpareHistogram;
  /** Shards of stripes and copies of manifests. */
  shardsExpected: number;
  shardsLive: number;
  /** Peers that did not answer the census. */
  silentPeers: PeerId[];
  /** With depth `proved`. */
  sums?: SumFigures | undefined;
  /** Objects came to be current since it was begun that were put before: who is not in `worst` may be one of them. */
  unseen?: true;
  /** At most 100 objects that are not `ok`, worst first. */
  worst: { name: string; objectId: ObjectId; spare: number; state: 'degraded' | 'critical' | 'lost' }[];
}
