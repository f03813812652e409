import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HedgeBudget } from '../../../src/engine/transfer/hedge-budget.ts';

test('extra requests never pass the share of the ordinary ones and one burst, in whatever order they come', () => {
  const share = fc.constantFrom(0, 0.01, 0.05, 0.5);
  const burst = fc.integer({ min: 1, max: 32 });
  fc.assert(
    fc.property(share, burst, fc.array(fc.boolean(), { maxLength: 2000 }), (share, burst, steps) => {
      const budget = new HedgeBudget(share, burst);
      let [asked, extra] = [0, 0];
      for (const hedge of steps) {
        if (!hedge) {
          budget.asked();
          asked++;
        } else if (budget.take()) extra++;
        expect(extra).toBeLessThanOrEqual(share * asked + burst + 1e-6);
      }
    }),
  );
});

test('what was not used is saved up to the burst and no further, and comes again with requests', () => {
  const budget = new HedgeBudget(0.05, 2);
  for (let i = 0; i < 10_000; i++) budget.asked();
  expect([budget.take(), budget.take(), budget.take()]).toEqual([true, true, false]);
  for (let i = 0; i < 21; i++) budget.asked();
  expect([budget.take(), budget.take()]).toEqual([true, false]);
});
