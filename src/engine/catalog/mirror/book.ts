/** What the catalog remembers of its mirror: which changes no segment tells yet, which segments there are, and what comes back from them. */
import type { ObjectId, OwnerId, PeerId } from '../../types.ts';
import type { NewEntry } from '../catalog.ts';
import type { MirrorRecord } from './records.ts';

export interface MirrorSegment {
  id: number;
  objectId: ObjectId;
  holders: PeerId[];
  records: number;
  /** Written by another device and not applied here yet: its holders could not be asked. */
  unread: boolean;
}

export interface MirrorState {
  /** Of the newest head that this device wrote or took over; 0 before the first. */
  sequence: number;
  writtenAtMs: number;
  /** The head's bytes. */
  head: Uint8Array | undefined;
}

export interface PublishedSegment {
  /** As `begin` gave it. */
  segment: number;
  objectId: ObjectId;
  holders: readonly PeerId[];
  records: number;
  /** Segments whose records it has. */
  absorbed: readonly number[];
  /** By which rule custodians keep its object whole. */
  custody: NewEntry['custody'];
}

export interface PublishedHead {
  sequence: number;
  writtenAtMs: number;
  bytes: Uint8Array;
}

export interface Applied {
  /** Entries that this catalog did not have. */
  added: number;
  /** Entries and pools that changed, and entries that are gone. */
  changed: number;
  /** Names under which two devices had stored different things as one version: both are there, one renumbered. */
  conflicts: string[];
}

export interface MirrorBook {
  /** Changes that no segment tells. */
  pending(owner: OwnerId): number;
  state(owner: OwnerId): MirrorState;
  /** Oldest first. */
  segments(owner: OwnerId): MirrorSegment[];
  /** Objects of the mirror that are not released: what collecting garbage must leave alone, beside the entries. */
  objects(owner: OwnerId): ObjectId[];
  /** What a segment took that was begun and never published is pending again, some `limit` records at a time; false: there is more. */
  reclaim(owner: OwnerId, limit: number): boolean;
  /** A new segment, after `reclaim`. */
  begin(owner: OwnerId): number;
  /** Moves up to `limit` records into the segment, those without one first, then those of the segments in `from`; none: that was all. */
  take(owner: OwnerId, segment: number, from: readonly number[], limit: number): MirrorRecord[];
  /**
   * The head that tells of the segment is signed: in one transaction it takes the place of those it absorbed, and its object is to be told to custodians. Returns the
   * objects that were superseded by an earlier head: nobody who follows the newest heads needs them.
   * @param believedMs the wall time, by which old removals are forgotten; undefined where it may not be believed
   */
  publish(
    owner: OwnerId,
    published: PublishedSegment,
    head: PublishedHead,
    believedMs: number | undefined,
  ): MirrorSegment[];
  /** A segment that another device wrote, and its number here; unread until `applied`. */
  adopt(owner: OwnerId, segment: Pick<MirrorSegment, 'objectId' | 'holders' | 'records'>): number;
  /** In one transaction. Each record counts if it is newer than what is here. `ownerKey`: what the keyring calls the owner. */
  apply(owner: OwnerId, segment: number, records: readonly MirrorRecord[], ownerKey: string): Applied;
  /** All records of the segment were applied. */
  applied(owner: OwnerId, segment: number): void;
  /** Names without a current version get the newest they have: all that was to be applied was. */
  settle(owner: OwnerId): void;
  /** An entry with this object was removed, and none is left. */
  wasRemoved(owner: OwnerId, objectId: ObjectId): boolean;
  /**
   * All of a head that could be read was applied: names without a current version get one, segments not in the head are forgotten, and what only they told is pending.
   */
  followed(owner: OwnerId, head: PublishedHead, objects: readonly ObjectId[]): void;
}
