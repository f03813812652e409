/**
 * How each peer behaves as a holder of shards, from this node's own requests: breaker, reputation and latency. Transfer code
 * reports what it saw and asks here whom to prefer; it decides by itself what to do when nobody is left.
 */
import type { Clock } from '../effects/clock.ts';
import type { Random } from '../effects/random.ts';
import type { PeerId } from '../types.ts';
import { Breaker, type BreakerState } from './breaker.ts';
import { Lag } from './lag.ts';
import type { LatencyQuantiles } from './latency.ts';
import { type DataRequest, LatencyBook } from './latency-book.ts';
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
  /** What the latency is of; a `get` when absent. */
  request?: DataRequest | undefined;
  /** Of the shard that was asked for; `bytes` when absent. */
  sizeBytes?: number | undefined;
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
  /** Of its data requests of the last five minutes, reads and writes of all sizes together. */
  latencyMs(peer: PeerId): LatencyQuantiles;
  /**
   * What to reckon with for a read of a shard of this size: its usual time, more while it is behind, infinite while it owes an overdue
   * answer; undefined when it was never asked for such a one.
   */
  expectedMs(peer: PeerId, sizeBytes: number): number | undefined;
  /** After this time a read of a shard of this size counts as late: the 95th percentile of this peer, or of all while it is little known. */
  lateAfterMs(peer: PeerId, sizeBytes: number): number;
  /** A read has become late, and another peer is asked beside it. The function that comes back is called when it has ended. */
  late(peer: PeerId): () => void;
  /** How often another peer was asked beside it, and how often the other was first. */
  lateReads(peer: PeerId): LateReads;
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
/**
 * A node whose own line is bad gets no answer from anybody, and would have all of them in quarantine for half an hour after it is mended. Where most of those that
 * were asked within this time, two at least, gave none, that one of them did not is held against it no more than a connection that failed.
 */
const COMMON_MS = 30_000;

interface LateReads {
  hedged: number;
  overtaken: number;
}

/** The 95th percentile of fewer samples is their largest: others' is better then. */
const ENOUGH_SAMPLES = 20;
/** Kept of each class of all peers together. */
const POOLED_SAMPLES = 256;
/** While nothing is known of anybody. */
const UNKNOWN_LATE_MS = 250;
/** One peer whose own tail is long is late when it takes this many times its median and others would have answered. */
const TAIL_FACTOR = 4;
/** Sooner, it would be scheduling noise; later, somebody is waiting for nothing. */
const MIN_LATE_MS = 10;
const MAX_LATE_MS = 2_000;

interface Record {
  standing: Standing;
  quarantined: boolean;
  breaker: Breaker;
  latency: LatencyBook;
  lag: Lag;
  hedged: number;
  overtaken: number;
  servedBytes: number;
  lastMs: Partial<{ [kind in ObservationKind]: number }>;
}

export function createPeerHealth(clock: Clock, random: Random): PeerHealth {
  const records = new Map<PeerId, Record>();
  const everybody = new LatencyBook(POOLED_SAMPLES);

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
        latency: new LatencyBook(),
        lag: new Lag(),
        hedged: 0,
        overtaken: 0,
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

  /** Whether silence is what this node hears most, of late. */
  function isSilenceCommon(nowMs: number): boolean {
    let silent = 0;
    let heard = 0;
    for (const { lastMs } of records.values()) {
      const silentMs = lastMs.timeout ?? Number.NEGATIVE_INFINITY;
      const heardMs = Math.max(...ANSWERS.map((kind) => lastMs[kind] ?? Number.NEGATIVE_INFINITY));
      if (nowMs - Math.max(silentMs, heardMs) > COMMON_MS) continue;
      if (silentMs >= heardMs) silent++;
      else heard++;
    }
    return silent >= 2 && silent > heard;
  }

  const known = (peer: PeerId): Record | undefined => {
    const it = records.get(peer);
    return it === undefined ? undefined : settle(it);
  };

  return {
    asked(peer) {
      record(peer).breaker.asked();
    },
    observe(peer, { kind, latencyMs, bytes, request = 'get', sizeBytes = bytes ?? 0 }) {
      const it = record(peer);
      const nowMs = clock.monotonic();
      const lastMs = it.lastMs[kind];
      const sameMoment =
        kind !== 'ok' && kind !== 'wrong-bytes' && lastMs !== undefined && nowMs - lastMs < ONE_MOMENT_MS;
      if (!sameMoment) {
        it.lastMs[kind] = nowMs;
        const isCommon = kind === 'timeout' && isSilenceCommon(nowMs);
        it.standing = observed(it.standing, isCommon ? 'unreachable' : kind, nowMs);
      }
      // What it asks of us says nothing of what it answers.
      if (kind !== 'flood') it.breaker.record(BREAKER_OUTCOME[kind]);
      if (latencyMs !== undefined) {
        if (kind === 'ok') it.lag.answered(latencyMs, it.latency.of(request, sizeBytes, nowMs).p50);
        if (kind === 'slow') {
          it.lag.overtaken(latencyMs, nowMs);
          it.overtaken++;
        }
        it.latency.add(request, sizeBytes, latencyMs, nowMs);
        everybody.add(request, sizeBytes, latencyMs, nowMs);
      }
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
      records.get(peer)?.latency.overall(clock.monotonic()) ?? { p50: undefined, p95: undefined },
    expectedMs(peer, sizeBytes) {
      const it = records.get(peer);
      if (it === undefined) return undefined;
      const nowMs = clock.monotonic();
      const usualMs = it.latency.of('get', sizeBytes, nowMs).p50;
      const lagMs = it.lag.ms(nowMs);
      return usualMs === undefined && lagMs === 0 ? undefined : Math.max(usualMs ?? 0, lagMs);
    },
    lateAfterMs(peer, sizeBytes) {
      const nowMs = clock.monotonic();
      const own = records.get(peer)?.latency.of('get', sizeBytes, nowMs, ENOUGH_SAMPLES);
      const all = everybody.of('get', sizeBytes, nowMs, ENOUGH_SAMPLES).p95 ?? UNKNOWN_LATE_MS;
      const lateMs =
        own?.p50 === undefined || own.p95 === undefined
          ? all
          : Math.min(own.p95, Math.max(all, own.p50 * TAIL_FACTOR));
      return Math.min(MAX_LATE_MS, Math.max(MIN_LATE_MS, lateMs));
    },
    late(peer) {
      const it = record(peer);
      it.hedged++;
      return it.lag.late();
    },
    lateReads(peer) {
      const it = records.get(peer);
      return { hedged: it?.hedged ?? 0, overtaken: it?.overtaken ?? 0 };
    },
    servedBytes: (peer) => records.get(peer)?.servedBytes ?? 0,
    forget(peer) {
      if (known(peer)?.quarantined !== true) records.delete(peer);
    },
  };
}

/** Who was overtaken had not answered yet. */
const ANSWERS = ['ok', 'refused'] as const;

/** A refusal is an answer: the way to the peer works. */
const BREAKER_OUTCOME: Readonly<{ [kind in Exclude<ObservationKind, 'flood'>]: 'good' | 'slow' | 'bad' }> = {
  ok: 'good',
  refused: 'good',
  'failed-audit': 'good',
  slow: 'slow',
  timeout: 'bad',
  unreachable: 'bad',
  'wrong-bytes': 'bad',
};
