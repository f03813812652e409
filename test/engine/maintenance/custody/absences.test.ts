import { expect, test } from 'vitest';
import { Absences } from '../../../../src/engine/maintenance/custody/absences.ts';
import type { PeerId } from '../../../../src/engine/types.ts';

const [a, b] = ['a', 'b'] as PeerId[] as [PeerId, PeerId];

test('a holder is away since it was told to have left, or since all others had been met', () => {
  const absences = new Absences(10_000);
  expect([absences.sinceMs(a, 5_000), absences.sinceMs(a, 50_000)]).toEqual([5_000, 10_000]);
  absences.came(a);
  expect(absences.sinceMs(a, 60_000)).toBe(60_000);
  absences.left(a, 70_000);
  absences.left(b, 80_000);
  expect([a, b].map((peer) => absences.sinceMs(peer, 90_000))).toEqual([70_000, 80_000]);
  absences.came(a);
  expect(absences.sinceMs(a, 95_000)).toBe(95_000);
});

test('names that come and go push out nobody who is here', () => {
  const absences = new Absences(0);
  absences.came(a);
  for (let name = 0; name < 10_000; name++) {
    absences.came(`stranger ${name}` as PeerId);
    absences.left(`stranger ${name}` as PeerId, name);
  }
  expect(absences.sinceMs(a, 20_000)).toBe(20_000);
  expect(absences.sinceMs('stranger 9999' as PeerId, 20_000)).toBe(9_999);
  expect(absences.sinceMs('stranger 0' as PeerId, 20_000)).toBe(0);
});

test('who kept silent for a moment and answers again has not come anew, who was away has', () => {
  const absences = new Absences(0);
  expect([absences.came(a), absences.came(a)]).toEqual([true, false]);
  absences.left(a, 10_000);
  expect([absences.came(a), absences.came(a)]).toEqual([true, false]);
});
