/** What the commands of the mesh show beyond the peers themselves; part of the Engine interface. */
import type { PeerState } from '../engine.ts';
import type { PeerId } from '../types.ts';

/**
 * bootstrap: a configured address, or told by the node there. peer: told by a peer that was connected. dht: met on a walk through
 * the DHT. mdns: it announced itself on the local network. gossip: its heartbeat came meanwhile.
 */
export type FoundVia = 'bootstrap' | 'peer' | 'dht' | 'mdns' | 'gossip';

export interface FoundPeer {
  peerId: PeerId;
  name: string | undefined;
  via: FoundVia[];
  /** Not known before this search. */
  isNew: boolean;
  state: PeerState | undefined;
  rttMs: number | undefined;
  address: string | undefined;
}

export interface DiscoveryReport {
  durationMs: number;
  /** Which ways were asked, and why one failed or does not exist here; `found` counts peers. */
  asked: { via: FoundVia; target: string; found: number; failure: string | undefined }[];
  peers: FoundPeer[];
}

export interface SpeedReport {
  peerId: PeerId;
  name: string | undefined;
  /** Bytes of test data and the time from the first request to the last answer, each way. */
  sentBytes: number;
  sentMs: number;
  receivedBytes: number;
  receivedMs: number;
  /** Smallest of five small requests. */
  rttMs: number;
  /** Share of all bytes to and from the peer meanwhile that did not go over libp2p. */
  tlsShare: number;
}
