import fc from 'fast-check';
import { expect, it } from 'vitest';
import { seeded } from '../engine/shardstore/shards.ts';
import { theilSen } from './slope.ts';

it('finds the slope of a line exactly, whatever a tenth of the points do', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -50, max: 50 }),
      fc.integer({ min: -1000, max: 1000 }),
      fc.integer({ min: 30, max: 900 }),
      fc.integer(),
      (slope, start, count, seed) => {
        const fraction = seeded(seed);
        const points = Array.from({ length: count }, (_, i): [number, number] => [
          i,
          start + slope * i + (i % 10 === 3 ? fraction() * 1e6 : 0),
        ]);
        const found = theilSen(points);
        expect(found.slope).toBeCloseTo(slope, 6);
        expect(found.low).toBeLessThanOrEqual(found.slope);
        expect(found.high).toBeGreaterThanOrEqual(found.slope);
      },
    ),
  );
});

it('has a band that holds the true slope of noise nineteen times of twenty', () => {
  const fraction = seeded(3);
  let held = 0;
  for (let run = 0; run < 300; run++) {
    const points = Array.from({ length: 60 }, (_, i): [number, number] => [i, 2 * i + 40 * fraction()]);
    const { low, high } = theilSen(points);
    if (low <= 2 && high >= 2) held++;
  }
  expect(held / 300).toBeGreaterThan(0.9);
  expect(held / 300).toBeLessThan(0.99);
});

it('says nothing from fewer than three points', () => {
  expect(theilSen([[0, 0]])).toMatchObject({ slope: 0, low: Number.NEGATIVE_INFINITY });
});
