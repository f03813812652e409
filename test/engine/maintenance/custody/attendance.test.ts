import { expect, test } from 'vitest';
import { Attendance } from '../../../../src/engine/maintenance/custody/attendance.ts';
import type { PeerId } from '../../../../src/engine/types.ts';

const [a, b] = ['a', 'b'] as PeerId[] as [PeerId, PeerId];

test('a holder is away since it was told to have left, or since all others had been met', () => {
  const attendance = new Attendance(10_000);
  expect([attendance.awaySinceMs(a, 5_000), attendance.awaySinceMs(a, 50_000)]).toEqual([5_000, 10_000]);
  attendance.came(a, 55_000);
  expect(attendance.awaySinceMs(a, 60_000)).toBe(60_000);
  attendance.left(a, 70_000);
  attendance.left(b, 80_000);
  expect([a, b].map((peer) => attendance.awaySinceMs(peer, 90_000))).toEqual([70_000, 80_000]);
  attendance.came(a, 92_000);
  expect(attendance.awaySinceMs(a, 95_000)).toBe(95_000);
});

test('names that come and go push out nobody who is here', () => {
  const attendance = new Attendance(0);
  attendance.came(a, 0);
  for (let name = 0; name < 10_000; name++) {
    attendance.came(`stranger ${name}` as PeerId, name);
    attendance.left(`stranger ${name}` as PeerId, name);
  }
  expect(attendance.hereMs(a, 20_000)).toBe(20_000);
  expect(attendance.awaySinceMs('stranger 9999' as PeerId, 20_000)).toBe(9_999);
  expect(attendance.awaySinceMs('stranger 0' as PeerId, 20_000)).toBe(0);
});

test('who kept silent for a moment and answers again has not come anew, who was away has', () => {
  const attendance = new Attendance(0);
  expect([attendance.came(a, 1_000), attendance.came(a, 2_000)]).toEqual([true, false]);
  expect(attendance.hereMs(a, 5_000)).toBe(4_000);
  attendance.left(a, 10_000);
  expect(attendance.hereMs(a, 10_500)).toBeUndefined();
  expect([attendance.came(a, 11_000), attendance.came(a, 12_000)]).toEqual([true, false]);
  expect(attendance.hereMs(a, 13_000)).toBe(2_000);
});
