/**
 * What a custodian keeps of an object: the owner's order, a replica of the manifest, and where shards are that have moved. SQLite
 * (sqlite-custody.ts) implements it, and memory (memory-custody.ts) for the simulator.
 */
import type { ObjectId, OwnerId, PeerId } from '../../types.ts';
import type { Order } from './order.ts';

/** Number of the manifest's replicas where stripes are numbered from 0. */
export const MANIFEST_GROUP = 0xffff_ffff;

/** Somebody's word that a holder has a shard: checked like any other. */
export interface Claim {
  /** From 0; MANIFEST_GROUP for replicas of the manifest, of which `index` counts as well. */
  stripe: number;
  index: number;
  holder: PeerId;
}

export interface ClaimsOf {
  objectId: ObjectId;
  claims: readonly Claim[];
}

/** What a census found out. */
export interface Found extends ClaimsOf {
  /** Write-time holders of the manifest's stripes: to be given with it. */
  noted: readonly PeerId[];
}

export interface Keep {
  order: Order;
  /** As signed. */
  bytes: Uint8Array;
  /** Verified to be the object's; kept when there is none yet. */
  manifest?: Uint8Array | undefined;
  /** Write-time holders of the manifest's stripes: to be given with it. */
  holders?: readonly PeerId[] | undefined;
  claims?: readonly Claim[] | undefined;
}

/**
 * `older`: what is kept already is newer. `full`: the owner's share of this store is used up. `disputed`: another owner's order is kept, and this one came
 * without the manifest, which alone tells whose the object is; with it, it takes the place of one that came without.
 */
export type Kept = 'kept' | 'known' | 'older' | 'full' | 'disputed';

export interface CustodyMark {
  objectId: ObjectId;
  owner: OwnerId;
  state: Order['state'];
  sequence: number;
  hasManifest: boolean;
  /** 0 without one. */
  manifestBytes: number;
}

export interface CustodyRecord extends CustodyMark {
  order: Order;
  bytes: Uint8Array;
  claims: Claim[];
}

export interface CustodyLimits {
  /** Orders of one owner, releases among them; when there are as many, those carried out longest ago give way to what is new. */
  ordersPerOwner: number;
  /** Bytes of manifests of one owner. */
  manifestBytesPerOwner: number;
}

/**
 * 500,000 objects of one owner on a custodian are 5 million in a mesh of 30 nodes; at 500 bytes for a release and 2 KiB for a small
 * object's manifest that is 1 GiB of a disk at most.
 */
export const CUSTODY_LIMITS: CustodyLimits = {
  ordersPerOwner: 500_000,
  manifestBytesPerOwner: 1024 * 1024 * 1024,
};

/** Releases carried out that give way together when an owner's share of orders is used up. */
export const GIVE_WAY = 256;

/** Holders remembered for one place: where it was, where it is, and one that came in between. */
export const CLAIMS_PER_PLACE = 3;

/** Orders, of which released, and bytes of manifests. */
export interface CustodyUsage {
  orders: number;
  released: number;
  manifestBytes: number;
}

export interface CustodyStore {
  /** All in one transaction, durable on return. */
  keep(batch: readonly Keep[]): Kept[];
  mark(id: ObjectId): CustodyMark | undefined;
  get(id: ObjectId): CustodyRecord | undefined;
  manifest(id: ObjectId): Uint8Array | undefined;
  /** In the order of their ids, after `cursor`. */
  list(cursor: ObjectId | undefined, limit: number): CustodyMark[];
  /** The same without releases that are carried out: they pile up, and nothing is left to do about them. */
  listOpen(cursor: ObjectId | undefined, limit: number): CustodyMark[];
  /** Objects of which the holder has or had a shard, by their manifests or claims; in order, after `cursor`. */
  heldBy(holder: PeerId, cursor: ObjectId | undefined, limit: number): ObjectId[];
  /** The newest claim for a place first; older ones fall out. Of objects that are not kept: nothing happens. */
  claim(batch: readonly ClaimsOf[]): void;
  /** Replaces all claims of each object. Whoever is neither noted nor claimed then no longer counts as one that had a shard: with each node that is replaced there is one more. */
  reclaim(batch: readonly Found[]): void;
  claims(id: ObjectId): Claim[];
  forget(ids: readonly ObjectId[]): void;
  /** A release was carried out at every holder: manifest and claims go, the order stays as a tombstone. */
  settle(id: ObjectId): void;
  /** Cheap, however many there are. */
  usage(): CustodyUsage;
  close(): void;
}

/** Whether it may take the room of releases that were carried out: not what is one of them itself, of which another custodian tells. */
export function makesRoom({ order, manifest }: Keep): boolean {
  return order.state === 'live' || manifest !== undefined;
}
