/**
 * How each peer behaves as a holder of shards, from this node's own requests: breaker, reputation and latency. Transfer code
 * reports what it saw and asks here whom to prefer; it decides by itself what to do when nobody is left.
 */
import type { Clock } from '../effects/clock.ts';
import type { Random } from '../effects/random.ts';
import type { PeerId } from '../types.ts';
import { Breaker, type BreakerState } from './breaker.ts';
import { type LatencyQuantiles, LatencyWindow } from './latency.ts';
import { MAX_KNOWN_PEERS } from './limits.ts';
import {
  faded,
  isQuarantined,
  type ObservationKind,
  observed,
  type Standing,
  stranger,
} from './reputation.ts';

export interface Observation {
  kind: ObservationKind;
  /** Of the request; for `ok`, `slow` and `refused`. */
  latencyMs?: number | undefined;
  /** Of the shard, when it was stored or came verified. */
  bytes?: number | undefined;
}

export interface PeerHealth {
  /** A data request is being sent: lets a half-open breaker count it as its probe. */
  asked(peer: PeerId): void;
  /** What came of it. `slow`: it was overtaken, or answered later than it should have. */
  observe(peer: PeerId, observation: Observation): void;
  /** 0–100; 50 for a peer of which nothing is known. */
  score(peer: PeerId): number;
  breaker(peer: PeerId): BreakerState;
  /**
   * False: ask it only when nobody else is left, and give it no new shard. Its breaker is open (or half-open with a probe under
   * way), or it is quarantined. Has no side effect, so it may be used for ranking.
   */
  mayAsk(peer: PeerId): boolean;
  quarantined(peer: PeerId): boolean;
  /** Of its data requests of the last five minutes. */
  latencyMs(peer: PeerId): LatencyQuantiles;
  /** Bytes of shards it stored for us or gave us, verified, since this node started. */
  servedBytes(peer: PeerId): number;
  /** The peer is no longer remembered. One in quarantine is: it must not come back as a stranger. */
  forget(peer: PeerId): void;
}

/**
 * Failures of one kind within this time weigh once: the requests that were under way when a peer died fail together. Wrong
 * bytes weigh each.
 */
const ONE_MOMENT_MS = 1_000;

interface Record {
  standing: Standing;
  quarantined: boolean;
  breaker: Breaker;
  latency: LatencyWindow;
  servedBytes: number;
  lastMs: Partial<{ [kind in ObservationKind]: number }>;
}

export function createPeerHealth(clock: Clock, random: Random): PeerHealth {
  const records = new Map<PeerId, Record>();

  function record(peer: PeerId): Record {
    let found = records.get(peer);
    if (found === undefined) {
      // Membership forgets peers and calls `forget`; this bound holds even if a caller reports strangers.
      const oldest = records.size >= 2 * MAX_KNOWN_PEERS ? records.keys().next().value : undefined;
      if (oldest !== undefined) records.delete(oldest);
      found = {
        standing: stranger(clock.monotonic()),
        quarantined: false,
        breaker: new Breaker(clock, random),
        latency: new LatencyWindow(),
        servedBytes: 0,
        lastMs: {},
      };
      records.set(peer, found);
    }
    return found;
  }

  /** Brings the standing to now. */
  function settle(it: Record): Record {
    it.standing = faded(it.standing, clock.monotonic());
    it.quarantined = isQuarantined(it.standing, it.quarantined);
    return it;
  }

  const known = (peer: PeerId): Record | undefined => {
    const it = records.get(peer);
    return it === undefined ? undefined : settle(it);
  };

  return {
    asked(peer) {
      record(peer).breaker.asked();
    },
    observe(peer, { kind, latencyMs, bytes }) {
      const it = record(peer);
      const nowMs = clock.monotonic();
      const lastMs = it.lastMs[kind];
      const sameMoment =
        kind !== 'ok' && kind !== 'wrong-bytes' && lastMs !== undefined && nowMs - lastMs < ONE_MOMENT_MS;
      if (!sameMoment) {
        it.standing = observed(it.standing, kind, nowMs);
        it.lastMs[kind] = nowMs;
      }
      // What it asks of us says nothing of what it answers.
      if (kind !== 'flood') it.breaker.record(BREAKER_OUTCOME[kind]);
      if (latencyMs !== undefined) it.latency.add(latencyMs, nowMs);
      if (kind === 'ok' || kind === 'slow') it.servedBytes += bytes ?? 0;
      settle(it);
    },
    score: (peer) => known(peer)?.standing.score ?? stranger(0).score,
    breaker: (peer) => records.get(peer)?.breaker.state ?? 'closed',
    mayAsk(peer) {
      const it = known(peer);
      return it === undefined || (it.breaker.allows && !it.quarantined);
    },
    quarantined: (peer) => known(peer)?.quarantined ?? false,
    latencyMs: (peer) =>
      records.get(peer)?.latency.quantiles(clock.monotonic()) ?? { p50: undefined, p95: undefined },
    servedBytes: (peer) => records.get(peer)?.servedBytes ?? 0,
    forget(peer) {
      if (known(peer)?.quarantined !== true) records.delete(peer);
    },
  };
}

/** A refusal is an answer: the way to the peer works. */
const BREAKER_OUTCOME: Readonly<{ [kind in Exclude<ObservationKind, 'flood'>]: 'good' | 'slow' | 'bad' }> = {
  ok: 'good',
  refused: 'good',
  slow: 'slow',
  timeout: 'bad',
  unreachable: 'bad',
  'wrong-bytes': 'bad',
};
