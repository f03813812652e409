import { describe, expect, it } from 'vitest';
import type { HealthReport } from '../../../src/engine/engine.ts';
import { TrafficMeter } from '../../../src/engine/mesh/traffic.ts';
import { Sampler } from '../../../src/engine/observe/sampler.ts';
import type { PeerId } from '../../../src/engine/types.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { until } from '../../support/until.ts';

it('a census that takes long is not shown over one that began after it', async () => {
  const clock = manualClock();
  const report = (lost: number) => ({ lost }) as HealthReport;
  const sampler = new Sampler({
    clock,
    traffic: new TrafficMeter(),
    peers: () => [],
    census: async () => report(1),
    arrivals: () => 0,
    log: () => undefined,
  });
  let end = (_: HealthReport) => {};
  const asked = sampler.taken(() => new Promise((resolve) => (end = resolve)));
  sampler.start();
  clock.advance(0);
  await until('its own', () => sampler.health !== undefined);
  end(report(0));
  expect(await asked).toEqual(report(0));
  expect(sampler.health).toEqual(report(1));
  await sampler.taken(async () => report(2));
  sampler.stop();
  expect(sampler.health).toEqual(report(2));
});

it('what came back into the catalog after a census began was not seen by it, and is counted soon', async () => {
  const clock = manualClock();
  let arrivals = 0;
  const ends: (() => void)[] = [];
  const sampler = new Sampler({
    clock,
    traffic: new TrafficMeter(),
    peers: () => [],
    census: () => new Promise((resolve) => ends.push(() => resolve({ lost: 0 } as HealthReport))),
    arrivals: () => arrivals,
    log: () => undefined,
  });
  sampler.start();
  clock.advance(0);
  arrivals = 1;
  ends[0]!();
  await until('the first census', () => !sampler.censusRunning);
  expect(sampler.health).toEqual({ lost: 0, unseen: true });
  clock.advance(1_000);
  clock.advance(1_500);
  expect(ends).toHaveLength(2);
  expect(sampler.health?.unseen).toBe(true);
  ends[1]!();
  await until('the second', () => !sampler.censusRunning);
  expect(sampler.health).toEqual({ lost: 0 });
  sampler.stop();
});

describe('the samples of a peer', () => {
  it('have no round trip of the time in which it did not answer', () => {
    const clock = manualClock();
    const peer = { peerId: 'birch' as PeerId, rttMs: 3 as number | undefined, greeted: true };
    const sampler = new Sampler({
      clock,
      traffic: new TrafficMeter(),
      peers: () => [peer],
      census: () => new Promise(() => undefined),
      arrivals: () => 0,
      log: () => undefined,
    });
    sampler.start();
    clock.advance(1000);
    // Membership remembers the last one measured.
    peer.greeted = false;
    clock.advance(2000);
    Object.assign(peer, { rttMs: 5, greeted: true });
    clock.advance(1000);
    sampler.stop();
    expect(sampler.peer(peer.peerId).rtt.view()).toEqual([3, 3, undefined, undefined, 5]);
  });
});
