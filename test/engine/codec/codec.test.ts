import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { shardBytesOf } from '../../../src/engine/codec/aead.ts';
import type { EncodedStripe } from '../../../src/engine/codec/codec.ts';
import { createCodecPool } from '../../../src/engine/codec/codec-pool.ts';
import { blake3 } from '../../../src/engine/codec/hash.ts';
import { createCodec } from '../../../src/engine/codec/local-codec.ts';
import { StripeSlots } from '../../../src/engine/codec/stripe-slots.ts';
import { Workspace } from '../../../src/engine/codec/workspace.ts';
import { shardIdOf } from '../../../src/engine/types.ts';
import { pattern } from './reference.ts';

const fileKey = pattern(32, 99);
const code = { k: 4, m: 2 };

function picked(stripe: EncodedStripe, indices: readonly number[]): Map<number, Uint8Array> {
  return new Map(indices.map((index) => [index, stripe.shards[index]!]));
}

describe.each([
  ['in this thread', createCodec],
  ['in two workers', () => createCodecPool({ workers: 2, minBytes: 0 })],
])('codec %s', (_, create) => {
  const codec = create();
  afterAll(() => codec.close());

  it('decodes what it encoded from any k shards, for any code and size', async () => {
    const cases = fc.tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 12 })).chain(([k, m]) =>
      fc.record({
        k: fc.constant(k),
        m: fc.constant(m),
        length: fc.oneof(fc.nat(2000), fc.nat(300_000)),
        chunkIndex: fc.nat(),
        last: fc.boolean(),
        kept: fc.shuffledSubarray([...Array(k + m).keys()], { minLength: k, maxLength: k + m }),
      }),
    );
    await fc.assert(
      fc.asyncProperty(cases, async ({ k, m, length, kept, ...position }) => {
        const plaintext = pattern(length, length);
        const stripe = await codec.encode({ code: { k, m }, fileKey, ...position, plaintext });
        expect(stripe.shardBytes).toBe(shardBytesOf(length, k));
        expect(stripe.shards).toHaveLength(k + m);
        expect(stripe.shards.map((shard) => shardIdOf(blake3(shard)))).toEqual(stripe.ids);
        const job = {
          code: { k, m },
          fileKey,
          ...position,
          plaintextBytes: length,
          shardBytes: stripe.shardBytes,
        };
        const opened = await codec.decode({ ...job, shards: picked(stripe, kept) });
        expect(Buffer.compare(opened.bytes, plaintext)).toBe(0);
        opened.release();
        stripe.release();
      }),
      { numRuns: 80 },
    );
  }, 60_000);

  it('refuses k-1 shards, and never gives bytes out of an altered shard', async () => {
    const plaintext = pattern(5000, 1);
    const stripe = await codec.encode({ code, fileKey, chunkIndex: 0, last: true, plaintext });
    const job = {
      code,
      fileKey,
      chunkIndex: 0,
      last: true,
      plaintextBytes: 5000,
      shardBytes: stripe.shardBytes,
    };
    await expect(codec.decode({ ...job, shards: picked(stripe, [0, 3, 5]) })).rejects.toMatchObject({
      code: 'shards-missing',
      exit: 7,
    });
    for (const index of [1, 4, 5]) {
      const shards = picked(stripe, [1, 2, 4, 5]);
      const altered = shards.get(index)!.slice();
      altered[index * 7]! ^= 0x10;
      await expect(codec.decode({ ...job, shards: shards.set(index, altered) })).rejects.toMatchObject({
        code: 'not-authentic',
      });
    }
    const other = await codec.encode({ code, fileKey: pattern(32, 5), chunkIndex: 0, last: true, plaintext });
    await expect(codec.decode({ ...job, shards: picked(other, [0, 1, 2, 3]) })).rejects.toMatchObject({
      code: 'not-authentic',
    });
    await expect(
      codec.decode({ ...job, plaintextBytes: 500, shards: picked(stripe, [0, 1, 2, 3]) }),
    ).rejects.toMatchObject({ code: 'malformed-data' });
    await expect(
      codec.decode({ ...job, plaintextBytes: -1, shards: picked(stripe, [0, 1, 2, 3]) }),
    ).rejects.toMatchObject({ code: 'malformed-data' });
  });

  it('refuses sizes that shards of these lengths cannot have, before it allocates', async () => {
    const stripe = await codec.encode({
      code,
      fileKey,
      chunkIndex: 0,
      last: true,
      plaintext: pattern(100, 1),
    });
    const plaintextBytes = 2 ** 50;
    const claimed = {
      plaintextBytes,
      shardBytes: shardBytesOf(plaintextBytes, 4),
      shards: picked(stripe, [0, 2, 4, 5]),
    };
    const job = { code, fileKey, chunkIndex: 0, last: true, ...claimed };
    await expect(codec.decode(job)).rejects.toMatchObject({ code: 'malformed-data' });
    const none = { code, shardBytes: 2 ** 40, shards: new Map<number, Uint8Array>(), wanted: [0] };
    await expect(codec.rebuild(none)).rejects.toMatchObject({ code: 'shards-missing' });
  });

  it('decodes one chunk after another without mixing them up', async () => {
    for (const [chunkIndex, length] of [3000, 90_000, 10, 70_000, 90_000].entries()) {
      const plaintext = pattern(length, chunkIndex);
      const { shardBytes, ...stripe } = await codec.encode({
        code,
        fileKey,
        chunkIndex,
        last: false,
        plaintext,
      });
      const shards = picked({ shardBytes, ...stripe }, chunkIndex % 2 === 0 ? [0, 3, 4, 5] : [2, 3, 4, 5]);
      const opened = await codec.decode({
        code,
        fileKey,
        chunkIndex,
        last: false,
        plaintextBytes: length,
        shardBytes,
        shards,
      });
      expect(Buffer.compare(opened.bytes, plaintext)).toBe(0);
      opened.release();
    }
  });

  it('rebuilds single shards without a key', async () => {
    const stripe = await codec.encode({
      code,
      fileKey,
      chunkIndex: 2,
      last: false,
      plaintext: pattern(70_000, 4),
    });
    for (let missing = 0; missing < 6; missing++) {
      const others = [0, 1, 2, 3, 4, 5].filter((index) => index !== missing);
      const shards = picked(stripe, others);
      const rebuilt = await codec.rebuild({ code, shardBytes: stripe.shardBytes, shards, wanted: [missing] });
      expect([...rebuilt.shards.keys()]).toEqual([missing]);
      expect(shardIdOf(blake3(rebuilt.shards.get(missing)!))).toBe(stripe.ids[missing]);
      rebuilt.release();
    }
  });

  it('gives different keys and positions different shards', async () => {
    const plaintext = pattern(100, 1);
    const encode = async (chunkIndex: number, key: Uint8Array) =>
      (await codec.encode({ code, fileKey: key, chunkIndex, last: false, plaintext })).ids[0];
    const ids = [await encode(0, fileKey), await encode(1, fileKey), await encode(0, pattern(32, 1))];
    expect(new Set(ids).size).toBe(3);
  });

  it('refuses codes that are none', async () => {
    const job = { fileKey, chunkIndex: 0, last: true, plaintext: new Uint8Array(1) };
    await expect(codec.encode({ ...job, code: { k: 250, m: 6 } })).rejects.toMatchObject({
      code: 'bad-value',
    });
  });
});

describe.each([
  ['in this thread', createCodec],
  ['in a worker', () => createCodecPool({ workers: 1, minBytes: 0 })],
])('stripe memory %s', (_, create) => {
  it('keeps lent stripes untouched, however many are not given back', async () => {
    const own = create();
    const lent: EncodedStripe[] = [];
    for (let chunkIndex = 0; chunkIndex < 12; chunkIndex++) {
      lent.push(
        await own.encode({ code, fileKey, chunkIndex, last: false, plaintext: pattern(9000, chunkIndex) }),
      );
    }
    for (const stripe of lent) {
      expect(stripe.shards.map((shard) => shardIdOf(blake3(shard)))).toEqual(stripe.ids);
      stripe.release();
    }
    await own.close();
  });

  it('reuses what is given back', async () => {
    const own = create();
    const job = { code, fileKey, chunkIndex: 0, last: false, plaintext: pattern(9000, 1) };
    const first = await own.encode(job);
    first.release();
    first.release();
    const stripes: EncodedStripe[] = [];
    for (let i = 0; i < 16; i++) stripes.push(await own.encode(job));
    const buffers = stripes.map(({ shards }) => shards[0]!.buffer);
    expect(buffers).toContain(first.shards[0]!.buffer);
    expect(new Set(buffers).size).toBe(16);
    for (const stripe of stripes) stripe.release();
    await own.close();
  });
});

describe('stripe slots', () => {
  it('are bounded, and dropped where stripes grow', () => {
    const MIB = 1024 * 1024;
    const slots = new StripeSlots();
    const lent = Array.from({ length: 20 }, () => slots.lend(40 * MIB));
    expect(lent.filter((slot) => slot !== undefined)).toHaveLength(6);
    for (const slot of lent) slot?.giveBack();
    expect(slots.lend(200 * MIB)).toBeDefined();
    expect(slots.totalBytes).toBeLessThanOrEqual(257 * MIB);
    expect(slots.lend(300 * MIB)).toBeUndefined();
  });

  it('gives a small stripe a small slot, and lets the largest free one grow for a larger: no more of them than stripes at a time', () => {
    let made = 0;
    const make = (roomBytes: number) => {
      made++;
      return Workspace.own(roomBytes);
    };
    const slots = new StripeSlots({ make });
    const KIB = 1024;
    const first = [600, 40, 300].map((kib) => slots.lend(kib * KIB)!);
    for (const slot of first) slot.giveBack();
    const [small, large] = [slots.lend(30 * KIB)!, slots.lend(500 * KIB)!];
    expect([small.workspace, large.workspace]).toEqual([first[1]!.workspace, first[0]!.workspace]);
    small.giveBack();
    const larger = slots.lend(400 * KIB)!;
    expect(larger.workspace).toBe(first[2]!.workspace);
    expect(larger.workspace.roomBytes).toBeGreaterThanOrEqual(400 * KIB);
    larger.giveBack();
    large.giveBack();
    for (let kib = 100; kib < 4000; kib += 100) slots.lend(kib * KIB)!.giveBack();
    expect(made).toBe(3);
    expect(slots.totalBytes).toBeGreaterThanOrEqual(3900 * KIB + 400 * KIB + 40 * KIB);
  });

  it('counts what a slot has grown', () => {
    const MIB = 1024 * 1024;
    const slots = new StripeSlots({ maxTotalBytes: 10 * MIB });
    const [one, two] = [slots.lend(4 * MIB)!, slots.lend(MIB)!];
    two.giveBack();
    expect(slots.lend(7 * MIB)).toBeUndefined();
    const grown = slots.lend(5 * MIB)!;
    expect(grown.workspace).toBe(two.workspace);
    expect(slots.lend(2 * MIB)).toBeUndefined();
    one.giveBack();
    grown.giveBack();
    expect(slots.totalBytes).toBeLessThanOrEqual(10 * MIB);
  });
});
