/** Peers as membership knows them: bounded in number, their NodeInfo only ever replaced by a newer one of their own. */
import type { PeerState } from '../engine.ts';
import type { OwnerId, PeerId } from '../types.ts';
import { freshRedial, type Redial } from './dialer.ts';
import { GOSSIP_FRESH_MS, MAX_KNOWN_PEERS } from './limits.ts';
import { type NodeInfo, peekPeerId, verifyNodeInfo } from './node-info.ts';

export interface PeerEntry {
  peerId: PeerId;
  info: NodeInfo | undefined;
  signed: Uint8Array | undefined;
  state: PeerState;
  greeted: boolean;
  introduced: boolean;
  greeting: Promise<PeerId[]> | undefined;
  admits: Set<OwnerId>;
  actsFor: Set<OwnerId>;
  /** Digest of the certificates that it presented last: of themselves a stranger could have this node keep 192 KiB for each of his names. */
  certificates: string | undefined;
  rttMs: number | undefined;
  leastRttMs: number | undefined;
  lastSeenMs: number | undefined;
  /** Between the first time it was here and the last, since this node started: names that a stranger makes up are here for moments. */
  knownForMs: number;
  /** Monotonic. */
  firstSeenMs: number | undefined;
  /** The newest heartbeat that came by gossip; this time and those below are monotonic. */
  heard: { seq: number; atMs: number } | undefined;
  /** When it was first asked since its last sign of life; undefined while nothing is owed. */
  unansweredSinceMs: number | undefined;
  nextHelloMs: number;
  beats: number;
  redial: Redial;
}

export class PeerTable {
  private readonly entries = new Map<PeerId, PeerEntry>();
  private readonly self: PeerId;
  private readonly network: string;
  private readonly forgotten: (peer: PeerId) => void;
  private readonly renewed: (before: NodeInfo, now: NodeInfo) => void;

  /** @param renewed of a peer that said something else of itself before */
  constructor(
    self: PeerId,
    network: string,
    forgotten: (peer: PeerId) => void,
    renewed: (before: NodeInfo, now: NodeInfo) => void = () => {},
  ) {
    this.renewed = renewed;
    this.self = self;
    this.network = network;
    this.forgotten = forgotten;
  }

  all(): PeerEntry[] {
    return [...this.entries.values()];
  }

  find(peer: PeerId): PeerEntry | undefined {
    return this.entries.get(peer);
  }

  /** The entry of a peer, made when there is none. */
  entry(peerId: PeerId): PeerEntry {
    let entry = this.entries.get(peerId);
    if (entry === undefined) {
      this.forgetOne();
      entry = {
        peerId,
        info: undefined,
        signed: undefined,
        state: 'offline',
        greeted: false,
        introduced: false,
        greeting: undefined,
        admits: new Set(),
        actsFor: new Set(),
        certificates: undefined,
        rttMs: undefined,
        leastRttMs: undefined,
        lastSeenMs: undefined,
        knownForMs: 0,
        firstSeenMs: undefined,
        heard: undefined,
        unansweredSinceMs: undefined,
        nextHelloMs: 0,
        beats: 0,
        redial: freshRedial(),
      };
      this.entries.set(peerId, entry);
    }
    return entry;
  }

  /**
   * Of those that are away whoever was known for the shortest time goes, of equals who was seen longest ago: whose name is gone for good is taken for gone itself
   * (node/custody.ts), and two thousand names cost a stranger seconds, but not years. One pass, no sorting: this runs once for each of his names.
   */
  private forgetOne(): void {
    if (this.entries.size < MAX_KNOWN_PEERS) return;
    let least: PeerEntry | undefined;
    for (const entry of this.entries.values())
      if (entry.state === 'offline' && (least === undefined || isLess(entry, least))) least = entry;
    if (least === undefined) return;
    this.entries.delete(least.peerId);
    this.forgotten(least.peerId);
  }

  /** As `verifyNodeInfo`; what was verified before is not verified again, for heartbeats repeat it. */
  verified(signed: Uint8Array): NodeInfo {
    const hint = peekPeerId(signed);
    const known = hint === undefined ? undefined : this.entries.get(hint);
    return known?.signed !== undefined &&
      known.info !== undefined &&
      Buffer.compare(known.signed, signed) === 0
      ? known.info
      : verifyNodeInfo(signed);
  }

  /**
   * Newer signed info replaces older; returns the entry when it is of this network.
   * @param told `by`: who says it on its own connection. Of itself that replaces also what it issued long after: its clock was ahead, and nothing it says would count
   * before that time has come. `latestSeq`: what is known is not replaced by what was issued later, as others may still have what the node has corrected since.
   */
  learn(signed: Uint8Array, told: { by?: PeerId; latestSeq?: number } = {}): PeerEntry | undefined {
    const info = this.verified(signed);
    if (info.network !== this.network || info.peerId === this.self) return undefined;
    const entry = this.entry(info.peerId);
    const known = entry.info?.seq;
    const isNews =
      known === undefined ||
      (info.seq > known && info.seq <= (told.latestSeq ?? info.seq)) ||
      (told.by === info.peerId && known - info.seq > GOSSIP_FRESH_MS);
    if (isNews) {
      if (entry.info !== undefined) this.renewed(entry.info, info);
      entry.info = info;
      // A copy: by gossip it is some bytes of a buffer of up to 256 KiB, all of which would be kept with it.
      entry.signed = Uint8Array.from(signed);
    }
    return entry;
  }
}

function isLess(a: PeerEntry, b: PeerEntry): boolean {
  return (
    a.knownForMs < b.knownForMs ||
    (a.knownForMs === b.knownForMs && (a.lastSeenMs ?? 0) < (b.lastSeenMs ?? 0))
  );
}
