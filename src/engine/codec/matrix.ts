/**
 * The generator matrix of a code k+m: identity above m parity rows. Which parity rows belong to which (k, m) is part of the disk
 * format (docs/FORMATS.md "Erasure code"): a change here makes stored shards unreadable.
 */
import { DatameshError } from '../../errors.ts';
import type { CodeProfile } from '../types.ts';
import {
  alphaPower,
  identity,
  inverse,
  invertMatrix,
  type Matrix,
  multiply,
  multiplyMatrices,
} from './gf256.ts';

/** k+m, the number of points of a Cauchy matrix that fit into the field with one to spare. */
export const MAX_SHARDS = 255;

/**
 * α-power rows with four of one side are MDS up to 21 of the other, by exhaustive search (test/engine/codec/matrix.test.ts); 22
 * fails. With three or fewer they always are: the minors are products of differences of distinct α^j, α^2j, or sums of two.
 */
const ALPHA_FOUR_LIMIT = 21;

/** Throws `bad-value` unless 1 ≤ k, 0 ≤ m and k+m ≤ 255. */
export function checkCode(code: CodeProfile): void {
  const { k, m } = code;
  if (Number.isInteger(k) && Number.isInteger(m) && k >= 1 && m >= 0 && k + m <= MAX_SHARDS) return;
  throw new DatameshError('bad-value', {
    what: `${k}+${m} is not a code`,
    why: `k data shards and m parity shards need 1 ≤ k, 0 ≤ m and k+m ≤ ${MAX_SHARDS}`,
    mend: 'choose a code such as 4+2',
  });
}

/** Whether parity row r is (α^(r·j)) for j = 0…k-1; else the rows are those of the scaled Cauchy matrix. */
export function usesAlphaPowers(code: CodeProfile): boolean {
  const small = Math.min(code.k, code.m);
  return small <= 3 || (small === 4 && Math.max(code.k, code.m) <= ALPHA_FOUR_LIMIT);
}

/** The m parity rows of k coefficients. */
export function parityRows(code: CodeProfile): Matrix {
  checkCode(code);
  const { k, m } = code;
  const entry = usesAlphaPowers(code) ? (r: number, j: number) => alphaPower(r * j) : scaledCauchy(k);
  return Array.from({ length: m }, (_, r) => Uint8Array.from({ length: k }, (_, j) => entry(r, j)));
}

/**
 * Cauchy: 1 / (x_r + y_j) with x_r = k + r, y_j = j, every square part of which is regular; columns then rows scaled, which
 * keeps that, so that the first row and column are ones: cheaper to compute.
 */
function scaledCauchy(k: number): (r: number, j: number) => number {
  const cauchy = (r: number, j: number) => inverse((k + r) ^ j);
  return (r, j) =>
    multiply(multiply(cauchy(r, j), cauchy(0, 0)), inverse(multiply(cauchy(0, j), cauchy(r, 0))));
}

/** Coefficients that make the shards `wanted` out of the k shards `from`: one row per wanted shard. */
export function rebuildRows(code: CodeProfile, from: readonly number[], wanted: readonly number[]): Matrix {
  const parity = parityRows(code);
  const unit = identity(code.k);
  const rowOf = (index: number) => (index < code.k ? unit[index]! : parity[index - code.k]!);
  const decoder = invertMatrix(from.map(rowOf));
  if (decoder === undefined)
    throw new Error(`the ${code.k}+${code.m} matrix is not MDS at ${from.join(',')}`);
  return wanted.map((index) =>
    index < code.k ? decoder[index]! : multiplyMatrices([rowOf(index)], decoder)[0]!,
  );
}
