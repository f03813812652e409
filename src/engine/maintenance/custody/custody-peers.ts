/** Who may be a custodian, as this node sees the mesh; the keeper and its parts are written against this alone. */
import type { ObjectId, OwnerId, PeerId } from '../../types.ts';
import { CUSTODIANS, type Duty, dutyOf, firstMembers, type Member, STANDBY } from './custodians.ts';

export interface CustodyPeers {
  readonly self: PeerId;
  /** Live nodes that store for the owner, this one among them if it does. */
  members(owner: OwnerId | undefined): readonly Member[];
  /** A node has said that it does not store for the owner. */
  refused(peer: PeerId, owner: OwnerId): void;
}

export function dutyFor(peers: CustodyPeers, id: ObjectId, owner: OwnerId): Duty {
  return dutyOf(peers.self, id, peers.members(owner));
}

/** Whether the peer is or may just be a custodian of the object, in this node's eyes. */
export function isNear(peers: CustodyPeers, peer: PeerId, id: ObjectId, owner: OwnerId | undefined): boolean {
  // Of one custodian more or less two nodes may differ for a moment.
  return firstMembers(id, peers.members(owner), CUSTODIANS + STANDBY).includes(peer);
}
