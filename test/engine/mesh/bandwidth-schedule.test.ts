import { describe, expect, it } from 'vitest';
import { checkSpan, parseSpan } from '../../../src/config/schedule.ts';
import { limitsAt } from '../../../src/engine/mesh/bandwidth-schedule.ts';
import { RateLimit } from '../../../src/engine/mesh/rate-limit.ts';
import { manualClock } from '../../support/manual-clock.ts';

const otherwise = { upBytesPerSecond: 7, downBytesPerSecond: undefined };
const at = (hour: number, minute: number) => new Date(2026, 5, 1, hour, minute, 30).getTime();

describe('a schedule of bandwidth', () => {
  it('holds from its first minute up to its last, over midnight too, and the first that fits counts', () => {
    const spans = ['22:00-06:00=0:0', '08:00-18:00=1MiB/s:4MiB/s', '05:00-09:00=9:9'].map(
      (it) => parseSpan(it)!,
    );
    const upAt = (hour: number, minute: number) =>
      limitsAt(at(hour, minute), spans, otherwise).upBytesPerSecond;
    expect([upAt(21, 59), upAt(22, 0), upAt(0, 0), upAt(5, 59)]).toEqual([
      7,
      undefined,
      undefined,
      undefined,
    ]);
    expect([upAt(6, 0), upAt(7, 59), upAt(8, 0), upAt(17, 59), upAt(18, 0)]).toEqual([
      9,
      9,
      2 ** 20,
      2 ** 20,
      7,
    ]);
    expect(limitsAt(at(12, 0), spans, otherwise).downBytesPerSecond).toBe(4 * 2 ** 20);
    expect(limitsAt(at(3, 3), [parseSpan('00:00-00:00=5:5')!], otherwise).upBytesPerSecond).toBe(5);
  });

  it.each([
    '8:00-18:00=1:1',
    '08:00-24:00=1:1',
    '08:60-09:00=1:1',
    '08:00-18:00',
    '08:00-18:00=fast:1',
    '08:00-18:00=1',
  ])('refuses %s', (text) => {
    expect(checkSpan(text)).toContain('is no span');
  });
});

describe('a rate limit that changes', () => {
  it('holds at once, and asks nobody to pay for the one before', async () => {
    const clock = manualClock();
    const limit = new RateLimit(clock, 10);
    await limit.take(10_000);
    limit.set(undefined);
    expect([limit.capped, limit.cap]).toEqual([false, undefined]);
    limit.set(100);
    // The first passes; only the second has to wait.
    await limit.take(100);
    let passed = false;
    const second = limit.take(1).then(() => (passed = true));
    await Promise.resolve();
    expect(passed).toBe(false);
    clock.advance(1000);
    await second;
  });
});
