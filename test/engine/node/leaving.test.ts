import { expect, test } from 'vitest';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { keepDrain, refusingToFill } from '../../../src/engine/node/drain.ts';
import type { ShardStore } from '../../../src/engine/shardstore/store.ts';
import type { OwnerId, ShardId } from '../../../src/engine/types.ts';

test('a node that is being drained takes no shard that it has not got, and gives what it has', async () => {
  const held = new Set(['aa' as ShardId]);
  const store = {
    async put({ id }) {
      if (held.has(id)) return 'already-there';
      held.add(id);
      return 'stored';
    },
    has: (id) => held.has(id),
    get: async (id) => (held.has(id) ? Uint8Array.of(1) : undefined),
  } as Partial<ShardStore> as ShardStore;
  let leaving = true;
  const guarded = refusingToFill(store, { isSet: () => leaving });
  const put = (id: string) =>
    guarded.put({ id: id as ShardId, bytes: Uint8Array.of(1), owner: 'o' as OwnerId });
  await expect(put('bb')).rejects.toMatchObject({ code: 'quota-full' });
  // Said again because its answer was lost: it is there.
  expect(await put('aa')).toBe('already-there');
  expect(await guarded.get('aa' as ShardId)).toEqual(Uint8Array.of(1));
  leaving = false;
  expect(await put('bb')).toBe('stored');
});

test('a drain that is begun while another is being cancelled goes on', async () => {
  let sinceMs: number | undefined;
  const answers: (() => void)[] = [];
  const drain = keepDrain(
    {
      flag: {
        isSet: () => sinceMs !== undefined,
        sinceMs: () => sinceMs,
        set: async (on: boolean) => {
          sinceMs = on ? 1 : undefined;
        },
      },
      name: 'birch',
      network: 'home',
      clock: realClock(),
      store: { usage: () => ({ shards: 1, liveBytes: 1 }) },
      custody: {
        peers: { self: 'self' },
        drainParts: {
          client: { held: () => new Promise((resolve) => answers.push(() => resolve([]))) },
          changed: () => {},
        },
      },
      membership: { members: () => [{ greeted: true, peerId: 'other' }], announce: () => {} },
      holders: {},
      sites: {},
      jobs: { start: () => 'job', progress: () => {}, line: () => {}, end: () => {}, fail: () => {} },
      events: { add: () => {} },
    } as unknown as Parameters<typeof keepDrain>[0],
    { add: () => {} } as unknown as Parameters<typeof keepDrain>[1],
  );
  const settled = () => new Promise<void>((resolve) => setTimeout(resolve, 20));
  const stopper = new AbortController();
  const first = drain.run({ action: 'start' }, {});
  await settled();
  expect(answers).toHaveLength(1);
  // The round under way ends later.
  const cancelled = drain.run({ action: 'cancel' }, {});
  await settled();
  const again = drain.run({ action: 'start' }, { signal: stopper.signal });
  await settled();
  answers[0]!();
  await Promise.all([first, cancelled]);
  await settled();
  expect(sinceMs).toBe(1);
  expect((await drain.run({ action: 'status' }, {})).state).toBe('running');
  expect(answers).toHaveLength(2);
  stopper.abort();
  await expect(again).rejects.toMatchObject({ code: 'cancelled' });
});
