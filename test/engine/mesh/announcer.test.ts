import { expect, test } from 'vitest';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { announcer } from '../../../src/engine/mesh/announcer.ts';
import type { ObjectId, ShardId } from '../../../src/engine/types.ts';

test('announcements go out one at a time, each once, and take at most a tenth of the time', async () => {
  let now = 0;
  const timers: { atMs: number; task(): void }[] = [];
  const provided: string[] = [];
  let running = 0;
  let end = () => {};
  const { announce } = announcer(
    {
      provide: (id) => {
        provided.push(id);
        expect(++running).toBe(1);
        return new Promise<number>((resolve) => {
          end = () => {
            running--;
            resolve(1);
          };
        });
      },
      withdraw: async () => {},
    },
    {
      ...realClock(),
      monotonic: () => now,
      after(delayMs, task) {
        timers.push({ atMs: now + delayMs, task });
        return { cancel() {} };
      },
    },
    () => 12,
  );
  for (const id of ['a', 'b', 'b', 'a', 'c']) announce(id as ObjectId);
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  for (const expected of [['a'], ['a', 'b'], ['a', 'b', 'a'], ['a', 'b', 'a', 'c']]) {
    expect(provided).toEqual(expected);
    now += 100;
    end();
    await settle();
    const timer = timers.shift()!;
    expect(timer.atMs).toBe(now + 900);
    now = timer.atMs;
    timer.task();
  }
  expect(timers).toEqual([]);
  announce('d' as ObjectId);
  expect(provided.at(-1)).toBe('d');
});

test('a crowd of them goes out once in two seconds of all nodes together', async () => {
  let now = 0;
  const timers: { atMs: number; task(): void }[] = [];
  let provided = 0;
  const { announce } = announcer(
    {
      provide: async () => {
        provided++;
        return 1;
      },
      withdraw: async () => {},
    },
    {
      ...realClock(),
      monotonic: () => now,
      after(delayMs, task) {
        timers.push({ atMs: now + delayMs, task });
        return { cancel() {} };
      },
    },
    () => 12,
  );
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const restOfNext = async () => {
    await settle();
    const timer = timers.shift()!;
    const restMs = timer.atMs - now;
    now = timer.atMs;
    timer.task();
    return restMs;
  };
  for (let i = 0; i < 40; i++) announce(`${i}` as ObjectId);

  for (let i = 0; i < 23; i++) expect(await restOfNext()).toBe(24_000);
  for (let i = 0; i < 16; i++) expect(await restOfNext()).toBe(20);
  await settle();
  expect(provided).toBe(40);
});

test('what is withdrawn while it waits is not announced, and the DHT is told of all that goes', async () => {
  const timers: (() => void)[] = [];
  const provided: string[] = [];
  const withdrawn: string[] = [];
  const { announce, withdraw } = announcer(
    {
      provide: async (id) => provided.push(id),
      withdraw: async (id) => void withdrawn.push(id),
    },
    {
      ...realClock(),
      after(_delayMs, task) {
        timers.push(task);
        return { cancel() {} };
      },
    },
    () => 6,
  );
  for (const id of ['a', 'b', 'c']) announce(id as ObjectId);
  for (const id of ['a', 'b', 'never']) withdraw(id as ShardId);
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    timers.shift()?.();
  }
  expect(provided).toEqual(['a', 'c']);
  expect(withdrawn).toEqual(['a', 'b', 'never']);
});
