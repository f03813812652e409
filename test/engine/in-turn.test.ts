import { expect, it } from 'vitest';
import { inTurn } from '../../src/engine/in-turn.ts';

it('begins a task when the one before has ended, however that ended, and gives each its own result', async () => {
  const oneByOne = inTurn();
  const told: string[] = [];
  const task = (name: string, fails = false) =>
    oneByOne(async () => {
      told.push(`${name} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      told.push(`${name} ends`);
      if (fails) throw new Error(name);
      return name;
    });
  const results = await Promise.allSettled([task('a'), task('b', true), task('c')]);
  expect(told).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  expect(results.map((it) => (it.status === 'fulfilled' ? it.value : it.reason.message))).toEqual([
    'a',
    'b',
    'c',
  ]);
});
