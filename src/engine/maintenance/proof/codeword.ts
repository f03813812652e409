/**
 * Whether sums of the shards of a stripe fit together. The code computes each symbol of a parity shard from the same symbols of the data shards, and a sum treats all symbols of a shard alike, so sums of shards are
 * shards of the sum: a codeword of the same code. After HAIL (Bowers, Juels, Oprea, CCS 2009), whose servers answer for their shares of a dispersal code in this way.
 */

import { type Matrix, multiply } from '../../codec/gf256.ts';
import { LruCache } from '../../codec/lru.ts';
import { rebuildRows } from '../../codec/matrix.ts';
import { BLOCK_BYTES } from '../../codec/wasm-emitter.ts';
import { PLANES } from '../../codec/xor-program.ts';
import type { CodeProfile } from '../../types.ts';

const BLOCK_WORDS = BLOCK_BYTES / Uint32Array.BYTES_PER_ELEMENT;
const PLANE_WORDS = BLOCK_WORDS / PLANES;
/** Who answers in a stripe recurs in all stripes of the same holders. */
const MAX_PATTERNS = 64;

export class Codewords {
  private readonly rows = new LruCache<string, Matrix>(MAX_PATTERNS);

  /**
   * Whether the sums, by index of the shard, are part of one codeword; undefined with k of them or fewer, as any k are. Sums of another length than the others, or of no whole number of
   * blocks, fit nothing; copies (k = 1) may have any length.
   */
  fit(code: CodeProfile, sums: ReadonlyMap<number, Uint8Array>): boolean | undefined {
    if (sums.size <= code.k) return undefined;
    const first = sums.values().next().value!;
    const lengthBytes = first.length;
    for (const sum of sums.values()) if (sum.length !== lengthBytes) return false;
    if (code.k === 1) return [...sums.values()].every((sum) => Buffer.compare(sum, first) === 0);
    if (lengthBytes % BLOCK_BYTES !== 0) return false;
    const indices = [...sums.keys()].sort((a, b) => a - b);
    const from = indices.slice(0, code.k);
    const others = indices.slice(code.k);
    const key = `${code.k}+${code.m}:${from.join()}>${others.join()}`;
    const rows = this.rows.getOrMake(key, () => rebuildRows(code, from, others));
    const words = new Map(indices.map((index) => [index, wordsOf(sums.get(index)!)]));
    const sources = from.map((index) => words.get(index)!);
    return others.every((index, at) => isCombination(rows[at]!, sources, words.get(index)!));
  }
}

/** A copy, as numbers of 32 bits: a quarter of the steps. */
function wordsOf(sum: Uint8Array): Uint32Array {
  return new Uint32Array(Uint8Array.from(sum).buffer);
}

/** Whether `expected` is what the code makes of the sources with these coefficients. Its symbols are bit-sliced (docs/FORMATS.md "Erasure code"). */
function isCombination(row: Uint8Array, sources: readonly Uint32Array[], expected: Uint32Array): boolean {
  const rest = Uint32Array.from(expected);
  for (const [at, source] of sources.entries()) addProduct(row[at]!, source, rest);
  return rest.every((word) => word === 0);
}

/** target += factor × source: bit b of a symbol goes into the planes where factor × 2^b has its bits. */
function addProduct(factor: number, source: Uint32Array, target: Uint32Array): void {
  for (let bit = 0; bit < PLANES; bit++) {
    const product = multiply(factor, 1 << bit);
    for (let plane = 0; plane < PLANES; plane++) {
      if (((product >> plane) & 1) === 0) continue;
      for (let block = 0; block < source.length; block += BLOCK_WORDS) {
        const from = block + bit * PLANE_WORDS;
        const to = block + plane * PLANE_WORDS;
        for (let word = 0; word < PLANE_WORDS; word++) target[to + word]! ^= source[from + word]!;
      }
    }
  }
}
