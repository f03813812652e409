import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createCodecPool } from '../../../src/engine/codec/codec-pool.ts';
import { SlotDemand } from '../../../src/engine/codec/slot-demand.ts';
import { type Slot, StripeSlots } from '../../../src/engine/codec/stripe-slots.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { pattern } from './reference.ts';

const KIB = 1024;

function slotsWithDemand() {
  const demand = new SlotDemand(realClock());
  const slots = new StripeSlots({ freed: () => demand.freed() });
  const take = async (bytes: number, signal?: AbortSignal): Promise<Slot> => {
    for (;;) {
      const waiting = demand.wait(slots, bytes, signal);
      if (waiting === undefined) return slots.lend(bytes)!;
      await waiting;
    }
  };
  /** As a get or put of one stripe has it. */
  const holdFor = async (ms: number, bytes: number) => {
    const slot = await take(bytes);
    await new Promise((resolve) => setTimeout(resolve, ms));
    slot.giveBack();
    return slot.workspace;
  };
  return { slots, take, holdFor };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('when stripes may have more memory', () => {
  it('two at a time wait for nothing, a larger one than any that there is neither', async () => {
    const { take } = slotsWithDemand();
    const two = [await take(300 * KIB), await take(200 * KIB)];
    const large = await take(400 * KIB);
    expect(new Set([...two, large].map(({ workspace }) => workspace)).size).toBe(3);
  });

  it('more of them that meet now and then share what there is: it is worth a short wait', async () => {
    const { slots, holdFor } = slotsWithDemand();
    for (let meeting = 0; meeting < 20; meeting++) {
      const all = Promise.all([1, 2, 3, 4, 5].map(() => holdFor(50, 600 * KIB)));
      await vi.advanceTimersByTimeAsync(2_000);
      expect(new Set(await all).size).toBe(2);
    }
    expect(slots.totalBytes).toBeLessThan(2 * 700 * KIB);
  });

  it('stripes in a row have as many slots as they use before long', async () => {
    const { holdFor } = slotsWithDemand();
    const used = new Set<object>();
    const lane = async () => {
      for (let stripe = 0; stripe < 100; stripe++) used.add(await holdFor(10, 300 * KIB));
    };
    const startMs = performance.now();
    const all = Promise.all([1, 2, 3, 4, 5, 6].map(lane)).then(() => performance.now() - startMs);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(used.size).toBe(6);
    // A second each with a slot of its own from the start, three times that if it had stayed with two.
    expect(await all).toBeLessThan(1_700);
  });

  it('whoever forgets to give one back holds nobody up for long', async () => {
    const { take } = slotsWithDemand();
    const kept = [await take(300 * KIB), await take(300 * KIB)];
    const next = take(300 * KIB);
    await vi.advanceTimersByTimeAsync(300);
    expect(kept.map(({ workspace }) => workspace)).not.toContain((await next).workspace);
  });

  it('forgets what was waited long ago', async () => {
    const { take } = slotsWithDemand();
    let held = await take(300 * KIB);
    await take(200 * KIB);
    for (let meeting = 0; meeting < 10; meeting++) {
      const next = take(300 * KIB);
      await vi.advanceTimersByTimeAsync(250);
      held.giveBack();
      expect((await next).workspace).toBe(held.workspace);
      held = await next;
      await vi.advanceTimersByTimeAsync(3_000);
    }
  });

  it('ends with the signal of whoever waits', async () => {
    const { take } = slotsWithDemand();
    for (let i = 0; i < 2; i++) await take(300 * KIB);
    const stop = new AbortController();
    const waiting = take(300 * KIB, stop.signal);
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expect(take(300 * KIB, stop.signal)).rejects.toThrow('enough');
  });
});

describe('in a pool', () => {
  it('nobody who has given up gets memory to receive in', async () => {
    const codec = createCodecPool({ workers: 1 });
    const given = codec.receive({ k: 4, m: 2 }, 64 * KIB, AbortSignal.abort(new Error('before')));
    await expect(given).rejects.toThrow('before');
    await codec.close();
  });

  it('a stripe that waits for a slot has no turn, which whoever has the slot may need', async () => {
    const codec = createCodecPool({ workers: 1 });
    try {
      const plaintext = pattern(200 * KIB, 1);
      const job = { code: { k: 4, m: 2 }, fileKey: new Uint8Array(32), chunkIndex: 0, last: true };
      const stripe = await codec.encode({ ...job, plaintext });
      const shards = new Map(stripe.shards.slice(0, 4).map((shard, i) => [i, Uint8Array.from(shard)]));
      const { shardBytes } = stripe;
      stripe.release();
      const landing = (await codec.receive(job.code, shardBytes))!;
      const other = await codec.receive(job.code, shardBytes);
      for (const [index, shard] of shards) {
        landing.bufferFor(index)!.set(shard);
        landing.ended(index);
      }
      const order: string[] = [];
      const waiting = [1, 2, 3].map(async () => {
        const { release } = await codec.encode({ ...job, plaintext });
        order.push('encoded');
        release();
      });
      const opened = await codec.decode({
        ...job,
        plaintextBytes: plaintext.length,
        shardBytes,
        shards,
        landing,
      });
      order.push('opened');
      expect(Buffer.compare(opened.bytes, plaintext)).toBe(0);
      opened.release();
      await Promise.all(waiting);
      other?.release();
      expect(order[0]).toBe('opened');
    } finally {
      await codec.close();
    }
  });
});
