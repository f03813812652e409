import { setFlagsFromString } from 'node:v8';
import { afterEach, expect, it, vi } from 'vitest';
import { keepMemorySmall } from '../../../src/commands/node/keep-memory-small.ts';
import { LEAST_SEMI_SPACE } from '../../../src/commands/node/node-flags.ts';

vi.mock('node:v8', async (original) => ({
  ...(await original<typeof import('node:v8')>()),
  setFlagsFromString: vi.fn(),
}));

const MINUTE_MS = 60_000;
const started = process.execArgv;
afterEach(() => {
  process.execArgv = started;
  vi.useRealTimers();
  vi.clearAllMocks();
});

it.each([
  { name: 'five minutes after the start', argv: [LEAST_SEMI_SPACE], times: 1 },
  { name: 'never where the space for short-lived objects could shrink with it', argv: [], times: 0 },
])('has V8 keep memory together $name', ({ argv, times }) => {
  vi.useFakeTimers();
  process.execArgv = argv;
  keepMemorySmall();
  vi.advanceTimersByTime(4 * MINUTE_MS);
  expect(setFlagsFromString).not.toHaveBeenCalled();
  vi.advanceTimersByTime(60 * MINUTE_MS);
  expect(setFlagsFromString).toHaveBeenCalledTimes(times);
});

it('leaves V8 alone once the node has stopped', () => {
  vi.useFakeTimers();
  process.execArgv = [LEAST_SEMI_SPACE];
  keepMemorySmall()();
  vi.advanceTimersByTime(60 * MINUTE_MS);
  expect(setFlagsFromString).not.toHaveBeenCalled();
});
