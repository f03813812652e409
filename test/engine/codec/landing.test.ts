import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { DecodeJob, EncodedStripe, Landing } from '../../../src/engine/codec/codec.ts';
import { createCodecPool } from '../../../src/engine/codec/codec-pool.ts';
import { createCodec } from '../../../src/engine/codec/local-codec.ts';
import { copyInto, freeNow } from '../../../src/engine/codec/memory.ts';
import { MAX_SLOTS } from '../../../src/engine/codec/stripe-slots.ts';
import { pattern } from './reference.ts';

const code = { k: 4, m: 2 };
const fileKey = pattern(32, 7);

/** Sends the shards of `indices` into the landing, as a network would. */
function received(
  landing: Landing,
  stripe: EncodedStripe,
  indices: readonly number[],
): Map<number, Uint8Array> {
  const shards = new Map<number, Uint8Array>();
  for (const index of indices) {
    const place = landing.bufferFor(index)!;
    place.set(stripe.shards[index]!);
    landing.ended(index);
    shards.set(index, place);
  }
  return shards;
}

function jobOf(stripe: EncodedStripe, plaintextBytes: number): Omit<DecodeJob, 'shards'> {
  return { code, fileKey, chunkIndex: 0, last: true, plaintextBytes, shardBytes: stripe.shardBytes };
}

describe.each([
  ['in this thread', () => createCodec()],
  ['in two workers', () => createCodecPool({ workers: 2, minBytes: 0 })],
])('landing %s', (_, create) => {
  const codec = create();
  afterAll(() => codec.close());

  it('decodes what was received in place, for any code and any k shards, some of them elsewhere', async () => {
    const cases = fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 0, max: 6 })).chain(([k, m]) =>
      fc.record({
        k: fc.constant(k),
        m: fc.constant(m),
        length: fc.oneof(fc.nat(2000), fc.nat(300_000)),
        kept: fc.shuffledSubarray([...Array(k + m).keys()], { minLength: k, maxLength: k + m }),
        strays: fc.nat(3),
        verify: fc.boolean(),
        pack: fc.boolean(),
      }),
    );
    await fc.assert(
      fc.asyncProperty(cases, async ({ k, m, length, kept, strays, pack, verify }) => {
        const plaintext = pattern(length, length);
        const position = { code: { k, m }, fileKey, chunkIndex: 3, last: false };
        const stripe = await codec.encode({ ...position, plaintext, pack });
        const { shardBytes } = stripe;
        const landing = (await codec.receive({ k, m }, shardBytes))!;
        const shards = received(landing, stripe, kept);
        for (const index of kept.slice(0, strays)) shards.set(index, Uint8Array.from(stripe.shards[index]!));
        const opened = await codec.decode({
          ...position,
          plaintextBytes: length,
          shardBytes,
          shards,
          packed: pack,
          landing,
          ids: verify ? stripe.ids : undefined,
        });
        expect(Buffer.compare(opened.bytes, plaintext)).toBe(0);
        const memory = landing.bufferFor(0);
        expect(memory).toBeUndefined();
        opened.release();
        stripe.release();
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  it('opens in the memory that the shards were received in', async () => {
    const plaintext = pattern(50_000, 1);
    const stripe = await codec.encode({ ...jobOf({ shardBytes: 0 } as EncodedStripe, 0), plaintext });
    const landing = (await codec.receive(code, stripe.shardBytes))!;
    const shards = received(landing, stripe, [0, 2, 4, 5]);
    const opened = await codec.decode({ ...jobOf(stripe, 50_000), shards, landing });
    expect(opened.bytes.buffer).toBe(shards.get(0)!.buffer);
    expect(opened.bytes.byteOffset).toBe(shards.get(0)!.byteOffset);
    opened.release();
    stripe.release();
  });

  it('keeps its memory until the last writer has ended, and never decodes under one', async () => {
    const plaintext = pattern(50_000, 2);
    const stripe = await codec.encode({ ...jobOf({ shardBytes: 0 } as EncodedStripe, 0), plaintext });
    const landing = (await codec.receive(code, stripe.shardBytes))!;
    const late = landing.bufferFor(1)!;
    expect(landing.bufferFor(1)).toBeUndefined();
    const shards = received(landing, stripe, [0, 2, 3, 5]);
    const opened = await codec.decode({ ...jobOf(stripe, 50_000), shards, landing });
    // The slow holder's bytes come while the consumer reads; and others take slots meanwhile.
    late.fill(0xee);
    const others: EncodedStripe[] = [];
    for (let i = 0; i < 12; i++) others.push(await codec.encode({ ...jobOf(stripe, 0), plaintext }));
    late.fill(0xdd);
    expect(Buffer.compare(opened.bytes, plaintext)).toBe(0);
    for (const other of others) {
      expect(other.ids).toEqual(stripe.ids);
      expect(Buffer.compare(other.shards[1]!, stripe.shards[1]!)).toBe(0);
      other.release();
    }
    landing.ended(1);
    opened.release();
    stripe.release();
  });

  it('verifies shards where they lie, and takes others for the wrong ones in the same place', async () => {
    const plaintext = pattern(50_000, 5);
    const stripe = await codec.encode({ ...jobOf({ shardBytes: 0 } as EncodedStripe, 0), plaintext });
    const { ids } = stripe;
    const landing = (await codec.receive(code, stripe.shardBytes))!;
    const shards = received(landing, stripe, [0, 2, 3, 5]);
    shards.get(2)![77]! ^= 4;
    shards.get(5)![0]! ^= 1;
    await expect(codec.decode({ ...jobOf(stripe, 50_000), shards, ids, landing })).rejects.toMatchObject({
      code: 'hash-mismatch',
      details: { wrong: [2, 5] },
    });
    shards.delete(2);
    shards.delete(5);
    for (const [index, shard] of received(landing, stripe, [1, 4])) shards.set(index, shard);
    const opened = await codec.decode({ ...jobOf(stripe, 50_000), shards, ids, landing });
    expect(opened.bytes.buffer).toBe(shards.get(0)!.buffer);
    expect(Buffer.compare(opened.bytes, plaintext)).toBe(0);
    opened.release();

    const copies = new Map([1, 2, 4, 5].map((index) => [index, Uint8Array.from(stripe.shards[index]!)]));
    copies.get(4)![9]! ^= 1;
    const job = { ...jobOf(stripe, 50_000), shards: copies, ids };
    await expect(codec.decode(job)).rejects.toMatchObject({ details: { wrong: [4] } });
    copies.get(4)![9]! ^= 1;
    const again = await codec.decode(job);
    expect(Buffer.compare(again.bytes, plaintext)).toBe(0);
    again.release();
    stripe.release();
  });

  it('verifies replicas', async () => {
    const replicas = { k: 1, m: 2 };
    const plaintext = pattern(5000, 6);
    const job = { code: replicas, fileKey, chunkIndex: 0, last: true };
    const stripe = await codec.encode({ ...job, plaintext });
    const sizes = { plaintextBytes: 5000, shardBytes: stripe.shardBytes, ids: stripe.ids };
    const landing = (await codec.receive(replicas, stripe.shardBytes))!;
    const shards = received(landing, stripe, [1]);
    shards.get(1)![1]! ^= 1;
    await expect(codec.decode({ ...job, ...sizes, shards, landing })).rejects.toMatchObject({
      details: { wrong: [1] },
    });
    const others = received(landing, stripe, [2]);
    const opened = await codec.decode({ ...job, ...sizes, shards: others, landing });
    expect(Buffer.compare(opened.bytes, plaintext)).toBe(0);
    opened.release();
    stripe.release();
  });

  it('is bounded, and comes back however it ends', async () => {
    const plaintext = pattern(50_000, 3);
    const stripe = await codec.encode({ ...jobOf({ shardBytes: 0 } as EncodedStripe, 0), plaintext });
    for (let round = 0; round < 30; round++) {
      const landing = (await codec.receive(code, stripe.shardBytes))!;
      expect(landing).toBeDefined();
      if (round % 3 === 0) {
        landing.release();
        landing.release();
        continue;
      }
      const shards = received(landing, stripe, [0, 1, 2, 3]);
      if (round % 3 === 1) shards.get(2)![5]! ^= 1;
      else shards.delete(2);
      await expect(codec.decode({ ...jobOf(stripe, 50_000), shards, landing })).rejects.toMatchObject({
        code: round % 3 === 1 ? 'not-authentic' : 'shards-missing',
      });
    }
    const landings = await Promise.all(
      Array.from({ length: 20 }, () => codec.receive(code, stripe.shardBytes)),
    );
    const given = landings.filter((landing) => landing !== undefined);
    expect(given.length).toBeGreaterThanOrEqual(7);
    expect(given.length).toBeLessThanOrEqual(8);
    for (const landing of given) landing.release();
    expect(await codec.receive(code, 2 ** 40)).toBeUndefined();
    expect(await codec.receive(code, 100)).toBeUndefined();
    stripe.release();
  });

  it('has no places beyond its code', async () => {
    const landing = (await codec.receive(code, 1280))!;
    for (const index of [-1, 6, 1.5, Number.NaN]) expect(landing.bufferFor(index)).toBeUndefined();
    landing.release();
    expect(landing.bufferFor(0)).toBeUndefined();
  });
});

describe('a decode that waits for its turn', () => {
  it('gives the memory that its shards were received in back when it is cancelled', async () => {
    const pool = createCodecPool({ workers: 1 });
    const job = { ...jobOf({ shardBytes: 0 } as EncodedStripe, 0), plaintext: pattern(300_000, 8) };
    const stripe = await createCodec().encode(job);
    const landing = (await pool.receive(code, stripe.shardBytes))!;
    const shards = received(landing, stripe, [0, 1, 2, 3]);
    // One worker has two turns.
    const busy = [pool.encode(job), pool.encode(job)];
    const stopper = new AbortController();
    const decode = pool.decode({ ...jobOf(stripe, 300_000), shards, landing, signal: stopper.signal });
    stopper.abort(new Error('enough'));
    await expect(decode).rejects.toThrow('enough');
    for (const { release } of await Promise.all(busy)) release();
    const landings = await Promise.all(
      Array.from({ length: MAX_SLOTS }, () => pool.receive(code, stripe.shardBytes)),
    );
    expect(landings).not.toContain(undefined);
    await pool.close();
  });
});

describe('a worker that dies', () => {
  it('loses what was received in place, and says so; what was copied is done again', async () => {
    let spawned = 0;
    const file = new URL('../../../src/engine/codec/codec-worker.ts', import.meta.url);
    const deadly = "require('node:worker_threads').parentPort.once('message', () => process.exit(3))";
    const spawn = () => (spawned++ === 0 ? new Worker(deadly, { eval: true }) : new Worker(file));
    const plaintext = pattern(300_000, 4);
    const stripe = await createCodec().encode({ ...jobOf({ shardBytes: 0 } as EncodedStripe, 0), plaintext });
    const copies = new Map([0, 1, 2, 3].map((index) => [index, Uint8Array.from(stripe.shards[index]!)]));
    const first = createCodecPool({ workers: 1, spawn });
    const opened = await first.decode({ ...jobOf(stripe, 300_000), shards: copies });
    expect(Buffer.compare(opened.bytes, plaintext)).toBe(0);
    await first.close();

    spawned = 0;
    const pool = createCodecPool({ workers: 1, spawn });
    const landing = (await pool.receive(code, stripe.shardBytes))!;
    const shards = received(landing, stripe, [0, 1, 2, 3]);
    await expect(pool.decode({ ...jobOf(stripe, 300_000), shards, landing })).rejects.toMatchObject({
      code: 'internal',
    });
    await pool.close();
  });
});

describe('memory', () => {
  it('copies into and out of shared memory, and refuses what does not fit', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(1000));
    const own = pattern(300, 1);
    copyInto(shared.subarray(100), own);
    expect(Buffer.compare(shared.subarray(100, 400), own)).toBe(0);
    expect(shared[99]).toBe(0);
    expect(shared[400]).toBe(0);
    const back = new Uint8Array(300);
    copyInto(back, shared.subarray(100, 400));
    expect(Buffer.compare(back, own)).toBe(0);
    copyInto(back, new Uint8Array(0));
    expect(() => copyInto(back, new Uint8Array(301))).toThrow(RangeError);
  });

  it('frees what has its memory to itself, and leaves views alone', () => {
    const whole = new Uint8Array(1000);
    const part = whole.subarray(10, 20);
    freeNow(part);
    expect(whole.length).toBe(1000);
    freeNow(whole);
    expect(whole.length).toBe(0);
    expect(() => freeNow(whole)).not.toThrow();
    const shared = new Uint8Array(new SharedArrayBuffer(10));
    freeNow(shared);
    expect(shared.length).toBe(10);
  });
});
