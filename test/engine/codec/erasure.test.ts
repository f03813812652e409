import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Erasure } from '../../../src/engine/codec/erasure.ts';
import { Workspace } from '../../../src/engine/codec/workspace.ts';
import { pattern, slowParity, subsets } from './reference.ts';

const erasure = new Erasure();

function stripeOf(k: number, m: number, shardBytes: number, seed: number): Uint8Array[] {
  const data = Array.from({ length: k }, (_, i) => pattern(shardBytes, seed * 1000 + i));
  const parity = Array.from({ length: m }, () => new Uint8Array(shardBytes));
  erasure.encode({ k, m }, data, parity);
  return [...data, ...parity];
}

function only(stripe: readonly Uint8Array[], kept: readonly number[]): Map<number, Uint8Array> {
  return new Map(kept.map((index) => [index, stripe[index]!]));
}

describe('encode', () => {
  it.each([
    [1, 2],
    [2, 1],
    [3, 2],
    [4, 2],
    [2, 7],
    [8, 4],
    [10, 4],
    [10, 6],
    [16, 4],
    [20, 5],
    [29, 51],
    [5, 0],
  ])('%i+%i gives the bytes of the scalar reference', (k, m) => {
    const stripe = stripeOf(k, m, 384, k + m);
    expect(stripe.slice(k)).toEqual(slowParity(k, m, stripe.slice(0, k)));
  });

  it('is the same over many strips, at any length and in place', () => {
    const [k, m] = [4, 2];
    // 300 KiB and a block: several strips of the scratch workspace and of the kernel, and a short last one.
    const shardBytes = 300 * 1024 + 128;
    const stripe = stripeOf(k, m, shardBytes, 7);
    expect(stripe.slice(k)).toEqual(slowParity(k, m, stripe.slice(0, k)));
    const workspace = Workspace.own(1024);
    workspace.ensureRoom((k + m) * shardBytes);
    for (let i = 0; i < k; i++) workspace.view(i * shardBytes, shardBytes).set(stripe[i]!);
    erasure.encodeInPlace(workspace, { k, m }, shardBytes);
    for (let i = 0; i < k + m; i++) {
      expect(Buffer.compare(workspace.view(i * shardBytes, shardBytes), stripe[i]!)).toBe(0);
    }
  });
});

describe('rebuild', () => {
  const small = [1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((k) =>
    Array.from({ length: 10 - k }, (_, i): [number, number] => [k, i + 1]),
  );

  it.each(small)(
    '%i+%i survives every loss of m shards',
    (k, m) => {
      const stripe = stripeOf(k, m, 128, 31 * k + m);
      const all = stripe.map((_, i) => i);
      for (const lost of subsets(k + m, m)) {
        const kept = all.filter((index) => !lost.includes(index));
        const rebuilt = new Erasure().rebuild({ k, m }, 128, only(stripe, kept), lost);
        expect([...rebuilt.keys()]).toEqual(lost);
        for (const [index, bytes] of rebuilt) expect(Buffer.compare(bytes, stripe[index]!)).toBe(0);
      }
    },
    60_000,
  );

  it.each([
    [8, 4, 5],
    [10, 4, 13],
    [7, 7, 41],
  ])(
    '%i+%i survives every %ith loss of m shards, byte for byte (all of them: npm run fuzz:patterns)',
    (k, m, step) => {
      const stripe = stripeOf(k, m, 128, 17);
      for (const [i, lost] of [...subsets(k + m, m)].entries()) {
        if (i % step !== 0) continue;
        const kept = stripe.map((_, index) => index).filter((index) => !lost.includes(index));
        const rebuilt = new Erasure().rebuild({ k, m }, 128, only(stripe, kept), lost);
        for (const [index, bytes] of rebuilt) expect(Buffer.compare(bytes, stripe[index]!)).toBe(0);
      }
    },
    60_000,
  );

  const large = fc
    .tuple(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 12 }),
      fc.nat(),
    )
    .chain(([k, m, blocks, seed]) =>
      fc.record({
        k: fc.constant(k),
        m: fc.constant(m),
        shardBytes: fc.constant(blocks * 128),
        seed: fc.constant(seed),
        order: fc.shuffledSubarray(
          Array.from({ length: k + m }, (_, i) => i),
          { minLength: k + m, maxLength: k + m },
        ),
      }),
    );

  it('gives any shard from any k others, whatever the code', () => {
    fc.assert(
      fc.property(large, ({ k, m, shardBytes, seed, order }) => {
        const stripe = stripeOf(k, m, shardBytes, seed % 1000);
        const wanted = order.slice(k, k + 5);
        const rebuilt = erasure.rebuild({ k, m }, shardBytes, only(stripe, order.slice(0, k)), wanted);
        for (const index of wanted) expect(Buffer.compare(rebuilt.get(index)!, stripe[index]!)).toBe(0);
      }),
      { numRuns: 40 },
    );
  }, 60_000);

  it('decodes 29+51 from parity alone', () => {
    const stripe = stripeOf(29, 51, 128 * 70, 3);
    const kept = Array.from({ length: 29 }, (_, i) => 79 - i);
    const lost = Array.from({ length: 29 }, (_, i) => i);
    const rebuilt = erasure.rebuild({ k: 29, m: 51 }, 128 * 70, only(stripe, kept), lost);
    for (const index of lost) expect(Buffer.compare(rebuilt.get(index)!, stripe[index]!)).toBe(0);
  });

  it('codes at the edges of the field', () => {
    for (const [k, m] of [
      [254, 1],
      [1, 254],
      [128, 127],
      [252, 3],
      [3, 252],
    ] as const) {
      const stripe = stripeOf(k, m, 128, k);
      const kept = Array.from({ length: k + m }, (_, i) => i).slice(-k);
      const rebuilt = erasure.rebuild({ k, m }, 128, only(stripe, kept), [0]);
      expect(rebuilt.get(0)).toEqual(Buffer.from(stripe[0]!));
    }
  });

  it('refuses k-1 shards, foreign indices and wrong lengths', () => {
    const stripe = stripeOf(4, 2, 256, 1);
    const code = { k: 4, m: 2 };
    expect(() => erasure.rebuild(code, 256, only(stripe, [0, 2, 5]), [1])).toThrow(
      expect.objectContaining({ code: 'shards-missing' }),
    );
    const malformed = expect.objectContaining({ code: 'malformed-data' });
    expect(() => erasure.rebuild(code, 256, only(stripe, [0, 1, 2, 3]), [6])).toThrow(malformed);
    expect(() => erasure.rebuild(code, 128, only(stripe, [0, 1, 2, 3]), [4])).toThrow(malformed);
    const odd = new Map([0, 1, 2, 3].map((index) => [index, stripe[index]!.subarray(0, 100)]));
    expect(() => erasure.rebuild(code, 100, odd, [4])).toThrow(malformed);
    const foreign = only(stripe, [0, 1, 2]).set(9, stripe[3]!);
    expect(() => erasure.rebuild(code, 256, foreign, [4])).toThrow(malformed);
  });
});
