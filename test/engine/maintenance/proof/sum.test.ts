/** Sums of shards and what they show: the laws, beside a reference that is only plain. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Erasure } from '../../../../src/engine/codec/erasure.ts';
import { Codewords } from '../../../../src/engine/maintenance/proof/codeword.ts';
import { Coefficients, sumKeyOf } from '../../../../src/engine/maintenance/proof/coefficients.ts';
import { sumBytes, sumOf } from '../../../../src/engine/maintenance/proof/sum.ts';
import type { CodeProfile, PeerId } from '../../../../src/engine/types.ts';
import { slowMultiply } from '../../codec/reference.ts';
import { seeded } from '../../shardstore/shards.ts';

const CHUNK = 1024;
const BLOCK = 128;
const ASKER = 'asker' as PeerId;
const seedOf = (number: number) => new Uint8Array(32).fill(number);
const coefficientsOf = (number: number) => new Coefficients(sumKeyOf(seedOf(number), ASKER));
const erasure = new Erasure();

function noise(length: number, seed: number): Uint8Array {
  const next = seeded(seed);
  return Uint8Array.from({ length }, () => Math.floor(next() * 256));
}

/** Byte by byte, as docs/FORMATS.md "Sums" says it. */
function slowSum(bytes: Uint8Array, coefficients: Uint8Array): Uint8Array {
  const sum = new Uint8Array(Math.min(CHUNK, bytes.length));
  for (const [at, byte] of bytes.entries())
    sum[at % CHUNK]! ^= slowMultiply(coefficients[Math.floor(at / CHUNK)]!, byte);
  return sum;
}

function stripeOf(code: CodeProfile, shardBytes: number, seed: number): Uint8Array[] {
  const data = Array.from({ length: code.k }, (_, i) => noise(shardBytes, seed * 300 + i));
  if (code.k === 1) return Array.from({ length: 1 + code.m }, () => Uint8Array.from(data[0]!));
  const parity = Array.from({ length: code.m }, () => new Uint8Array(shardBytes));
  erasure.encode(code, data, parity);
  return [...data, ...parity];
}

const sumsOf = (shards: readonly Uint8Array[], which: readonly number[], look: number) => {
  const coefficients = coefficientsOf(look);
  return new Map(which.map((index) => [index, sumOf(shards[index]!, coefficients)]));
};

const codes = fc.oneof(
  fc.record({ k: fc.integer({ min: 1, max: 6 }), m: fc.integer({ min: 1, max: 4 }) }),
  // Scaled Cauchy rows.
  fc.constantFrom({ k: 22, m: 4 }, { k: 6, m: 5 }, { k: 2, m: 1 }, { k: 4, m: 2 }, { k: 16, m: 8 }),
);
const lengths = fc.oneof(
  fc.integer({ min: 1, max: 40 }).map((blocks) => blocks * BLOCK),
  fc.constantFrom(BLOCK, CHUNK - BLOCK, CHUNK, CHUNK + BLOCK, 64 * CHUNK, 65 * CHUNK + BLOCK),
);

describe('coefficients', () => {
  test('are never zero, the same however they are asked for, and others for another seed or asker', () => {
    const all = coefficientsOf(1).first(5000);
    expect(all).not.toContain(0);
    const steps = coefficientsOf(1);
    for (const count of [0, 1, 31, 32, 33, 1000, 999, 5000])
      expect(steps.first(count)).toEqual(all.slice(0, count));
    expect(coefficientsOf(2).first(64)).not.toEqual(all.slice(0, 64));
    const other = new Coefficients(sumKeyOf(seedOf(1), 'other' as PeerId));
    expect(other.first(64)).not.toEqual(all.slice(0, 64));
    expect(() => sumKeyOf(new Uint8Array(31), ASKER)).toThrow(RangeError);
  });

  test('come each as often as any other', () => {
    const count = 255 * 400;
    const seen = new Uint32Array(256);
    for (const value of coefficientsOf(3).first(count)) seen[value]!++;
    let chiSquare = 0;
    for (const times of seen.subarray(1)) chiSquare += (times - 400) ** 2 / 400;
    // 254 degrees of freedom: beyond 340 once in 4,000 keys; this key is fixed.
    expect(chiSquare).toBeLessThan(340);
  });
});

test('a sum is what the reference makes of it, at every edge of chunk and window', () => {
  const edges = [0, 1, 127, 128, 1023, 1024, 1025, 2048, 64 * CHUNK - 1, 64 * CHUNK, 64 * CHUNK + 1, 130_000];
  for (const length of edges) {
    const bytes = noise(length, length + 1);
    const sum = sumOf(bytes, coefficientsOf(4));
    expect(sum.length).toBe(sumBytes(length));
    expect(sum).toEqual(slowSum(bytes, coefficientsOf(4).first(Math.ceil(length / CHUNK))));
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5000 }), fc.integer({ min: 0, max: 255 }), (bytes, look) => {
      expect(sumOf(bytes, coefficientsOf(look))).toEqual(slowSum(bytes, coefficientsOf(look).first(5)));
    }),
    { numRuns: 100 },
  );
});

describe('sums of a stripe', () => {
  const codewords = new Codewords();

  test('of honest holders fit, whoever of them answers; of k or fewer nothing can be said', () => {
    fc.assert(
      fc.property(
        codes,
        lengths,
        fc.nat(1000),
        fc.infiniteStream(fc.nat()),
        (code, shardBytes, seed, picks) => {
          const shards = stripeOf(code, shardBytes, seed);
          const indices = [...shards.keys()];
          const count = picks.next().value % (indices.length + 1);
          while (indices.length > count) indices.splice(picks.next().value % indices.length, 1);
          const fit = codewords.fit(code, sumsOf(shards, indices, seed & 255));
          expect(fit).toBe(count > code.k ? true : undefined);
        },
      ),
      { numRuns: 150 },
    );
  }, 30_000);

  test('do not fit when up to m holders have dropped or changed a chunk, whichever it is', () => {
    fc.assert(
      fc.property(
        codes,
        lengths,
        fc.nat(1000),
        fc.boolean(),
        fc.infiniteStream(fc.nat()),
        (code, shardBytes, seed, dropped, picks) => {
          const shards = stripeOf(code, shardBytes, seed);
          const pick = (below: number) => picks.next().value % below;
          const bad = 1 + pick(code.m);
          const chunk = pick(Math.ceil(shardBytes / CHUNK)) * CHUNK;
          const order = [...shards.keys()].map((index) => ({ index, key: picks.next().value }));
          order.sort((a, b) => a.key - b.key);
          for (const { index } of order.slice(0, bad)) {
            const part = shards[index]!.subarray(chunk, chunk + CHUNK);
            if (dropped) part.fill(0);
            else part[pick(part.length)]! ^= 1 << pick(8);
          }
          expect(codewords.fit(code, sumsOf(shards, [...shards.keys()], seed & 255))).toBe(false);
        },
      ),
      { numRuns: 200 },
    );
  }, 30_000);

  test.each([...Array(9).keys()])(
    'do not fit for any single chunk that one holder lacks, nor for m + 1 and all of them (chunk %i)',
    (chunk) => {
      const code = { k: 4, m: 2 };
      const whole = stripeOf(code, 8 * CHUNK + BLOCK, 7);
      for (const bad of [[0], [3], [5], [0, 1], [0, 1, 2], [2, 4, 5], [0, 1, 2, 3], [0, 1, 2, 3, 4]]) {
        const shards = whole.map((shard) => Uint8Array.from(shard));
        for (const index of bad) shards[index]!.subarray(chunk * CHUNK, (chunk + 1) * CHUNK).fill(0);
        expect(codewords.fit(code, sumsOf(shards, [...shards.keys()], chunk)), bad.join()).toBe(false);
      }
    },
  );

  test('with sums of other lengths do not fit', () => {
    const shards = stripeOf({ k: 2, m: 2 }, 2048, 1);
    const sums = sumsOf(shards, [0, 1, 2, 3], 1);
    sums.set(2, sums.get(2)!.subarray(0, 896));
    expect(codewords.fit({ k: 2, m: 2 }, sums)).toBe(false);
    const odd = new Map([...sums.keys()].map((index) => [index, new Uint8Array(100)]));
    expect(codewords.fit({ k: 2, m: 2 }, odd)).toBe(false);
    const copies = new Map([0, 1, 2].map((index) => [index, new Uint8Array(100)]));
    expect(codewords.fit({ k: 1, m: 2 }, copies)).toBe(true);
  });

  test('all short of the same chunk fit one another: nobody has it then, and the chunk itself is what is asked for', () => {
    const shards = stripeOf({ k: 4, m: 2 }, 4096, 2);
    for (const shard of shards) shard.subarray(1024, 2048).fill(0);
    expect(codewords.fit({ k: 4, m: 2 }, sumsOf(shards, [...shards.keys()], 2))).toBe(true);
  });

  /** What docs/THREATS.md says: m + 1 who agree before they delete need keep only m chunks of m + 1. This is what sums cannot show. */
  test('can be made by more than m holders that keep what their chunks have in common', () => {
    const code = { k: 4, m: 2 };
    const whole = stripeOf(code, 4096, 5);
    const zeroed = whole.map((shard) => Uint8Array.from(shard));
    for (const index of [0, 1, 2]) zeroed[index]!.subarray(1024, 2048).fill(0);
    // Any chunks with the same syndrome do: here those that the three others and one of zeros make.
    const known = new Map([3, 4, 5].map((index) => [index, whole[index]!.slice(1024, 2048)]));
    known.set(0, new Uint8Array(1024));
    for (const [index, bytes] of erasure.rebuild(code, 1024, known, [1, 2])) zeroed[index]!.set(bytes, 1024);
    expect(zeroed[1]).not.toEqual(whole[1]);
    expect(codewords.fit(code, sumsOf(zeroed, [...zeroed.keys()], 5))).toBe(true);
  });
});
