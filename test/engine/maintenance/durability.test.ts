/** The formula against known ones and against a simulation of lifetimes that knows no chain. */
import { expect, test } from 'vitest';
import {
  anyLossPerYear,
  type DurabilityInput,
  durabilityOf,
  meanTimeToLoss,
} from '../../../src/engine/maintenance/durability.ts';
import { simulateLoss } from '../../support/loss-model.ts';

const INPUT: DurabilityInput = {
  code: { k: 4, m: 2 },
  failureRate: 0.05,
  detectionMs: 30_000,
  settleMs: 10_000,
  graceMs: 900_000,
  nodes: 12,
  nodeBytes: 2 ** 40,
  repairBytesPerSecond: 64 * 2 ** 20,
};

test('is the known formula for one parity shard: (f0 + f1 + r) / (f0 f1)', () => {
  for (const [f0, f1, r] of [
    [5, 4, 1000],
    [0.3, 0.2, 7],
    [1, 1, 0],
  ] as const)
    expect(meanTimeToLoss([f0, f1], [0, r])).toBeCloseTo((f0 + f1 + r) / (f0 * f1), 9);
  // Without repair: the sum of the steps.
  expect(meanTimeToLoss([6, 5, 4], [0, 0, 0])).toBeCloseTo(1 / 6 + 1 / 5 + 1 / 4, 12);
});

test('keeps its digits where loss is all but impossible', () => {
  const far = durabilityOf({ ...INPUT, code: { k: 10, m: 8 }, failureRate: 0.001, nodes: 30 });
  expect(far.stripeLossPerYear).toBeGreaterThan(0);
  expect(far.stripeLossPerYear * far.mttdlYears).toBeCloseTo(1, 6);
  expect(anyLossPerYear(1e-12, 1000)).toBeCloseTo(1e-9, 15);
  expect(anyLossPerYear(0.5, 2)).toBeCloseTo(0.75, 12);
});

test('more failures, slower repair, less parity: never better', () => {
  const loss = (changes: Partial<DurabilityInput>) =>
    durabilityOf({ ...INPUT, ...changes }).stripeLossPerYear;
  const base = loss({});
  expect(loss({ failureRate: 0.1 })).toBeGreaterThan(base);
  expect(loss({ detectionMs: 3_600_000 })).toBeGreaterThan(base);
  expect(loss({ graceMs: 86_400_000 })).toBeGreaterThanOrEqual(base);
  expect(loss({ repairBytesPerSecond: 2 ** 20 })).toBeGreaterThan(base);
  expect(loss({ nodes: 100 })).toBeLessThan(base);
  expect(loss({ code: { k: 4, m: 1 } })).toBeGreaterThan(base);
  expect(loss({ code: { k: 4, m: 3 } })).toBeLessThan(base);
});

test('the simulated mean time to loss agrees within its 99.9 % confidence interval, at exaggerated rates', () => {
  for (const [k, m, perYear, repairYears] of [
    [4, 2, 2, 0.02],
    [2, 1, 3, 0.05],
    [10, 4, 3, 0.03],
  ] as const) {
    const failures = Array.from({ length: m + 1 }, (_, missing) => (k + m - missing) * perYear);
    const repairs = Array.from({ length: m + 1 }, (_, missing) => (missing === 0 ? 0 : 1 / repairYears));
    const found = simulateLoss({ shards: k + m, parity: m, perYear, repairYears, runs: 4000, seed: 7 });
    const wanted = meanTimeToLoss(failures, repairs);
    expect(Math.abs(found.meanYears - wanted)).toBeLessThan(3.29 * found.standardErrorYears);
    // Narrow enough that a forgotten factor would be seen.
    expect(found.standardErrorYears).toBeLessThan(0.02 * wanted);
  }
});
