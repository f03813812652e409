import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  alphaPower,
  identity,
  inverse,
  invertMatrix,
  multiply,
  multiplyMatrices,
} from '../../../src/engine/codec/gf256.ts';
import { checkCode, parityRows, rebuildRows, usesAlphaPowers } from '../../../src/engine/codec/matrix.ts';
import { slowMultiply, slowParityRows, subsets } from './reference.ts';

describe('GF(2^8)', () => {
  it('multiplies every pair as polynomials modulo 0x11D', () => {
    const wrong: string[] = [];
    for (let a = 0; a < 256; a++) {
      for (let b = 0; b < 256; b++) if (multiply(a, b) !== slowMultiply(a, b)) wrong.push(`${a}·${b}`);
    }
    expect(wrong).toEqual([]);
  });

  it('inverts every element but 0', () => {
    for (let a = 1; a < 256; a++) expect(multiply(a, inverse(a))).toBe(1);
    expect(() => inverse(0)).toThrow(RangeError);
  });

  it('inverts matrices, and knows singular ones', () => {
    const square = fc
      .integer({ min: 1, max: 8 })
      .chain((n) => fc.array(fc.uint8Array({ minLength: n, maxLength: n }), { minLength: n, maxLength: n }));
    fc.assert(
      fc.property(square, (matrix) => {
        const inverted = invertMatrix(matrix);
        if (inverted !== undefined)
          expect(multiplyMatrices(matrix, inverted)).toEqual(identity(matrix.length));
        expect(
          invertMatrix([...matrix.slice(1), matrix[1] ?? new Uint8Array(matrix.length)]),
        ).toBeUndefined();
      }),
    );
  });
});

/** MDS: every square part of the parity rows is regular. */
function singularPart(k: number, m: number): { rows: number[]; columns: number[] } | undefined {
  const parity = parityRows({ k, m });
  for (let size = 1; size <= Math.min(k, m); size++) {
    for (const rows of subsets(m, size)) {
      for (const columns of subsets(k, size)) {
        const part = rows.map((r) => Uint8Array.from(columns, (c) => parity[r]![c]!));
        if (invertMatrix(part) === undefined) return { rows, columns };
      }
    }
  }
  return undefined;
}

describe('generator matrix', () => {
  it.each([
    [1, 2],
    [2, 1],
    [4, 2],
    [8, 4],
    [10, 4],
    [10, 6],
    [16, 4],
    [21, 4],
    [4, 21],
    [5, 5],
    [40, 3],
    [3, 40],
    [2, 253],
    [253, 2],
  ])('%i+%i is MDS: any k shards decode', (k, m) => {
    expect(singularPart(k, m)).toBeUndefined();
  });

  it.each([
    [29, 51],
    [128, 127],
    [22, 4],
    [252, 3],
  ])('%i+%i is MDS in samples', (k, m) => {
    const parity = parityRows({ k, m });
    const part = fc.integer({ min: 1, max: Math.min(k, m, 12) }).chain((size) =>
      fc.record({
        rows: fc.uniqueArray(fc.nat(m - 1), { minLength: size, maxLength: size }),
        columns: fc.uniqueArray(fc.nat(k - 1), { minLength: size, maxLength: size }),
      }),
    );
    fc.assert(
      fc.property(part, ({ rows, columns }) => {
        const square = rows.map((r) => Uint8Array.from(columns, (c) => parity[r]![c]!));
        expect(invertMatrix(square)).toBeDefined();
      }),
      { numRuns: 400 },
    );
  });

  const upTo14 = Array.from({ length: 13 }, (_, i) => i + 2).flatMap((n) =>
    Array.from({ length: n - 1 }, (_, i): [number, number] => [i + 1, n - i - 1]),
  );

  it.each(upTo14)(
    '%i+%i has a decoder for every loss of m shards, and it gives the lost ones',
    (k, m) => {
      const unit = identity(k);
      const rows = [...unit, ...parityRows({ k, m })];
      for (const from of subsets(k + m, k)) {
        const lost = rows.map((_, index) => index).filter((index) => !from.includes(index));
        const decoder = rebuildRows({ k, m }, from, lost);
        // What the decoder makes of the kept rows of the generator is the lost rows of the generator.
        const made = multiplyMatrices(
          decoder,
          from.map((index) => rows[index]!),
        );
        for (const [i, index] of lost.entries())
          if (Buffer.compare(made[i]!, rows[index]!) !== 0)
            throw new Error(`${from} gives a wrong shard ${index}`);
      }
    },
    60_000,
  );

  it('takes Cauchy rows just where α-powers fail', () => {
    expect(usesAlphaPowers({ k: 21, m: 4 })).toBe(true);
    expect(usesAlphaPowers({ k: 22, m: 4 })).toBe(false);
    expect(usesAlphaPowers({ k: 10, m: 6 })).toBe(false);
    expect(usesAlphaPowers({ k: 250, m: 3 })).toBe(true);
    // Why: with 22 columns the rows α^0, α^j, α^2j, α^3j have a singular part.
    const alphaRows = [0, 1, 2, 3].map((r) => Uint8Array.from({ length: 22 }, (_, j) => alphaPower(r * j)));
    const singular = [...subsets(22, 3)].some((columns) =>
      [...subsets(4, 3)].some(
        (rows) =>
          invertMatrix(rows.map((r) => Uint8Array.from(columns, (c) => alphaRows[r]![c]!))) === undefined,
      ),
    );
    expect(singular).toBe(true);
  });

  it('is the documented one', () => {
    for (const [k, m] of [
      [1, 3],
      [4, 2],
      [10, 4],
      [10, 6],
      [22, 4],
      [29, 51],
    ] as const) {
      expect(parityRows({ k, m }).map((row) => [...row])).toEqual(slowParityRows(k, m));
    }
  });

  it('is replication for k = 1', () => {
    expect(parityRows({ k: 1, m: 254 })).toEqual(new Array(254).fill(Uint8Array.of(1)));
  });

  it.each([
    [0, 2],
    [4, -1],
    [200, 56],
    [4.5, 2],
    [Number.NaN, 1],
  ])('refuses %d+%d', (k, m) => {
    expect(() => checkCode({ k, m })).toThrow(expect.objectContaining({ code: 'bad-value' }));
  });
});
