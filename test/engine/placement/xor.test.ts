import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareDistance, distanceShare } from '../../../src/engine/placement/xor.ts';
import { bytesToHex } from '../../../src/engine/types.ts';

const point = fc.uint8Array({ minLength: 32, maxLength: 32 });
const number = (a: Uint8Array, b: Uint8Array) => BigInt(`0x${bytesToHex(a.map((byte, i) => byte ^ b[i]!))}`);

test('distance is a total order that agrees with XOR as a number', () => {
  fc.assert(
    fc.property(point, point, point, (target, a, b) => {
      const expected = number(target, a) - number(target, b);
      expect(Math.sign(compareDistance(target, a, b))).toBe(expected === 0n ? 0 : expected > 0n ? 1 : -1);
    }),
  );
});

test('the share of the key space is the distance to 40 bits, and never larger for the closer of two', () => {
  const near = fc.tuple(point, fc.nat({ max: 31 }), point).map(([target, from, tail]) => ({
    target,
    other: target.map((byte, i) => (i < from ? byte : tail[i]!)),
  }));
  fc.assert(
    fc.property(near, point, ({ target, other }, third) => {
      const exact = Number(number(target, other)) / 2 ** 256;
      const share = distanceShare(target, other);
      expect(Math.abs(share - exact)).toBeLessThanOrEqual(exact * 2 ** -40);
      const order = compareDistance(target, other, third);
      if (order <= 0) expect(share).toBeLessThanOrEqual(distanceShare(target, third));
      expect(distanceShare(target, target)).toBe(0);
    }),
  );
});
