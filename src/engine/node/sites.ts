/** Where holders stand and who takes shards now, as placement wants to know it. */
import type { Clock } from '../effects/clock.ts';
import type { Member, Membership } from '../mesh/membership.ts';
import { peerKeyBytes } from '../mesh/peer-key.ts';
import type { Candidate, Site } from '../placement/domains.ts';
import { pointOf } from '../placement/xor.ts';
import type { OwnerId, PeerId } from '../types.ts';

interface Parts {
  self: PeerId;
  /** This node's own place: the disk under its shards, its zone and rack. */
  own: Omit<Site, 'peer'>;
  membership: Membership;
  admitsOwner(owner: OwnerId, peer: PeerId): boolean;
  /** This node leaves: it takes nothing more. */
  isLeaving(): boolean;
  /** Quota of this node. */
  offersBytes: number;
  /** Bytes that this node still takes. */
  freeBytes(): number;
  clock: Pick<Clock, 'monotonic'>;
}

/** Many small puts a moment place their shards by one list. Who goes meanwhile fails to answer, as who goes during the put. */
const REMEMBERED_MS = 50;

export interface Sites {
  /** Where a holder stands; undefined when this node has not heard of it. */
  siteOf(holder: PeerId): Site | undefined;
  /** Nodes that take shards of this owner now. */
  candidates(owner: OwnerId): Candidate[];
  /** Live nodes that store anything for anybody, this one among them if it does; full ones too. */
  nodes(): Candidate[];
  forget(peer: PeerId): void;
}

export function createSites({
  self,
  own,
  membership,
  admitsOwner,
  isLeaving,
  offersBytes,
  freeBytes,
  clock,
}: Parts): Sites {
  const points = new Map<PeerId, Uint8Array>();
  const pointOfPeer = (peer: PeerId) => {
    let point = points.get(peer);
    if (point === undefined) points.set(peer, (point = pointOf(peerKeyBytes(peer))));
    return point;
  };
  const siteOf = (holder: PeerId): Site | undefined => {
    if (holder === self) return { peer: holder, ...own };
    const member = membership.member(holder);
    return member && { peer: holder, zone: member.info?.zone, rack: member.info?.rack };
  };
  const candidateOf = (member: Member): Candidate => ({
    point: pointOfPeer(member.peerId),
    freeBytes: member.info?.freeBytes ?? 0,
    ...(siteOf(member.peerId) ?? { peer: member.peerId }),
  });
  let last: { owner: OwnerId; atMs: number; found: Candidate[] } | undefined;
  const active = () => membership.members().filter((member) => member.greeted && member.state === 'active');
  const here = (): Candidate => ({
    peer: self,
    ...siteOf(self),
    point: pointOfPeer(self),
    freeBytes: freeBytes(),
  });
  return {
    siteOf,
    candidates(id) {
      const nowMs = clock.monotonic();
      if (last?.owner === id && nowMs - last.atMs < REMEMBERED_MS) return [...last.found];
      const found = active()
        .filter((member) => member.admits.has(id))
        .map(candidateOf);
      if (!isLeaving() && admitsOwner(id, self)) found.push(here());
      last = { owner: id, atMs: nowMs, found: found.filter((candidate) => candidate.freeBytes > 0) };
      return [...last.found];
    },
    nodes() {
      const found = active()
        .filter(({ info }) => (info?.capacityBytes ?? 0) > 0)
        .map(candidateOf);
      if (offersBytes > 0 && !isLeaving()) found.push(here());
      return found;
    },
    forget: (peer) => void points.delete(peer),
  };
}
