/** This node's heartbeat by gossip, and what is believed of the others' heartbeats. */
import { asDatameshError } from '../../errors.ts';
import type { Clock, Timer } from '../effects/clock.ts';
import type { PeerId } from '../types.ts';
import type { Gossip, Verdict } from './gossip.ts';
import {
  GOSSIP_FRESH_MS,
  GOSSIP_MAX_MS,
  GOSSIP_MIN_GAP_MS,
  GOSSIP_MIN_MS,
  GOSSIP_PER_SECOND,
  GOSSIP_RATE,
  MAX_KNOWN_PEERS,
  MAX_NODE_INFO_BYTES,
  NEWCOMER_RATE,
} from './limits.ts';
import { type NodeInfo, peekPeerId } from './node-info.ts';
import type { PeerEntry, PeerTable } from './peer-table.ts';
import { TokenBuckets } from './token-bucket.ts';

export interface HeartbeatOptions {
  clock: Clock;
  gossip: Gossip;
  network: string;
  self: PeerId;
  table: PeerTable;
  /** This node's NodeInfo as it is now, signed. */
  selfInfo(fresh: true): Uint8Array;
  /** Neither known nor passed on. */
  refuses(peer: PeerId): boolean;
  /** News of a peer came by gossip. */
  heard(entry: PeerEntry): void;
  /** A peer passed on what is invalid, or too much. */
  offence(from: PeerId, what: string): void;
}

export interface Heartbeat {
  start(): void;
  stop(): void;
  /** Publishes soon: this node changed, or met its first peer. */
  soon(): void;
  /** A newcomer said hello here: tells the others, whom it cannot reach by gossip until it has streams and a place in their mesh. */
  introduce(entry: PeerEntry): void;
}

/** How often a node of a mesh of `nodes` publishes: all of them together make `GOSSIP_PER_SECOND`. */
export function gossipIntervalMs(nodes: number): number {
  return Math.min(GOSSIP_MAX_MS, Math.max(GOSSIP_MIN_MS, (nodes * 1000) / GOSSIP_PER_SECOND));
}

/** A burst of changes is one message. */
const SOON_MS = 100;

export function createHeartbeat(options: HeartbeatOptions): Heartbeat {
  const { clock, gossip, table } = options;
  const sources = new TokenBuckets(clock, GOSSIP_RATE, MAX_KNOWN_PEERS);
  const newcomers = new TokenBuckets(clock, NEWCOMER_RATE, MAX_KNOWN_PEERS);
  let timer: Timer | undefined;
  let early: Timer | undefined;
  let stopped = false;

  function judge(from: PeerId, bytes: Uint8Array): Verdict {
    if (stopped) return 'ignore';
    if (!sources.take(from)) {
      options.offence(from, 'too much gossip');
      return 'ignore';
    }
    // Names cost nothing to make: of nodes never heard of, a source brings some at once and then a few a second.
    const about = peekPeerId(bytes);
    const isNews = about !== undefined && table.find(about) === undefined;
    if (isNews && !newcomers.take(from)) return 'ignore';
    let info: NodeInfo;
    try {
      if (bytes.length > MAX_NODE_INFO_BYTES) throw new RangeError('too long');
      info = table.verified(bytes);
    } catch (error) {
      options.offence(from, `invalid gossip: ${asDatameshError(error).message}`);
      return 'reject';
    }
    if (info.network !== options.network) {
      options.offence(from, 'gossip of another network');
      return 'reject';
    }
    if (info.peerId === options.self || options.refuses(info.peerId)) return 'ignore';
    // Its number is its time of issue. Clocks differ, so this is nobody's offence.
    if (Math.abs(clock.now() - info.seq) > GOSSIP_FRESH_MS) return 'ignore';
    const known = table.find(info.peerId);
    const nowMs = clock.monotonic();
    // Compared with what came by gossip, not with what is known: a hello may have told us before it told the others.
    if (known?.heard !== undefined) {
      // One of a time that is far ahead was heard by a clock that has been set right since.
      const isAhead = known.heard.seq - clock.now() > GOSSIP_FRESH_MS;
      if ((info.seq <= known.heard.seq && !isAhead) || nowMs - known.heard.atMs < GOSSIP_MIN_GAP_MS)
        return 'ignore';
    }
    const entry = table.learn(bytes);
    if (entry === undefined) return 'ignore';
    entry.heard = { seq: info.seq, atMs: nowMs };
    options.heard(entry);
    return 'accept';
  }

  function publish(): void {
    gossip.publish(options.selfInfo(true));
  }

  function beat(): void {
    if (stopped) return;
    publish();
    timer = clock.after(gossipIntervalMs(table.all().length + 1), beat);
  }

  return {
    start() {
      gossip.judge(judge);
      beat();
    },
    stop() {
      stopped = true;
      timer?.cancel();
      early?.cancel();
    },
    introduce(entry) {
      if (entry.heard === undefined && entry.signed !== undefined && !stopped) gossip.publish(entry.signed);
    },
    soon() {
      if (early !== undefined || stopped) return;
      early = clock.after(SOON_MS, () => {
        early = undefined;
        publish();
      });
    },
  };
}
