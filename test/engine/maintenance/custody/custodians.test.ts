import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  CUSTODIANS,
  dutyOf,
  firstMembers,
  majorityOf,
  mayForget,
  STANDBY,
} from '../../../../src/engine/maintenance/custody/custodians.ts';
import { member, objectId, peer } from './samples.ts';

const names = fc.uniqueArray(fc.nat({ max: 200 }), { minLength: 1, maxLength: 30 });

test('all who see the same members name the same custodians, and one leader', () => {
  fc.assert(
    fc.property(names, fc.nat(), (all, object) => {
      const members = all.map(member);
      const duties = all.map((name) => dutyOf(peer(name), objectId(object), [...members].reverse()));
      const ranks = duties.map(({ rank }) => rank).filter((rank) => rank !== undefined);
      expect(ranks.sort()).toEqual([0, 1, 2].slice(0, Math.min(CUSTODIANS, all.length)));
      expect(duties.filter(({ standby }) => standby)).toHaveLength(
        Math.min(CUSTODIANS + STANDBY, all.length),
      );
    }),
  );
});

test('every node leads its share of the objects, whoever its neighbours in the key space are', () => {
  for (const count of [6, 12, 50]) {
    const members = Array.from({ length: count }, (_, i) => member(i));
    const [objects, share] = [400 * count, 400];
    const led = new Map<string, number>();
    for (let i = 0; i < objects; i++) {
      for (const one of firstMembers(objectId(i), members, CUSTODIANS))
        led.set(one, (led.get(one) ?? 0) + 1 / CUSTODIANS);
    }
    for (const { peer: one } of members) {
      expect(led.get(one)! / share).toBeGreaterThan(0.75);
      expect(led.get(one)! / share).toBeLessThan(1.25);
    }
  }
});

test('when one goes, those who stay keep their order and one more comes in', () => {
  fc.assert(
    fc.property(names, fc.nat(), fc.nat(), (all, object, which) => {
      const gone = peer(all[which % all.length]!);
      const members = all.map(member);
      const before = firstMembers(objectId(object), members, CUSTODIANS);
      const after = firstMembers(
        objectId(object),
        members.filter((one) => one.peer !== gone),
        CUSTODIANS,
      );
      const stayed = before.filter((one) => one !== gone);
      expect(after.slice(0, stayed.length)).toEqual(stayed);
      expect(after).toHaveLength(Math.min(CUSTODIANS, all.length - 1));
    }),
  );
});

test('the last copies of an order are never forgotten', () => {
  fc.assert(
    fc.property(names, fc.nat(), fc.subarray(['a', 'b', 'c', 'd']), (all, object, _) => {
      const members = all.map(member);
      const id = objectId(object);
      const custodians = firstMembers(id, members, CUSTODIANS);
      for (const name of all) {
        const duty = dutyOf(peer(name), id, members);
        // Only when every custodian was heard to have it, and one's own absence is no loss.
        expect(mayForget(duty, new Set(custodians))).toBe(!duty.standby && custodians.length === CUSTODIANS);
        for (const missing of custodians)
          expect(mayForget(duty, new Set(custodians.filter((one) => one !== missing)))).toBe(false);
      }
    }),
    { numRuns: 50 },
  );
});

test('two majorities of the same custodians share one of them', () => {
  for (let count = 1; count <= 5; count++) expect(2 * majorityOf(count)).toBeGreaterThan(count);
});
