/** Who keeps an object while its owner is away: a pure function of its id and of the members as one node sees them. */
import { compareDistance, type Placed } from '../../placement/xor.ts';
import { hexToBytes, type ObjectId, type PeerId } from '../../types.ts';

/** Custodians of an object: a constant of the network, as all nodes must name the same ones. */
export const CUSTODIANS = 3;
/** An order stays with nodes that are only just no custodians any more: members come back, and views differ for seconds. */
export const STANDBY = 2;

/** A live node that may be a custodian: it stores for the owner. `point` is its place in the key space. */
export type Member = Placed;

/**
 * The first `count` members for the object, in the order in which they lead: those whose hash with it is least (rendezvous hashing, Thaler and Ravishankar 1998),
 * so that each leads its share. By XOR distance who has few neighbours in the key space leads all that lies on its side: of twelve nodes
 * the busiest has three times its share, at times half of all.
 */
export function firstMembers(objectId: ObjectId, members: readonly Member[], count: number): PeerId[] {
  const target = hexToBytes(objectId);
  const word = firstWord(target);
  const first: { member: Member; hash: number }[] = [];
  // Of a thousand members three to five are wanted, for each object in custody: no sorting of all.
  for (const member of members) {
    const hash = mixed(word ^ firstWord(member.point));
    const isBefore = (other: (typeof first)[number]) =>
      hash < other.hash ||
      (hash === other.hash && compareDistance(target, member.point, other.member.point) < 0);
    if (first.length === count && !isBefore(first[count - 1]!)) continue;
    const at = first.findIndex(isBefore);
    first.splice(at < 0 ? first.length : at, 0, { member, hash });
    if (first.length > count) first.pop();
  }
  return first.map(({ member }) => member.peer);
}

/** Of an object id or a point, both hashes themselves. */
function firstWord(bytes: Uint8Array): number {
  return (bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!;
}

/** The finalizer of MurmurHash3 (Appleby, public domain): a bijection of 32 bits in which every bit of the input changes half of the output's. */
function mixed(word: number): number {
  let hash = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

export interface Duty {
  /** 0: leads; 1, 2: next in turn; undefined: no custodian. */
  rank: number | undefined;
  /** The other custodians, in order of their lead. */
  others: PeerId[];
  /** So near to its turn that it keeps the order in any case. */
  standby: boolean;
}

/** What a node has to do with an object. `self` counts only where it is among the members. */
export function dutyOf(self: PeerId, objectId: ObjectId, members: readonly Member[]): Duty {
  const near = firstMembers(objectId, members, CUSTODIANS + STANDBY);
  const custodians = near.slice(0, CUSTODIANS);
  const rank = custodians.indexOf(self);
  return {
    rank: rank < 0 ? undefined : rank,
    others: custodians.filter((peer) => peer !== self),
    standby: near.includes(self),
  };
}

/**
 * Whether a node may forget an order: many come before it, there are as many custodians as there should be, and each of them was heard to have
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
