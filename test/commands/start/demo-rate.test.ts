import { expect, it } from 'vitest';
import { rate } from '../../../src/commands/start/demo/tell.ts';

it('tells a slow rate too: a small file that was stored did not move at 0 MB/s', () => {
  expect(rate(4096, 30)).toBe('0.14 MB/s');
  expect(rate(4_900_000, 1000)).toBe('4.9 MB/s');
  expect(rate(20_971_520, 894)).toBe('23 MB/s');
});
