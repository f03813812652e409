/** Instructions of WebAssembly that the emitters use, as bytes. WebAssembly core specification 2.0, §5.4; the vector instructions §5.4.8. */
import { functionType, moduleBytes, signed, UNSHARED, unsigned, vector } from './wasm-binary.ts';

/** Value types. */
export const I32 = 0x7f;
export const V128 = 0x7b;

export const get = (local: number) => [0x20, ...unsigned(local)];
export const set = (local: number) => [0x21, ...unsigned(local)];
export const tee = (local: number) => [0x22, ...unsigned(local)];

export const BLOCK = [0x02, 0x40];
export const LOOP = [0x03, 0x40];
export const END = 0x0b;
export const SELECT = 0x1b;
export const branch = (depth: number) => [0x0c, depth];
export const branchIf = (depth: number) => [0x0d, depth];
export const call = (functionIndex: number) => [0x10, ...unsigned(functionIndex)];

export const i32 = {
  const: (value: number) => [0x41, ...signed(value)],
  load: (offset: number) => [0x28, 2, ...unsigned(offset)],
  loadByte: [0x2d, 0, 0],
  equalZero: 0x45,
  equal: 0x46,
  lessUnsigned: 0x49,
  greaterEqualUnsigned: 0x4f,
  add: 0x6a,
  sub: 0x6b,
  mul: 0x6c,
  or: 0x72,
} as const;

/** Alignment of a load or a store as the binary format has it: 2^n bytes. A wrong one costs time, never the result. */
const UNALIGNED = 0;
const ALIGNED = 4;

export const v128 = {
  load: (offset: number) => [0xfd, 0x00, UNALIGNED, ...unsigned(offset)],
  loadAligned: (offset: number) => [0xfd, 0x00, ALIGNED, ...unsigned(offset)],
  store: (offset: number) => [0xfd, 0x0b, UNALIGNED, ...unsigned(offset)],
  storeAligned: (offset: number) => [0xfd, 0x0b, ALIGNED, ...unsigned(offset)],
  /** Four words, the first in the lowest lane. */
  const: (words: readonly number[]) => [0xfd, 0x0c, ...words.flatMap(littleEndian)],
  shuffle: (bytes: readonly number[]) => [0xfd, 0x0d, ...bytes],
  swizzle: [0xfd, 0x0e],
  splat: [0xfd, 0x11],
  and: [0xfd, 0x4e],
  or: [0xfd, 0x50],
  xor: [0xfd, 0x51],
  shiftBytesRight: [0xfd, 0x6d],
  shiftLeft: [0xfd, 0xab, 0x01],
  shiftRight: [0xfd, 0xad, 0x01],
  add: [0xfd, 0xae, 0x01],
  mul: [0xfd, 0xb5, 0x01],
} as const;

/** The same word in all four lanes. */
export function inAllLanes(word: number): number[] {
  return v128.const([word, word, word, word]);
}

/** A function's body: its locals beyond the parameters, words before vectors, and its code. */
export function bodyOf(words: number, vectors: number, code: readonly number[]): number[] {
  return vector([
    [...unsigned(words), I32],
    [...unsigned(vectors), V128],
  ]).concat(code);
}

/** A module of one function, exported as `run`, of so many parameters that are words. */
export function moduleOfRun(parameters: number, body: readonly number[]): Uint8Array<ArrayBuffer> {
  return moduleBytes({
    types: [functionType(new Array<number>(parameters).fill(I32))],
    limits: UNSHARED,
    functions: [{ type: 0, body }],
    exports: [['run', 0]],
  });
}

function littleEndian(word: number): number[] {
  return [word & 255, (word >>> 8) & 255, (word >>> 16) & 255, word >>> 24];
}
