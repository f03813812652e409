import { expect, test } from 'vitest';
import { Leases } from '../../../../src/engine/maintenance/custody/leases.ts';
import { manualClock } from '../../../support/manual-clock.ts';
import { objectId, peer } from './samples.ts';

const SECOND = 1000;
const id = objectId(1);
const honest = peer('honest');
const OTHERS = [0, 1, 2, 3].map(peer);
const HOURS = 3;

/** How often a leader gets two of three leases in HOURS, when others ask each custodian every so often, at times of their own. */
function turnsBeside(others: number, everySeconds: number, givingBack: boolean): number {
  const clock = manualClock();
  const custodians = [0, 1, 2].map(() => new Leases(clock));
  let turns = 0;
  for (let second = 0; second < HOURS * 3600; second++) {
    for (const [c, leases] of custodians.entries())
      for (const [o, other] of OTHERS.slice(0, others).entries()) {
        if ((second + 17 * c + 7 * o) % everySeconds !== 0) continue;
        if (givingBack) leases.giveBack(id, other);
        leases.take(id, other);
      }
    if (second % 60 === 59) {
      if (custodians.filter((leases) => leases.take(id, honest)).length >= 2) turns++;
      for (const leases of custodians) leases.giveBack(id, honest);
    }
    clock.advance(SECOND);
  }
  return turns;
}

test.each([
  [1, 60, false],
  [1, 60, true],
  [1, 1, true],
  [2, 30, true],
  [4, 60, false],
  [4, 5, true],
] as const)(
  '%i that ask every %i s (giving it back before: %s) leave the fifth its turns',
  (others, every, back) => {
    expect(turnsBeside(others, every, back)).toBeGreaterThan(2 * HOURS);
  },
);

test('who works alone keeps its lease as long as it renews it', () => {
  const clock = manualClock();
  const leases = new Leases(clock);
  for (let minute = 0; minute < 60; minute++) {
    expect(leases.take(id, honest)).toBe(true);
    clock.advance(60 * SECOND);
  }
});

test('who lets another go first waits no longer when that one has gone', () => {
  const clock = manualClock();
  const leases = new Leases(clock);
  const other = OTHERS[0]!;
  expect(leases.take(id, honest)).toBe(true);
  clock.advance(60 * SECOND);
  expect(leases.take(id, other)).toBe(false);
  clock.advance(61 * SECOND);
  expect(leases.take(id, honest)).toBe(false);
  leases.drop(other);
  expect(leases.take(id, honest)).toBe(true);
});
