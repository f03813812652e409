/**
 * WebAssembly bytes of BLAKE3's compression for four inputs side by side, one in each 32-bit lane of a v128. BLAKE3 specification §2.2 (compression), §5.3 (SIMD):
 * https://github.com/BLAKE3-team/BLAKE3-specs. A native BLAKE3 would be faster, but none that we have gives chaining values, which slices are made of.
 *
 * The module imports `m.m` (memory) and exports `run(in, out, stride, blocks, counter, counterStep, flags, startFlags, endFlags, lastBlockBytes,
 * groups)`: hashes `groups` × 4 inputs of `blocks` 64-byte blocks that lie `stride` bytes apart, the last block with `lastBlockBytes` in it and zeros behind, and
 * writes four chaining values of 32 bytes each at `out`.
 */
import {
  BLOCK,
  bodyOf,
  branch,
  branchIf,
  END,
  get,
  i32,
  inAllLanes,
  LOOP,
  moduleOfRun,
  SELECT,
  set,
  tee,
  v128,
} from '../../codec/wasm-instructions.ts';

/** Initial chaining value, BLAKE3 specification table 1: as SHA-256's. */
const IV = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
] as const;
/** Message words of the next round, table 2. */
const PERMUTATION = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8] as const;
const ROUNDS = 7;
/** Words of the state that one G mixes, and which message words: columns, then diagonals. §2.2. */
const MIXES = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
] as const;

const LANES = 4;
const BLOCK_BYTES = 64;
const CV_BYTES = 32;

const parameter = {
  in: 0,
  out: 1,
  stride: 2,
  blocks: 3,
  counter: 4,
  counterStep: 5,
  flags: 6,
  startFlags: 7,
  endFlags: 8,
  lastBlockBytes: 9,
  groups: 10,
} as const;
const PARAMETERS = Object.keys(parameter).length;
const block = PARAMETERS;
const pointer = PARAMETERS + 1;
const blockFlags = PARAMETERS + 2;
const I32_LOCALS = 3;
const state = (word: number) => PARAMETERS + I32_LOCALS + word;
const message = (word: number) => state(16) + word;
const chaining = (word: number) => state(32) + word;
const V128_LOCALS = 40;

/** Module bytes; some 9 KB. */
export function emitLanes(): Uint8Array<ArrayBuffer> {
  return moduleOfRun(PARAMETERS, body());
}

function body(): number[] {
  const code = [...BLOCK, ...LOOP, ...get(parameter.groups), i32.equalZero, ...branchIf(1)];
  for (const [word, value] of IV.entries()) code.push(...inAllLanes(value), ...set(chaining(word)));
  code.push(...i32.const(0), ...set(block), ...get(parameter.in), ...set(pointer));
  code.push(...LOOP, ...loadMessage(), ...initState(), ...rounds());
  for (let word = 0; word < 8; word++) {
    code.push(...get(state(word)), ...get(state(word + 8)), ...v128.xor, ...set(chaining(word)));
  }
  code.push(...advance(pointer, i32.const(BLOCK_BYTES)));
  code.push(...get(block), ...i32.const(1), i32.add, ...tee(block));
  code.push(...get(parameter.blocks), i32.lessUnsigned, ...branchIf(0), END, ...storeChaining());
  code.push(...advance(parameter.in, [...get(parameter.stride), ...i32.const(LANES), i32.mul]));
  code.push(...advance(parameter.out, i32.const(LANES * CV_BYTES)));
  code.push(...advance(parameter.counter, [...get(parameter.counterStep), ...i32.const(LANES), i32.mul]));
  code.push(...get(parameter.groups), ...i32.const(1), i32.sub, ...set(parameter.groups));
  code.push(...branch(0), END, END, END);
  return bodyOf(I32_LOCALS, V128_LOCALS, code);
}

/** The sixteen words of this block of all four inputs: four loads of four words each, turned over. */
function loadMessage(): number[] {
  const code: number[] = [];
  for (let words = 0; words < 16; words += 4) {
    for (let lane = 0; lane < LANES; lane++) {
      code.push(...get(pointer), ...get(parameter.stride), ...i32.const(lane), i32.mul, i32.add);
      code.push(...v128.load(4 * words), ...set(state(lane)));
    }
    code.push(
      ...transpose(
        (lane) => state(lane),
        (word) => message(words + word),
      ),
    );
  }
  return code;
}

function initState(): number[] {
  const code: number[] = [];
  for (let word = 0; word < 8; word++) code.push(...get(chaining(word)), ...set(state(word)));
  for (let word = 0; word < 4; word++) code.push(...inAllLanes(IV[word]!), ...set(state(8 + word)));
  code.push(...get(parameter.counter), ...v128.splat, ...get(parameter.counterStep), ...v128.splat);
  code.push(...v128.const([0, 1, 2, 3]), ...v128.mul, ...v128.add, ...set(state(12)));
  // No shard has 2^32 chunks: the high word of the counter is zero.
  code.push(...inAllLanes(0), ...set(state(13)));
  const isLast = [...get(block), ...i32.const(1), i32.add, ...get(parameter.blocks), i32.equal];
  code.push(...get(parameter.lastBlockBytes), ...i32.const(BLOCK_BYTES), ...isLast, SELECT);
  code.push(...v128.splat, ...set(state(14)));
  code.push(...i32.const(0), ...get(parameter.startFlags), ...get(block), SELECT);
  code.push(...get(parameter.endFlags), ...i32.const(0), ...isLast, SELECT, i32.or);
  code.push(...get(parameter.flags), i32.or, ...tee(blockFlags), ...v128.splat, ...set(state(15)));
  return code;
}

function rounds(): number[] {
  const code: number[] = [];
  let schedule = Array.from({ length: 16 }, (_, word) => word);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [at, [a, b, c, d]] of MIXES.entries()) {
      const half = (word: number, turnD: number[], turnB: number[]) => {
        code.push(...get(state(a)), ...get(state(b)), ...v128.add, ...get(message(word)), ...v128.add);
        code.push(...tee(state(a)), ...get(state(d)), ...v128.xor, ...set(state(d)), ...turnD);
        code.push(...get(state(c)), ...get(state(d)), ...v128.add, ...tee(state(c)));
        code.push(...get(state(b)), ...v128.xor, ...set(state(b)), ...turnB);
      };
      half(schedule[2 * at]!, turnBytes(state(d), 2), turnBits(state(b), 12));
      half(schedule[2 * at + 1]!, turnBytes(state(d), 1), turnBits(state(b), 7));
    }
    schedule = PERMUTATION.map((from) => schedule[from]!);
  }
  return code;
}

function storeChaining(): number[] {
  const code: number[] = [];
  for (let words = 0; words < 8; words += 4) {
    code.push(
      ...transpose(
        (word) => chaining(words + word),
        (lane) => message(lane),
      ),
    );
    for (let lane = 0; lane < LANES; lane++) {
      code.push(...get(parameter.out), ...get(message(lane)), ...v128.store(lane * CV_BYTES + 4 * words));
    }
  }
  return code;
}

/** to(i) lane j = from(j) lane i. Overwrites state 4 … 7. */
function transpose(from: (row: number) => number, to: (row: number) => number): number[] {
  const mix = (a: number, b: number, words: readonly number[], into: number) => [
    ...get(a),
    ...get(b),
    ...v128.shuffle(words.flatMap((word) => [0, 1, 2, 3].map((byte) => 4 * word + byte))),
    ...set(into),
  ];
  return [
    ...mix(from(0), from(1), [0, 4, 1, 5], state(4)),
    ...mix(from(0), from(1), [2, 6, 3, 7], state(5)),
    ...mix(from(2), from(3), [0, 4, 1, 5], state(6)),
    ...mix(from(2), from(3), [2, 6, 3, 7], state(7)),
    ...mix(state(4), state(6), [0, 1, 4, 5], to(0)),
    ...mix(state(4), state(6), [2, 3, 6, 7], to(1)),
    ...mix(state(5), state(7), [0, 1, 4, 5], to(2)),
    ...mix(state(5), state(7), [2, 3, 6, 7], to(3)),
  ];
}

/** local = local >>> 8 · bytes, by a shuffle. */
function turnBytes(local: number, bytes: number): number[] {
  const order = Array.from({ length: 16 }, (_, at) => (at & ~3) + ((at + bytes) & 3));
  return [...get(local), ...get(local), ...v128.shuffle(order), ...set(local)];
}

/** local = local >>> bits. */
function turnBits(local: number, bits: number): number[] {
  return [
    ...[...get(local), ...i32.const(bits), ...v128.shiftRight],
    ...[...get(local), ...i32.const(32 - bits), ...v128.shiftLeft],
    ...v128.or,
    ...set(local),
  ];
}

function advance(local: number, by: readonly number[]): number[] {
  return [...get(local), ...by, i32.add, ...set(local)];
}
