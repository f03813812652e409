import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RateMeter } from '../../../src/engine/observe/rates.ts';

describe('a rate meter', () => {
  it('averages by time, not by samples: a burst and a stall weigh as long as they lasted', () => {
    const meter = new RateMeter();
    meter.sample(0, 0);
    meter.sample(10_000, 1000);
    meter.sample(10_000, 10_000);
    const { now, avg1m, avg5m, peak, totalBytes } = meter.view();
    expect({ now, avg1m, avg5m, peak, totalBytes }).toEqual({
      now: 0,
      avg1m: 1000,
      avg5m: 1000,
      peak: 10_000,
      totalBytes: 10_000,
    });
  });

  it('counts each byte of its minute once, however far apart the samples are', () => {
    const step = fc.record({
      ms: fc.integer({ min: 1000, max: 20_000 }),
      bytes: fc.integer({ min: 0, max: 10 ** 9 }),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 400 }), (steps) => {
        const meter = new RateMeter();
        const seen = [{ atMs: 0, bytes: 0 }];
        meter.sample(0, 0);
        for (const { ms, bytes } of steps) {
          const last = seen.at(-1)!;
          seen.push({ atMs: last.atMs + ms, bytes: last.bytes + bytes });
          meter.sample(last.bytes + bytes, last.atMs + ms);
        }
        const end = seen.at(-1)!;
        // The newest sample at least a minute ago, or the first.
        const from = seen.findLast(({ atMs }) => end.atMs - atMs >= 60_000) ?? seen[0]!;
        const wanted = ((end.bytes - from.bytes) * 1000) / (end.atMs - from.atMs);
        const { avg1m } = meter.view();
        expect(Math.abs(avg1m - wanted)).toBeLessThanOrEqual(1e-6 * Math.max(1, wanted));
      }),
    );
  });
});
