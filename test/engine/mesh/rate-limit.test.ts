/** A cap and the messages of a mesh: small ones are not held up by large ones, and all of them together keep to it. */
import { expect, it } from 'vitest';
import type { Clock } from '../../../src/engine/effects/clock.ts';
import { RateLimit } from '../../../src/engine/mesh/rate-limit.ts';
import { manualClock } from '../../support/manual-clock.ts';

const KIB = 1024;
const LARGE = 1000 * KIB;

/** When each of the messages was let go, in order of asking. */
async function passes(limit: RateLimit, clock: ReturnType<typeof manualClock>, sizes: readonly number[]) {
  const atMs = sizes.map(() => -1);
  for (const [i, size] of sizes.entries()) void limit.pass(size).then(() => (atMs[i] = clock.monotonic()));
  for (let i = 0; i < 200; i++) {
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    clock.advance(100);
  }
  return atMs;
}

it('a small message passes at once behind large ones, which then wait the longer', async () => {
  const clock = manualClock();
  const limit = new RateLimit(clock, 100 * KIB);
  const [first, second, small, third] = await passes(limit, clock, [LARGE, 100 * KIB, 50 * KIB, 100 * KIB]);
  expect([first, second, small]).toEqual([0, 10_000, 0]);
  // Ten seconds for the first, one for the second, half a one for the small.
  expect(third).toBe(11_500);
});

it('small ones keep to the cap among themselves', async () => {
  const clock = manualClock();
  const limit = new RateLimit(clock, 100 * KIB);
  const atMs = await passes(
    limit,
    clock,
    Array.from({ length: 20 }, () => 50 * KIB),
  );
  expect(atMs.at(-1)).toBe(9_500);
});

it('what is urgent waits for such alone, and the rest pays for it', async () => {
  const clock = manualClock();
  const limit = new RateLimit(clock, 100 * KIB);
  const atMs: Record<string, number> = {};
  const pass = (name: string, bytes: number, urgent = false) =>
    void limit.pass(bytes, { urgent }).then(() => (atMs[name] = clock.monotonic()));
  pass('large', LARGE);
  for (let i = 0; i < 10; i++) pass(`small ${i}`, 60 * KIB);
  pass('hello', 50 * KIB, true);
  pass('second hello', 50 * KIB, true);
  pass('last', 60 * KIB);
  for (let i = 0; i < 200; i++) {
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    clock.advance(100);
  }
  expect(atMs).toMatchObject({ hello: 0, 'second hello': 500, 'small 9': 5_400, last: 7_000 });
});

it('a wait that is given up ends as cancelled', async () => {
  const limit = new RateLimit(
    {
      ...manualClock(),
      sleep: (_ms, signal) =>
        new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
    },
    1,
  );
  await limit.pass(LARGE);
  const stopper = new AbortController();
  const waiting = limit.pass(LARGE, { signal: stopper.signal });
  stopper.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
});

it('whoever waits goes on by the limit that is set meanwhile, in the same order', async () => {
  const clock = manualClock();
  const sleep: Clock['sleep'] = (ms, signal) =>
    new Promise((resolve, reject) => {
      const timer = clock.after(ms, resolve);
      signal?.addEventListener('abort', () => {
        timer.cancel();
        reject(signal.reason);
      });
    });
  const limit = new RateLimit({ ...clock, sleep }, KIB);
  const passed: string[] = [];
  const pass = (name: string, bytes: number) => void limit.pass(bytes).then(() => passed.push(name));
  const turns = async () => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  };
  pass('first', LARGE);
  pass('small', 10 * KIB);
  pass('second small', 10 * KIB);
  pass('second', 100 * KIB);
  pass('third', 100 * KIB);
  await turns();
  clock.advance(1_000);
  await turns();
  expect(passed.sort()).toEqual(['first', 'small']);
  limit.set(100 * KIB);
  await turns();
  expect(passed.slice(2)).toEqual(['second small']);
  clock.advance(100);
  await turns();
  expect(passed.slice(3)).toEqual(['second']);
  limit.set(0);
  await turns();
  expect(passed.slice(3)).toEqual(['second', 'third']);
});
