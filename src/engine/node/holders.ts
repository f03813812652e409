/** The backends a node can ask: its own store, its folders, and the peers it has greeted. */
import type { Backend } from '../backends/backend.ts';
import { isFolderId } from '../backends/folder-marker.ts';
import { peerBackend } from '../backends/peer-backend.ts';
import type { Clock } from '../effects/clock.ts';
import type { Net } from '../effects/net.ts';
import type { Membership } from '../mesh/membership.ts';
import type { PeerHealth } from '../mesh/peer-health.ts';
import type { RequestCounter } from '../observe/requests.ts';
import type { Folders } from '../pools/folders.ts';
import type { PeerId } from '../types.ts';

interface Parts {
  net: Net;
  clock: Clock;
  own: Backend;
  folders: Folders;
  membership: Membership;
  health: PeerHealth;
  requests: RequestCounter;
}

export interface Holders {
  /** This node, one of its folders or a greeted peer; undefined when it cannot be asked now. */
  backend(peer: PeerId): Backend | undefined;
  /** This node and its folders first, then greeted peers by round-trip time. */
  reachable(): Backend[];
  forget(peer: PeerId): void;
}

/** A peer that speaks to this node does so every ten seconds at least. */
const JUST_LOST_MS = 15_000;

/** Its connection ended a moment ago, and it is being dialled again. */
export function comesBack(
  { membership, clock }: { membership: Membership; clock: Clock },
  peer: PeerId,
): boolean {
  const { greeted, lastSeenMs } = membership.member(peer) ?? { greeted: false, lastSeenMs: undefined };
  return !greeted && lastSeenMs !== undefined && Math.abs(clock.now() - lastSeenMs) < JUST_LOST_MS;
}

export function createHolders({ net, clock, own, folders, membership, health, requests }: Parts): Holders {
  const peers = new Map<PeerId, Backend>();
  const backend = (peer: PeerId): Backend | undefined => {
    if (peer === net.self) return own;
    if (isFolderId(peer)) return folders.backend(peer);
    const member = membership.member(peer);
    if (member === undefined || !member.greeted) return undefined;
    let found = peers.get(peer);
    if (found === undefined) peers.set(peer, (found = requests.counted(peerBackend(net, peer, clock))));
    return found;
  };
  return {
    backend,
    reachable() {
      const greeted = membership.members().filter((member) => member.greeted);
      // Those in quarantine or behind an open breaker last: they are asked when nobody else is left.
      const last = (peer: PeerId) => (health.mayAsk(peer) ? 0 : 1);
      greeted.sort(
        (a, b) => last(a.peerId) - last(b.peerId) || (a.rttMs ?? Infinity) - (b.rttMs ?? Infinity),
      );
      return [
        own,
        ...folders.all(),
        ...greeted.map((member) => backend(member.peerId)).filter((entry) => entry !== undefined),
      ];
    },
    forget: (peer) => void peers.delete(peer),
  };
}
