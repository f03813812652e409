import { expect, test } from 'vitest';
import { cautiousTimeMs, clockSkewMs, mostAgree, peerSkewsMs } from '../../../src/engine/mesh/clock-skew.ts';
import type { Member } from '../../../src/engine/mesh/membership.ts';
import { manualClock } from '../../support/manual-clock.ts';

test('how far a clock is off is told of now, also of one whose heartbeats are not believed since it is', () => {
  const clock = manualClock();
  const heard = { seq: clock.now() + 40, atMs: clock.monotonic() };
  clock.advance(20_000);
  const info = { seq: clock.now() - 5_000 };
  expect(clockSkewMs(clock, { heard, info, lastSeenMs: clock.now() })).toBe(40);
  clock.advance(100_000);
  const ahead = { seq: clock.now() + 3_600_000 };
  expect(clockSkewMs(clock, { heard, info: ahead, lastSeenMs: clock.now() })).toBe(3_600_000);
  expect(clockSkewMs(clock, { heard: undefined, info: undefined, lastSeenMs: undefined })).toBe(undefined);
});

const clock = manualClock();
/** Peers that have just said hello, by clocks that are ahead by so much. */
const meshOf = (...skewsMs: number[]) => ({
  members: () =>
    skewsMs.map(
      (skew) =>
        ({ greeted: true, info: { seq: clock.now() + skew }, lastSeenMs: clock.now() }) as unknown as Member,
    ),
});
const DAY_MS = 86_400_000;

test('a clock is borne out by most of the peers that are here, and by none when nobody is', () => {
  const agreed = (...skewsMs: number[]) => mostAgree(peerSkewsMs(clock, meshOf(...skewsMs)));
  expect(agreed()).toBe(false);
  expect(agreed(10)).toBe(true);
  expect(agreed(DAY_MS, -10, 10)).toBe(true);
  expect(agreed(DAY_MS, 10)).toBe(false);
});

test('where age would let something go, a clock that runs ahead does not make it old', () => {
  const sinceNow = (...skewsMs: number[]) => cautiousTimeMs(clock, meshOf(...skewsMs)) - clock.now();
  expect(sinceNow()).toBe(0);
  expect(sinceNow(-30 * DAY_MS, -30 * DAY_MS, 0)).toBe(-30 * DAY_MS);
  expect(sinceNow(0, 0, -30 * DAY_MS)).toBe(0);
  expect(sinceNow(30 * DAY_MS)).toBe(0);
});
