import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Backend } from '../../../src/engine/backends/backend.ts';
import { blake3 } from '../../../src/engine/codec/hash.ts';
import { MAX_MANIFEST_BYTES } from '../../../src/engine/codec/manifest-limits.ts';
import { createHedging, type Hedging } from '../../../src/engine/transfer/hedging.ts';
import { ASK_AGAIN_AFTER_MS, HEDGE_BURST, OVERDUE_MS } from '../../../src/engine/transfer/limits.ts';
import {
  type ReadContext,
  readStripe,
  type StripeToRead,
} from '../../../src/engine/transfer/stripe-reader.ts';
import { type PeerId, shardIdOf } from '../../../src/engine/types.ts';
import { DatameshError } from '../../../src/errors.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';

const K = 3;
const N = 5;
const LATE_MS = 40;
const shards = Array.from({ length: N }, (_, i) => Uint8Array.of(i, 1, 2, 3));
const peerOf = (index: number) => `peer-${index}` as PeerId;
const stripe: StripeToRead = {
  label: 'stripe 1 of 1',
  k: K,
  shards: shards.map((bytes, index) => ({ index, id: shardIdOf(blake3(bytes)), holder: peerOf(index) })),
  shardBytes: 4,
};

/** Holders answer when the test says so. */
let clock: ManualClock;
let asked: number[];
let answer: Map<number, (value: Uint8Array | Error) => void>;
/** Says that a request waits for this node's own bandwidth first. */
let waits: Map<number, (ms: number) => void>;
let hedging: Hedging;
let overtaken: PeerId[];
let lateNow: PeerId[];
let context: ReadContext;

beforeEach(() => {
  clock = manualClock();
  asked = [];
  answer = new Map();
  waits = new Map();
  overtaken = [];
  lateNow = [];
  hedging = createHedging({
    lateAfterMs: () => LATE_MS,
    late(peer) {
      lateNow.push(peer);
      return () => {
        lateNow = lateNow.filter((one) => one !== peer);
      };
    },
  });
  const backends = shards.map((_, index): Backend => {
    return {
      id: peerOf(index),
      kind: 'peer',
      get: (_id, call) =>
        new Promise((resolve, reject) => {
          asked.push(index);
          waits.set(index, call.waiting!);
          call.signal?.addEventListener('abort', () => reject(new DOMException('stopped', 'AbortError')));
          answer.set(index, (value) => (value instanceof Error ? reject(value) : resolve(value)));
        }),
      put: async () => {},
      has: async (ids) => ids.map(() => false),
      prove: () => Promise.reject(new Error('nobody asks for proofs here')),
      announce: async () => {},
      delete: async () => false,
    };
  });
  context = {
    clock,
    hash: blake3,
    backend: (peer) => backends.find(({ id }) => id === peer),
    reachable: () => [],
    hedging,
    standing: () => ({ mayAsk: true, expectedMs: undefined }),
    failed: () => {},
    overtaken: (peer) => overtaken.push(peer),
    signal: new AbortController().signal,
  };
});

const give = async (...indices: number[]) => {
  for (const index of indices) answer.get(index)!(shards[index]!);
  await turn();
};
/** Moves time on in steps, so that timers that timers start fall due too. */
const pass = async (ms: number) => {
  for (let left = ms; left > 0; left -= 10) {
    clock.advance(Math.min(10, left));
    await turn();
  }
};

describe('a read of three shards of five', () => {
  test('asks three, and nobody else while they are in time', async () => {
    const read = readStripe(stripe, context);
    await pass(LATE_MS - 1);
    expect(asked).toEqual([0, 1, 2]);
    await give(0, 1, 2);
    expect([...(await read).keys()].sort()).toEqual([0, 1, 2]);
    await pass(10 * OVERDUE_MS);
    expect(asked).toEqual([0, 1, 2]);
    expect(hedging.counts).toEqual({ asked: 3, hedges: 0, won: 0 });
  });

  test('asks one more beside one that is late, which is told when the other was first', async () => {
    const read = readStripe(stripe, context);
    await give(0, 1);
    await pass(LATE_MS + 1);
    expect(asked).toEqual([0, 1, 2, 3]);
    expect(lateNow).toEqual([peerOf(2)]);
    await give(3);
    expect([...(await read).keys()].sort()).toEqual([0, 1, 3]);
    await turn();
    expect(hedging.counts).toEqual({ asked: 3, hedges: 1, won: 1 });
    expect(overtaken).toEqual([peerOf(2)]);
    expect(lateNow).toEqual([]);
  });

  test('does not take a holder for late while this node’s own line is what it waits for', async () => {
    const read = readStripe(stripe, context);
    await give(0, 1);
    waits.get(2)!(2 * OVERDUE_MS);
    await pass(2 * OVERDUE_MS + LATE_MS - 1);
    expect(asked).toEqual([0, 1, 2]);
    await pass(2);
    expect(asked).toEqual([0, 1, 2, 3]);
    expect(hedging.counts).toMatchObject({ asked: 3, hedges: 1 });
    await give(2);
    await read;
  });

  test('a late one that comes first after all is not overtaken', async () => {
    const read = readStripe(stripe, context);
    await give(0, 1);
    await pass(LATE_MS + 1);
    await give(2);
    expect([...(await read).keys()].sort()).toEqual([0, 1, 2]);
    await turn();
    expect(hedging.counts).toEqual({ asked: 3, hedges: 1, won: 0 });
    expect(overtaken).toEqual([]);
  });

  test('a failure is replaced at once, which is no hedge; one beside which another was asked is not replaced again', async () => {
    const read = readStripe(stripe, context);
    answer.get(0)!(new Error('gone'));
    await turn();
    expect(asked).toEqual([0, 1, 2, 3]);
    expect(hedging.counts).toEqual({ asked: 4, hedges: 0, won: 0 });
    await give(2, 3);
    await pass(LATE_MS + 1);
    expect(asked).toEqual([0, 1, 2, 3, 4]);
    answer.get(1)!(new Error('gone too'));
    await give(4);
    expect([...(await read).keys()].sort()).toEqual([2, 3, 4]);
    expect(hedging.counts).toMatchObject({ asked: 4, hedges: 1 });
  });

  test.each([
    { failing: 'one in time', index: 1, left: [2, 3] },
    { failing: 'the one asked beside it', index: 3, left: [1, 2] },
  ])('beside a silent one that was hedged, a failure of $failing is replaced', async ({ index, left }) => {
    const budget = hedging.take;
    let hedges = 0;
    context.hedging = { ...hedging, take: () => hedges++ === 0 && budget() };
    const read = readStripe(stripe, context);
    await pass(LATE_MS + 1);
    expect(asked).toEqual([0, 1, 2, 3]);
    expect(lateNow).toContain(peerOf(0));
    answer.get(index)!(new Error('gone'));
    await turn();
    expect(asked).toEqual([0, 1, 2, 3, 4]);
    await give(...left, 4);
    expect([...(await read).keys()].sort()).toEqual([...left, 4]);
  });

  test('without budget a late one is waited for until it is overdue, then replaced as if it had failed', async () => {
    for (let i = 0; i < HEDGE_BURST; i++) hedging.take();
    const read = readStripe(stripe, context);
    await give(0, 1);
    await pass(OVERDUE_MS - 50);
    expect(asked).toEqual([0, 1, 2]);
    await pass(100);
    expect(asked).toEqual([0, 1, 2, 3]);
    expect(hedging.counts).toEqual({ asked: 4, hedges: HEDGE_BURST, won: 0 });
    await give(3);
    expect([...(await read).keys()].sort()).toEqual([0, 1, 3]);
  });

  test('holders that owe an answer elsewhere, or are slow, are asked last', async () => {
    const expected = [Number.POSITIVE_INFINITY, 200, undefined, 10, 30];
    context.standing = (peer) => ({ mayAsk: true, expectedMs: expected[Number(peer.slice(-1))] });
    const read = readStripe(stripe, context);
    await turn();
    expect(asked).toEqual([2, 3, 4]);
    answer.get(2)!(new Error('gone'));
    await turn();
    expect(asked).toEqual([2, 3, 4, 1]);
    await give(3, 4, 1);
    await read;
  });

  test('that broken connections leave short asks their holders once more, and then gives up', async () => {
    const lost = () => new DatameshError('peer-unreachable', { what: 'the connection was lost' });
    const read = readStripe(stripe, context);
    await give(0, 1);
    for (const index of [2, 3, 4]) {
      answer.get(index)!(lost());
      await turn();
    }
    expect(asked).toEqual([0, 1, 2, 3, 4]);
    await pass(ASK_AGAIN_AFTER_MS);
    expect(asked).toEqual([0, 1, 2, 3, 4, 2]);
    answer.get(2)!(lost());
    await turn();
    await give(3);
    expect([...(await read).keys()].sort()).toEqual([0, 1, 3]);

    asked = [];
    const failing = readStripe(stripe, context).catch((error: DatameshError) => error.code);
    for (let round = 0; round < 2; round++) {
      for (const index of [0, 1, 2, 3, 4]) {
        answer.get(index)!(lost());
        await turn();
      }
      await pass(ASK_AGAIN_AFTER_MS);
    }
    expect(await failing).toBe('shards-missing');
    expect(asked).toHaveLength(2 * N);
  });

  test.each([
    { when: 'is back when all others were asked', back: true },
    { when: 'is being dialled', back: false },
  ])('that finds a holder away who $when asks once more', async ({ back }) => {
    const { backend } = context;
    const away = new Set([peerOf(2), peerOf(3), peerOf(4)]);
    context.backend = (peer) => (away.has(peer) ? undefined : backend(peer));
    if (!back) context.comesBack = (holder) => holder === peerOf(2);
    const read = readStripe(stripe, context);
    if (back) away.delete(peerOf(2));
    await give(0, 1);
    away.delete(peerOf(2));
    await pass(ASK_AGAIN_AFTER_MS);
    expect(asked).toEqual([0, 1, 2]);
    await give(2);
    expect([...(await read).keys()]).toEqual([0, 1, 2]);
  });

  test('that finds holders away does not wait for those who are gone', async () => {
    context.backend = () => undefined;
    await expect(readStripe(stripe, context)).rejects.toMatchObject({ code: 'shards-missing' });
  });

  test('that holders who have nothing leave short does not ask again', async () => {
    const failing = readStripe(stripe, context).catch((error: DatameshError) => error.code);
    for (const index of [0, 1, 2, 3, 4]) {
      answer.get(index)!(new DatameshError('timeout', { what: 'no answer' }));
      await turn();
    }
    expect(await failing).toBe('shards-missing');
    expect(asked).toHaveLength(N);
  });

  test('two holders of the same shard count once', async () => {
    const [first, ...others] = stripe.shards;
    const twice = { ...stripe, shards: [first!, { ...first!, holder: peerOf(4) }, ...others] };
    const read = readStripe(twice, context);
    await turn();
    await give(0, 1);
    answer.get(4)!(shards[0]!);
    await turn();
    await give(asked.at(-1)!);
    expect([...(await read).keys()].length).toBe(3);
  });
});

test('no holder may send more than the shard has, nor more than a manifest can have where the length is not known', async () => {
  const bounds: (number | undefined)[] = [];
  const of = (index: number) => {
    const backend = context.backend(peerOf(index))!;
    const get: Backend['get'] = async (_id, call) => {
      bounds.push(call.maxBytes);
      return shards[index];
    };
    return { ...backend, get };
  };
  const read = { ...context, backend: (peer: PeerId) => of(Number(peer.at(-1))) };
  await readStripe({ ...stripe, k: 1 }, read);
  await readStripe({ ...stripe, k: 1, shardBytes: undefined }, read);
  expect(bounds).toEqual([4, MAX_MANIFEST_BYTES]);
});
