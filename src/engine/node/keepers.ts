/** Nodes that may keep and hold an owner's objects, as membership sees them; those that refused are left out for a while. */
import { LRUCache } from 'lru-cache';
import type { Clock } from '../effects/clock.ts';
import type { CustodyPeers } from '../maintenance/custody/custody-peers.ts';
import type { Candidate } from '../placement/domains.ts';
import type { OwnerId, PeerId } from '../types.ts';
import type { Sites } from './sites.ts';

interface Parts {
  self: PeerId;
  clock: Clock;
  sites: Sites;
  admitsOwner(owner: OwnerId, peer: PeerId): boolean;
}

export interface Keepers extends CustodyPeers {
  /** Those that take shards of the owner now. */
  candidates(owner: OwnerId): Candidate[];
  /** Somebody came or went. */
  changed(): void;
}

/** Whom a node admits is changed by hand. */
const REFUSED_MS = 10 * 60_000;
const MAX_REFUSALS = 10_000;
/** Thousands of objects are looked at in a row: the members are not gathered anew for each. */
const REMEMBERED_MS = 500;

export function createKeepers({ self, clock, sites, admitsOwner }: Parts): Keepers {
  const refusals = new LRUCache<string, number>({ max: MAX_REFUSALS });
  const remembered = new Map<OwnerId | undefined, { members: Candidate[]; atMs: number }>();
  const membersOf = (owner: OwnerId | undefined): Candidate[] => {
    const nowMs = clock.monotonic();
    const known = remembered.get(owner);
    if (known !== undefined && nowMs - known.atMs < REMEMBERED_MS) return known.members;
    const members = sites.nodes().filter(({ peer }) => {
      if (owner === undefined) return true;
      if (peer === self) return admitsOwner(owner, self);
      return (refusals.get(`${peer} ${owner}`) ?? 0) <= nowMs;
    });
    // As many owners as a node serves; strangers cannot make it grow.
    if (remembered.size > 1000) remembered.clear();
    remembered.set(owner, { members, atMs: nowMs });
    return members;
  };
  return {
    self,
    members: membersOf,
    candidates: (owner) => membersOf(owner).filter(({ freeBytes }) => freeBytes > 0),
    refused(peer, owner) {
      refusals.set(`${peer} ${owner}`, clock.monotonic() + REFUSED_MS);
      remembered.delete(owner);
    },
    changed: () => remembered.clear(),
  };
}
