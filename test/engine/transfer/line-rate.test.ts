import { expect, test } from 'vitest';
import { LineRates } from '../../../src/engine/transfer/line-rate.ts';

const MIB = 1024 * 1024;

test('the fastest large put of the last hour counts, of each pool by itself', () => {
  const rates = new LineRates();
  expect(rates.best('home', 0)).toBeUndefined();
  rates.note('home', 64 * MIB, 2_000, 1_000);
  rates.note('home', 64 * MIB, 8_000, 9_000);
  // A small one says nothing, however fast.
  rates.note('home', MIB, 1, 9_000);
  rates.note('disks', 64 * MIB, 100, 9_000);
  expect(rates.best('home', 10_000)).toBe(32 * MIB);
  expect(rates.best('disks', 10_000)).toBe(640 * MIB);
  expect(rates.best('home', 3_605_000)).toBe(8 * MIB);
  expect(rates.best('home', 4_000_000)).toBeUndefined();
});

test('few rates are kept of few pools', () => {
  const rates = new LineRates();
  rates.note('home', 64 * MIB, 1_000, 0);
  for (let i = 1; i <= 8; i++) rates.note('home', 64 * MIB, 2_000, i);
  expect(rates.best('home', 9)).toBe(32 * MIB);
  for (let i = 0; i < 100; i++) rates.note(`pool ${i}`, 64 * MIB, 1_000, 10);
  expect(rates.best('home', 10)).toBeUndefined();
  expect(rates.best('pool 99', 10)).toBe(64 * MIB);
});
