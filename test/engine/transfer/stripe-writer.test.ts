import { expect, test } from 'vitest';
import type { Backend } from '../../../src/engine/backends/backend.ts';
import type { Clock } from '../../../src/engine/effects/clock.ts';
import type { Candidate } from '../../../src/engine/placement/domains.ts';
import { pointOf } from '../../../src/engine/placement/xor.ts';
import { Asking } from '../../../src/engine/transfer/asking.ts';
import {
  type StripeToWrite,
  type WriteContext,
  writeStripe,
} from '../../../src/engine/transfer/stripe-writer.ts';
import type { OwnerId, ShardId } from '../../../src/engine/types.ts';
import { DatameshError } from '../../../src/errors.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { peer } from '../maintenance/custody/samples.ts';

const id = 'ab'.repeat(32) as ShardId;

const ofThree: StripeToWrite = {
  ids: [1, 2, 3].map((n) => n.toString(16).padStart(64, '0') as ShardId),
  shards: [0, 1, 2].map(() => new Uint8Array(10)),
  quorum: 3,
  policy: { code: { k: 2, m: 1 }, domain: 'node', allowDegraded: false },
};

const contextOf = (clock: Clock, peers: readonly number[]): WriteContext => ({
  clock,
  owner: 'owner' as OwnerId,
  candidates: () =>
    peers.map((at): Candidate => ({ peer: peer(at), freeBytes: 1e9, point: pointOf(Buffer.from(peer(at))) })),
  backend: () => undefined,
  mayAsk: () => true,
  placed: () => {},
  failed: () => {},
  overtaken: () => {},
  asking: new Asking(),
  signal: new AbortController().signal,
});

test('a holder that was given up on in writing a manifest may fail long after the put has: nobody is left to hear of it, and nothing complains', async () => {
  const clock = manualClock();
  const stopper = new AbortController();
  const asked: string[] = [];
  let failLate = () => {};
  const late = new Promise<void>((_, reject) => {
    failLate = () => reject(new Error('the line is down'));
  });
  let giveUp = () => {};
  const givenUp = new Promise<void>((resolve) => {
    giveUp = resolve;
  });
  // Whoever is asked first takes it at once, the second never answers; everybody after them says no, once it has been given up on.
  const put = (holder: string): Promise<void> => {
    asked.push(holder);
    if (asked.length === 1) return Promise.resolve();
    if (asked.length === 2) return late;
    return givenUp.then(() => Promise.reject(new DatameshError('denied', { what: 'not for this owner' })));
  };
  const context: WriteContext = {
    ...contextOf(clock, [1, 2, 3, 4, 5]),
    backend: (holder) => ({ id: holder, put: () => put(holder) }) as unknown as Backend,
    overtaken: giveUp,
    signal: stopper.signal,
  };
  const code = { k: 1, m: 2 };
  const writing = writeStripe(
    {
      ids: [id, id, id],
      shards: [0, 1, 2].map(() => new Uint8Array(10)),
      quorum: 3,
      policy: { code, domain: 'node', allowDegraded: false },
      announce: true,
    },
    context,
  );
  const refused = expect(writing).rejects.toMatchObject({ code: expect.stringMatching(/denied|quorum/) });
  for (let turn = 0; turn < 20; turn++) {
    await undefined;
    clock.advance(1_000);
    await new Promise(setImmediate);
  }
  await refused;
  expect(asked.length).toBeGreaterThan(3);
  const stray: unknown[] = [];
  const note = (reason: unknown) => void stray.push(reason);
  process.on('unhandledRejection', note);
  stopper.abort();
  failLate();
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  process.off('unhandledRejection', note);
  expect(stray).toEqual([]);
});

test('a stripe ends without the holder that was given up, and says when nothing reads its shards any more', async () => {
  const clock = manualClock();
  let endLate = () => {};
  const late = new Promise<void>((_resolve, reject) => {
    endLate = () => reject(new DatameshError('cancelled', { what: 'cancelled' }));
  });
  let asked = 0;
  let unread = 0;
  const deleted: string[] = [];
  const writing = writeStripe(
    { ...ofThree, unread: () => unread++ },
    {
      ...contextOf(clock, [1, 2, 3, 4]),
      backend: (holder) =>
        ({
          id: holder,
          put: () => (asked++ === 0 ? late : Promise.resolve()),
          delete: async () => void deleted.push(holder),
        }) as unknown as Backend,
    },
  );
  for (let turn = 0; turn < 5; turn++) {
    await new Promise(setImmediate);
    clock.advance(1_000);
  }
  const holders = await writing;
  expect(new Set(holders).size).toBe(3);
  await new Promise(setImmediate);
  expect({ unread, deleted }).toEqual({ unread: 0, deleted: [] });
  endLate();
  await new Promise(setImmediate);
  expect(unread).toBe(1);
  expect(deleted).toHaveLength(1);
  expect(holders).not.toContain(deleted[0]);
});

test('a holder whose shard waits for this node’s own bandwidth is not given up', async () => {
  const clock = manualClock();
  let asked = 0;
  let end = () => {};
  const overtaken: number[] = [];
  const writing = writeStripe(ofThree, {
    ...contextOf(clock, [1, 2, 3, 4]),
    overtaken: (_, elapsedMs) => overtaken.push(elapsedMs),
    backend: (holder) =>
      ({
        id: holder,
        put(_id, _bytes, _owner, { waiting }) {
          if (asked++ > 0) return Promise.resolve();
          waiting?.(60_000);
          return new Promise((resolve) => (end = resolve));
        },
      }) as Partial<Backend> as Backend,
  });
  for (let turn = 0; turn < 10; turn++) {
    await new Promise(setImmediate);
    clock.advance(6_000);
  }
  expect(asked).toBe(3);
  expect(overtaken).toEqual([]);
  end();
  await writing;
});

test('a stripe that is stopped ends at once, its put when its requests have, or after a few seconds; its shards are not unread before', async () => {
  const clock = manualClock();
  const stopper = new AbortController();
  const ends: (() => void)[] = [];
  const context = contextOf(clock, [1, 2, 3, 4]);
  let unread = 0;
  let asked = 0;
  const writing = writeStripe(
    { ...ofThree, unread: () => unread++ },
    {
      ...context,
      signal: stopper.signal,
      backend: (holder) =>
        ({
          id: holder,
          put: () => {
            asked++;
            return new Promise((_resolve, reject) => ends.push(() => reject(new Error('the line is down'))));
          },
        }) as unknown as Backend,
    },
  );
  const stopped = expect(writing).rejects.toMatchObject({ name: 'AbortError' });
  await new Promise(setImmediate);
  stopper.abort();
  await stopped;
  let ended = 0;
  void context.asking.ended(clock).then(() => ended++);
  for (const end of ends.slice(1)) end();
  await new Promise(setImmediate);
  clock.advance(3_900);
  await new Promise(setImmediate);
  expect({ asked, unread, ended }).toEqual({ asked: 3, unread: 0, ended: 0 });
  clock.advance(100);
  await new Promise(setImmediate);
  expect({ asked, unread, ended }).toEqual({ asked: 3, unread: 0, ended: 1 });
  void context.asking.ended(clock).then(() => ended++);
  ends[0]!();
  await new Promise(setImmediate);
  expect({ asked, unread, ended }).toEqual({ asked: 3, unread: 1, ended: 2 });
  await context.asking.ended(clock);
});

test('a node with room for some of the shards that it is to get alone is told as full, not as one that is missing', async () => {
  const context = contextOf(manualClock(), [1]);
  const put = () => Promise.resolve();
  const writing = writeStripe(
    { ...ofThree, policy: { ...ofThree.policy, domain: 'none' } },
    {
      ...context,
      candidates: () => context.candidates().map((one) => ({ ...one, freeBytes: 25 })),
      backend: (holder) => ({ id: holder, put }) as unknown as Backend,
    },
  );
  await expect(writing).rejects.toMatchObject({
    code: 'quota-full',
    why: expect.stringContaining('offers 25 more bytes and 3 shards have 30'),
  });
});
