import { expect, test } from 'vitest';
import { BodyPool } from '../../../../src/engine/mesh/bulk/body-pool.ts';

test('a large buffer is used again, whole, for what is at most half as long; a part of it may be given back', () => {
  const pool = new BodyPool();
  const buffer = pool.take(1 << 20);
  pool.give(buffer.subarray(0, 900_000));
  expect(pool.pooledBytes).toBe(1 << 20);
  expect(pool.take(400_000).buffer).not.toBe(buffer.buffer);
  expect(pool.take(1 << 20).buffer).toBe(buffer.buffer);
});

test('a small body, which lies in a slab with others, is never handed out again', () => {
  const pool = new BodyPool();
  for (let i = 0; i < 1000; i++) pool.give(pool.take(1 + i * 60));
  expect(pool.pooledBytes).toBe(0);
});

test('no more than the bound is kept', () => {
  const pool = new BodyPool(3 << 20);
  const taken = Array.from({ length: 8 }, () => pool.take(1 << 20));
  for (const buffer of taken) pool.give(buffer);
  expect(pool.pooledBytes).toBe(3 << 20);
  pool.give(pool.take(4 << 20));
  expect(pool.pooledBytes).toBe(3 << 20);
});
