import { expect, test } from 'vitest';
import { BatchSize } from '../../../src/engine/maintenance/batch-size.ts';

test('batches become small where their work takes long, within bounds, and large again', () => {
  const size = new BatchSize();
  expect(size.objects).toBe(256);
  size.worked(1_000);
  expect(size.objects).toBe(256);
  const sizes = Array.from({ length: 5 }, () => {
    size.worked(5_000);
    return size.objects;
  });
  expect(sizes).toEqual([128, 64, 32, 32, 32]);
  for (let batch = 0; batch < 9; batch++) size.worked(100);
  expect(size.objects).toBe(256);
});
