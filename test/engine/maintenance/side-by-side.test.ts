import { expect, it } from 'vitest';
import { nextTurn } from '../../../src/engine/effects/turn.ts';
import { sideBySide } from '../../../src/engine/maintenance/side-by-side.ts';

it('runs so many at a time that neither bound is passed, a large one alone, all in their order', async () => {
  const sizes = [3, 3, 3, 20, 1, 1, 1, 1, 9, 2];
  const begun: number[] = [];
  let running = 0;
  let bytes = 0;
  let most = 0;
  await sideBySide(
    sizes.map((size, at) => ({ size, at })),
    { count: 3, bytes: 10 },
    ({ size }) => size,
    async ({ size, at }) => {
      begun.push(at);
      bytes += size;
      most = Math.max(most, ++running);
      expect(bytes <= 10 || running === 1).toBe(true);
      for (let turn = (at * 7) % 5; turn >= 0; turn--) await nextTurn();
      bytes -= size;
      running--;
    },
  );
  expect(begun).toEqual([...sizes.keys()]);
  expect([most, running]).toEqual([3, 0]);
  await sideBySide(
    [],
    { count: 1, bytes: 1 },
    () => 1,
    async () => {},
  );
});

it('begins nothing more after an error, and tells it', async () => {
  const begun: number[] = [];
  const run = sideBySide(
    [1, 2, 3, 4],
    { count: 2, bytes: 100 },
    () => 1,
    async (item) => {
      begun.push(item);
      await nextTurn();
      if (item === 1) throw new Error('broken');
    },
  );
  await expect(run).rejects.toThrow('broken');
  for (let turn = 0; turn < 5; turn++) await nextTurn();
  expect(begun).toEqual([1, 2]);
});
