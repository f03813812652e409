/** Who keeps an object while its owner is away: a pure function of its id and of the members as one node sees them. */
import { byDistance, type Placed, pointOfShard } from '../../placement/xor.ts';
import { manifestShardId, type ObjectId, type PeerId } from '../../types.ts';

/** Custodians of an object: a constant of the network, as all nodes must name the same ones. */
export const CUSTODIANS = 3;
/** An order stays with nodes that are only just no custodians any more: members come back, and views differ for seconds. */
export const STANDBY = 2;

/** A live node that may be a custodian: it stores for the owner. `point` is its place in the key space. */
export type Member = Placed;

/** The closest `count` members to the object, closest first: the order in which they lead. */
export function closestMembers(objectId: ObjectId, members: readonly Member[], count: number): PeerId[] {
  return byDistance(pointOfShard(manifestShardId(objectId)), members)
    .slice(0, count)
    .map(({ peer }) => peer);
}

export interface Duty {
  /** 0: leads; 1, 2: next in turn; undefined: no custodian. */
  rank: number | undefined;
  /** The other custodians, in order of their lead. */
  others: PeerId[];
  /** Close enough to keep the order in any case. */
  standby: boolean;
}

/** What a node has to do with an object. `self` counts only where it is among the members. */
export function dutyOf(self: PeerId, objectId: ObjectId, members: readonly Member[]): Duty {
  const near = closestMembers(objectId, members, CUSTODIANS + STANDBY);
  const custodians = near.slice(0, CUSTODIANS);
  const rank = custodians.indexOf(self);
  return {
    rank: rank < 0 ? undefined : rank,
    others: custodians.filter((peer) => peer !== self),
    standby: near.includes(self),
  };
}

/**
 * Whether a node may forget an order: it is far from the object, there are as many custodians as there should be, and each of them was heard to have
 * the order. Never while that is in doubt.
 */
export function mayForget(duty: Duty, confirmed: ReadonlySet<PeerId>): boolean {
  if (duty.standby || duty.rank !== undefined) return false;
  return duty.others.length >= CUSTODIANS && duty.others.every((peer) => confirmed.has(peer));
}

/** Custodians that must agree to a lease: a majority of those in sight, this node among them. */
export function majorityOf(custodians: number): number {
  return Math.floor(custodians / 2) + 1;
}
