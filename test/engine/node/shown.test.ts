import { expect, test } from 'vitest';
import { clockSkewMs } from '../../../src/engine/node/shown.ts';
import { manualClock } from '../../support/manual-clock.ts';

test('how far a clock is off is told of now, also of one whose heartbeats are not believed since it is', () => {
  const clock = manualClock();
  const heard = { seq: clock.now() + 40, atMs: clock.monotonic() };
  clock.advance(20_000);
  const info = { seq: clock.now() - 5_000 };
  expect(clockSkewMs({ clock }, { heard, info, lastSeenMs: clock.now() })).toBe(40);
  clock.advance(100_000);
  const ahead = { seq: clock.now() + 3_600_000 };
  expect(clockSkewMs({ clock }, { heard, info: ahead, lastSeenMs: clock.now() })).toBe(3_600_000);
  expect(clockSkewMs({ clock }, { heard: undefined, info: undefined, lastSeenMs: undefined })).toBe(
    undefined,
  );
});
