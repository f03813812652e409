/** What `verify` and `prove` show; part of the Engine interface. */
import type { HealthReport, ObjectState, ObjectView, SpareHistogram } from '../engine.ts';
import type { CodeProfile, ObjectId, OwnerId, PeerId } from '../types.ts';

/** All current objects, those of a pool, or one. */
export interface VerifyQuery {
  ref?: string | undefined;
  pool?: string | undefined;
  /** Also read, decode and decrypt all of it, and compare it with the hash of what was stored. */
  deep?: boolean | undefined;
}

export interface VerifyReport {
  /** The proved census of these objects. */
  health: HealthReport;
  /** Holders that said they have a shard and could not show it (`absent`), or showed something else (`wrong`); at most 100. */
  failed: { holder: PeerId; name: string | undefined; absent: number; wrong: number }[];
  /** With `deep`: what was read, and at most 100 objects that did not come back as they were stored. */
  deep:
    | {
        objects: number;
        bytes: number;
        unreadable: number;
        worst: { name: string; objectId: ObjectId; reason: string }[];
      }
    | undefined;
}

/** A signed census of one object (docs/FORMATS.md "Proof file"). */
export interface ProofFile {
  object: ObjectView;
  /** Ends early only by throwing. */
  body: AsyncIterable<Uint8Array>;
}

/** What a proof file proves by itself. */
export interface ProofCheck {
  objectId: ObjectId;
  /** Whose signature the manifest carries. */
  ownerId: OwnerId;
  code: CodeProfile;
  stripeCount: number;
  state: ObjectState;
  spare: number;
  stripes: SpareHistogram;
  shardsExpected: number;
  shardsProved: number;
  /** By the holders' own clocks; undefined when nothing is proved. */
  firstSignedAtMs: number | undefined;
  lastSignedAtMs: number | undefined;
  /** Who proved how many shards. `noted`: the manifest names that holder; copies of the manifest itself name nobody. */
  holders: { holder: PeerId; signer: PeerId; shards: number; noted: boolean }[];
}
