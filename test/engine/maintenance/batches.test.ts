import { expect, test } from 'vitest';
import { batches, STRIPES_AT_ONCE } from '../../../src/engine/maintenance/batches.ts';

async function lengths(stripes: readonly number[], most: number): Promise<number[]> {
  const found: number[] = [];
  for await (const batch of batches(stripes, most, (one) => one)) found.push(batch.length);
  return found;
}

test('objects are taken together up to a number of them and of their stripes, one at least, and none is left out', async () => {
  expect(await lengths([], 2)).toEqual([]);
  expect(await lengths([1, 1, 1, 1, 1], 2)).toEqual([2, 2, 1]);
  const half = STRIPES_AT_ONCE / 2;
  expect(await lengths([half, half, 1, half, half, 3 * half, 1, 1], 64)).toEqual([2, 2, 1, 1, 2]);
});
