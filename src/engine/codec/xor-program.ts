/**
 * Straight-line XOR programs. A shard is blocks of 8 bit-planes of 128 bits, so multiplying by a field constant is XORs between
 * planes and a matrix over GF(2^8) is a matrix of bits. Values are numbered: input plane b of source j is 8j + b, then one per operation.
 */
import { alphaPower, multiply } from './gf256.ts';

export const PLANES = 8;

export interface XorProgram {
  sources: number;
  /** Operation i makes value 8·sources + i out of two earlier ones. */
  operations: [number, number][];
  /** One value per output plane: 8 per output, in order. `undefined` is a plane of zeros. */
  outputs: (number | undefined)[];
}

export function xorCount(program: XorProgram): number {
  return program.operations.length;
}

/** For each output plane the input planes whose XOR it is. */
function bitRows(rows: readonly Uint8Array[]): number[][] {
  return rows.flatMap((row) =>
    Array.from({ length: PLANES }, (_, outputBit) => {
      const planes: number[] = [];
      row.forEach((factor, source) => {
        for (let bit = 0; bit < PLANES; bit++) {
          if ((multiply(factor, 1 << bit) >> outputBit) & 1) planes.push(source * PLANES + bit);
        }
      });
      return planes;
    }),
  );
}

/**
 * Any matrix, by greedy common-pair elimination (Paar 1997): while two values meet in more than one output, compute their XOR once.
 * Cost grows with the cube of the matrix: at most some 16 × 4 coefficients at a time (kernel.ts cuts larger ones).
 */
export function matrixProgram(rows: readonly Uint8Array[]): XorProgram {
  const sources = rows[0]!.length;
  const inputs = sources * PLANES;
  const sets = bitRows(rows).map((planes) => new Set(planes));
  const operations: [number, number][] = [];
  const pairs = new PairCounter();
  for (const set of sets) {
    const members = [...set];
    members.forEach((a, i) => {
      for (let j = i + 1; j < members.length; j++) pairs.add(a, members[j]!, 1);
    });
  }
  for (let pair = pairs.best(); pair !== undefined; pair = pairs.best()) {
    const [a, b] = pair;
    const made = inputs + operations.push([a, b]) - 1;
    for (const set of sets) {
      if (!set.has(a) || !set.has(b)) continue;
      for (const other of set) {
        if (other === a || other === b) continue;
        pairs.add(other, a, -1);
        pairs.add(other, b, -1);
        pairs.add(other, made, 1);
      }
      pairs.add(a, b, -1);
      set.delete(a);
      set.delete(b);
      set.add(made);
    }
  }
  const outputs = sets.map((set) => {
    let value: number | undefined;
    for (const member of set) {
      value = value === undefined ? member : inputs + operations.push([value, member]) - 1;
    }
    return value;
  });
  return scheduled({ sources, operations, outputs });
}

/** Counts how often two values stand in one set. Buckets by count may hold stale entries, which `best` drops as it meets them. */
class PairCounter {
  readonly #counts = new Map<number, number>();
  readonly #buckets: number[][] = [];

  add(a: number, b: number, delta: number): void {
    const key = a < b ? a * 0x10000 + b : b * 0x10000 + a;
    const count = (this.#counts.get(key) ?? 0) + delta;
    this.#counts.set(key, count);
    if (count > 1) (this.#buckets[count] ??= []).push(key);
  }

  /** The pair of the highest count above 1; of equals the one counted last. */
  best(): [number, number] | undefined {
    for (let count = this.#buckets.length - 1; count > 1; count--) {
      const bucket = this.#buckets[count] ?? [];
      for (let key = bucket.pop(); key !== undefined; key = bucket.pop()) {
        if (this.#counts.get(key) === count) return [Math.floor(key / 0x10000), key % 0x10000];
      }
      this.#buckets.length = count;
    }
    return undefined;
  }
}

/**
 * Rows (α^(r·j)) for the given r, by Horner's rule: d_0 + α^r (d_1 + α^r (d_2 + …)). Multiplying by α renames the planes and adds the top
 * one into planes 2, 3 and 4. `undefined` when a row is not made of α-powers.
 */
export function hornerProgram(sources: number, rows: readonly number[]): XorProgram {
  const operations: [number, number][] = [];
  const xor = (a: number, b: number) => sources * PLANES + operations.push([a, b]) - 1;
  const planesOf = (source: number) => Array.from({ length: PLANES }, (_, bit) => source * PLANES + bit);
  const outputs = rows.flatMap((row) => {
    let planes = planesOf(sources - 1);
    for (let source = sources - 2; source >= 0; source--) {
      const added = planesOf(source);
      for (let step = 0; step < row; step++) planes = timesAlpha(planes, xor);
      planes = planes.map((plane, bit) => xor(plane, added[bit]!));
    }
    return planes;
  });
  return { sources, operations, outputs };
}

function timesAlpha(planes: readonly number[], xor: (a: number, b: number) => number): number[] {
  const top = planes[7]!;
  const [p0, p1, p2, p3, p4, p5, p6] = planes as [number, number, number, number, number, number, number];
  return [top, p0, xor(p1, top), xor(p2, top), xor(p3, top), p4, p5, p6];
}

/** The exponents r if every row j is α^(r·j); else undefined. */
export function alphaExponents(rows: readonly Uint8Array[]): number[] | undefined {
  const exponents: number[] = [];
  for (const row of rows) {
    let exponent = 0;
    while (exponent < MAX_HORNER_EXPONENT && !row.every((value, j) => value === alphaPower(exponent * j)))
      exponent++;
    if (exponent === MAX_HORNER_EXPONENT) return undefined;
    exponents.push(exponent);
  }
  return exponents;
}

/** Beyond α^3 a Horner step (3 XORs per power) costs more than common pairs. */
const MAX_HORNER_EXPONENT = 4;

/** The same operations in the order the outputs need them: short lives, fewer spilled registers. */
function scheduled(program: XorProgram): XorProgram {
  const inputs = program.sources * PLANES;
  const operations: [number, number][] = [];
  const renamed = new Map<number, number>();
  const need = (value: number): number => {
    if (value < inputs) return value;
    const known = renamed.get(value);
    if (known !== undefined) return known;
    const [a, b] = program.operations[value - inputs]!;
    const operation: [number, number] = [need(a), need(b)];
    const name = inputs + operations.push(operation) - 1;
    renamed.set(value, name);
    return name;
  };
  const outputs = program.outputs.map((value) => (value === undefined ? undefined : need(value)));
  return { sources: program.sources, operations, outputs };
}
