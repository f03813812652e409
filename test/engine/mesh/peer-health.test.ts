import { beforeEach, describe, expect, test } from 'vitest';
import { createPeerHealth, type PeerHealth } from '../../../src/engine/mesh/peer-health.ts';
import { HALF_LIFE_MS } from '../../../src/engine/mesh/reputation.ts';
import type { PeerId } from '../../../src/engine/types.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';

const a = 'peer-a' as PeerId;
const b = 'peer-b' as PeerId;
/** Half of the range: no jitter. */
const random = { bytes: (length: number) => new Uint8Array(length), fraction: () => 0.5 };

let clock: ManualClock;
let health: PeerHealth;
beforeEach(() => {
  clock = manualClock();
  health = createPeerHealth(clock, random);
});

function observe(peer: PeerId, kind: Parameters<PeerHealth['observe']>[1]['kind'], times = 1): void {
  for (let i = 0; i < times; i++) health.observe(peer, { kind });
}

describe('breaker', () => {
  test('opens at four failures in a row, for that peer alone', () => {
    observe(a, 'unreachable', 3);
    expect(health.breaker(a)).toBe('closed');
    observe(a, 'timeout');
    expect(health.breaker(a)).toBe('open');
    expect(health.mayAsk(a)).toBe(false);
    expect(health.mayAsk(b)).toBe(true);
  });

  test('an answer in between starts the run anew, and more than half of the window opens it all the same', () => {
    for (let i = 0; i < 2; i++) {
      observe(a, 'ok', 3);
      observe(a, 'unreachable', 3);
    }
    expect(health.breaker(a)).toBe('closed');
    observe(a, 'ok');
    observe(a, 'unreachable', 2);
    expect(health.breaker(a)).toBe('open');
  });

  test('a refusal opens nothing, slowness does when it is the rule', () => {
    observe(a, 'refused', 50);
    expect(health.breaker(a)).toBe('closed');
    observe(b, 'slow', 6);
    expect(health.breaker(b)).toBe('open');
  });

  test('is probed by one request, which closes it', () => {
    observe(a, 'unreachable', 4);
    clock.advance(999);
    expect(health.breaker(a)).toBe('open');
    clock.advance(1);
    expect(health.breaker(a)).toBe('half-open');
    expect(health.mayAsk(a)).toBe(true);
    health.asked(a);
    expect(health.mayAsk(a)).toBe(false);
    observe(a, 'ok');
    expect(health.breaker(a)).toBe('closed');
    expect(health.mayAsk(a)).toBe(true);
  });

  test('doubles its wait with each failed probe, up to 30 s, and begins anew after a good one', () => {
    const waits: number[] = [];
    observe(a, 'unreachable', 4);
    for (let probe = 0; probe < 8; probe++) {
      const before = clock.monotonic();
      while (health.breaker(a) === 'open') clock.advance(100);
      waits.push(clock.monotonic() - before);
      observe(a, 'unreachable');
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
    clock.advance(30_000);
    observe(a, 'ok');
    observe(a, 'unreachable', 4);
    clock.advance(1000);
    expect(health.breaker(a)).toBe('half-open');
  });

  test('a probe that is never answered does not keep the next one back', () => {
    observe(a, 'unreachable', 4);
    clock.advance(1000);
    health.asked(a);
    expect(health.mayAsk(a)).toBe(false);
    clock.advance(5000);
    expect(health.mayAsk(a)).toBe(true);
  });

  test('late answers to what was asked before it opened do not close it', () => {
    observe(a, 'timeout', 4);
    observe(a, 'ok', 3);
    expect(health.breaker(a)).toBe('open');
  });
});

describe('reputation', () => {
  test('failures of one moment weigh once, wrong bytes each', () => {
    observe(a, 'unreachable');
    const once = health.score(a);
    observe(a, 'unreachable', 30);
    expect(health.score(a)).toBe(once);
    clock.advance(1000);
    observe(a, 'unreachable');
    expect(health.score(a)).toBeLessThan(once);
    observe(b, 'wrong-bytes');
    const lied = health.score(b);
    observe(b, 'wrong-bytes');
    expect(health.score(b)).toBeLessThan(lied);
  });

  test('a liar goes into quarantine, is not forgotten there, and comes back with time', () => {
    observe(a, 'wrong-bytes', 5);
    expect(health.quarantined(a)).toBe(true);
    expect(health.mayAsk(a)).toBe(false);
    clock.advance(HALF_LIFE_MS / 10);
    health.forget(a);
    expect(health.quarantined(a)).toBe(true);
    clock.advance(4 * HALF_LIFE_MS);
    expect(health.mayAsk(a)).toBe(true);
  });

  test('a flooder loses reputation and its breaker stays as it is', () => {
    for (let i = 0; i < 60; i++) {
      observe(a, 'flood');
      clock.advance(1000);
    }
    expect(health.quarantined(a)).toBe(true);
    expect(health.breaker(a)).toBe('closed');
  });
});

describe('latency', () => {
  test('quantiles are those of the last 64 requests', () => {
    for (let i = 1; i <= 200; i++) health.observe(a, { kind: 'ok', latencyMs: i });
    expect(health.latencyMs(a)).toEqual({ p50: 168, p95: 197 });
  });

  test('what is older than five minutes counts no more', () => {
    health.observe(a, { kind: 'slow', latencyMs: 5000 });
    expect(health.latencyMs(a).p95).toBe(5000);
    clock.advance(5 * 60_000 + 1);
    expect(health.latencyMs(a)).toEqual({ p50: undefined, p95: undefined });
  });

  test('a read is late after the 95th percentile of its peer, of all peers while it is little known', () => {
    expect(health.lateAfterMs(a, 100)).toBe(250);
    for (let i = 1; i <= 100; i++) health.observe(b, { kind: 'ok', bytes: 100, latencyMs: i });
    expect(health.lateAfterMs(a, 100)).toBe(95);
    for (let i = 0; i < 64; i++) health.observe(a, { kind: 'ok', bytes: 100, latencyMs: i < 61 ? 40 : 70 });
    expect(health.lateAfterMs(a, 100)).toBe(40);
    expect(health.lateAfterMs(a, 1 << 20)).toBe(250);
    for (let i = 0; i < 64; i++) health.observe(a, { kind: 'ok', bytes: 100, latencyMs: 1 });
    expect(health.lateAfterMs(a, 100)).toBe(10);
  });

  test('a peer with a long tail is not waited for as long as its tail', () => {
    for (let i = 0; i < 200; i++) health.observe(b, { kind: 'ok', bytes: 100, latencyMs: 20 });
    for (let i = 0; i < 60; i++)
      health.observe(a, { kind: 'ok', bytes: 100, latencyMs: i % 10 === 0 ? 5000 : 15 });
    expect(health.latencyMs(a).p95).toBe(5000);
    expect(health.lateAfterMs(a, 100)).toBeLessThan(100);
  });

  test('whoever was overtaken is expected later, and less so with time; what it owes now is expected last', () => {
    for (let i = 0; i < 64; i++) health.observe(a, { kind: 'ok', bytes: 100, latencyMs: 5 });
    expect(health.expectedMs(a, 100)).toBe(5);
    expect(health.expectedMs(b, 100)).toBeUndefined();
    const ended = health.late(a);
    expect(health.expectedMs(a, 100)).toBe(Number.POSITIVE_INFINITY);
    health.observe(a, { kind: 'slow', latencyMs: 80, sizeBytes: 100 });
    ended();
    expect(health.expectedMs(a, 100)).toBe(80);
    clock.advance(10_000);
    expect(health.expectedMs(a, 100)).toBe(5);
    expect(health.lateReads(a)).toEqual({ hedged: 1, overtaken: 1 });
  });

  test('bytes count when they were good', () => {
    health.observe(a, { kind: 'ok', bytes: 10 });
    health.observe(a, { kind: 'slow', bytes: 5 });
    health.observe(a, { kind: 'wrong-bytes', bytes: 99 });
    expect(health.servedBytes(a)).toBe(15);
  });
});

test('strangers cannot make it grow without bound', () => {
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 50_000; i++) health.observe(`peer-${i}` as PeerId, { kind: 'refused' });
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 << 20);
  expect(health.score(`peer-49999` as PeerId)).not.toBe(50);
  expect(health.score(`peer-0` as PeerId)).toBe(50);
});

describe('silence', () => {
  const peers = ['a', 'b', 'c', 'd', 'e'].map((name) => `peer-${name}` as PeerId);
  const silentFor = (seconds: number, silent: readonly PeerId[], heard: readonly PeerId[] = []) => {
    for (let second = 0; second < seconds; second += 2) {
      for (const peer of silent) observe(peer, 'timeout');
      for (const peer of heard) observe(peer, 'ok');
      clock.advance(2_000);
    }
  };

  test('of one while others answer leads into quarantine', () => {
    silentFor(60, [a], peers.slice(1));
    expect(peers.filter((peer) => health.quarantined(peer))).toEqual([a]);
  });

  test('of nearly all is the own line: nobody is in quarantine when it is mended', () => {
    silentFor(300, peers.slice(1), [a]);
    expect(peers.filter((peer) => health.quarantined(peer))).toEqual([]);
    for (const peer of peers.slice(1)) expect(health.breaker(peer)).toBe('open');
  });

  test('of nearly all protects nobody who lied, and of the only peer is held against it', () => {
    silentFor(60, peers);
    observe(b, 'wrong-bytes', 3);
    expect(health.quarantined(b)).toBe(true);
    health = createPeerHealth(clock, random);
    silentFor(60, [a]);
    expect(health.quarantined(a)).toBe(true);
  });

  test('that ended a while ago excuses nobody', () => {
    silentFor(20, peers);
    clock.advance(31_000);
    silentFor(60, [a], peers.slice(1));
    expect(peers.filter((peer) => health.quarantined(peer))).toEqual([a]);
  });
});
