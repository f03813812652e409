/** What `recover` tells: where the catalog came from, what came back and what could not. */
import type { ObjectId, OwnerId } from '../types.ts';

export interface RecoverQuery {
  /** Look for objects of the owner themselves, beside or in place of the mirrored catalog. */
  scan?: boolean | undefined;
}

export interface RecoveryReport {
  owner: OwnerId;
  /** The newest head that was found; undefined when nobody had any. */
  head: HeadView | undefined;
  /** Segments of the mirrored catalog, and those of them that nobody gave. */
  segments: number;
  missingSegments: ObjectId[];
  /** What the scan found; undefined without one. */
  scan: ScanView | undefined;
  /** In the catalog now. */
  objects: number;
  versions: number;
  logicalBytes: number;
  pools: number;
  /** Versions more than before. */
  added: number;
  /** Names that two devices had stored at once: both versions are there. */
  conflicts: string[];
  durationMs: number;
}

export interface HeadView {
  sequence: number;
  writtenAtMs: number;
  /** Nodes that gave this very head, of those that answered. */
  agreed: number;
  asked: number;
  /** Nodes that gave a forged or malformed one. */
  refused: number;
}

export interface ScanView {
  /** Nodes that told which objects of the owner they keep. */
  asked: number;
  /** Objects they named. */
  named: number;
  /** Objects that were in no catalog, and are now. */
  added: number;
  /** Objects whose manifest nobody gave, or that this key does not open. */
  missing: ObjectId[];
}
