/**
 * WebAssembly bytes of a coding kernel: one function per tile (an XOR program over some of the sources, for some of the outputs) and a
 * loop that runs all tiles over strips short enough to stay in the cache. Encoding: the WebAssembly core specification 2.0, chapter 5.
 *
 * The module imports `m.m` (memory) and exports `run(pointers, lengthBytes)`: `pointers` is the address of u32 addresses, sources first,
 * then outputs; `lengthBytes` is a multiple of 128. Tile i alone is exported as `t<i>(pointers, fromBytes, toBytes)`.
 */
import {
  codeSection,
  exported,
  functionType,
  section,
  signed,
  text,
  unsigned,
  vector,
} from './wasm-binary.ts';
import { PLANES, type XorProgram } from './xor-program.ts';

export interface Tile {
  program: XorProgram;
  /** Sources of the kernel that the program's sources are. */
  sources: number[];
  /** Outputs of the kernel that the program makes. */
  outputs: number[];
  /** XOR into the outputs instead of overwriting them: the second and later tiles of the same outputs. */
  accumulate: boolean;
}

export const BLOCK_BYTES = 128;
const PLANE_BYTES = BLOCK_BYTES / PLANES;
/** Bytes of each shard per pass over all tiles: with 4+2 the strips of all shards (48 KiB) lie in the second-level cache. */
const STRIP_BYTES = 8 * 1024;

const I32 = 0x7f;
const V128 = 0x7b;
const op = {
  block: [0x02, 0x40],
  loop: [0x03, 0x40],
  end: 0x0b,
  brIf: (depth: number) => [0x0d, depth],
  call: (index: number) => [0x10, ...unsigned(index)],
  get: (local: number) => [0x20, ...unsigned(local)],
  set: (local: number) => [0x21, ...unsigned(local)],
  tee: (local: number) => [0x22, ...unsigned(local)],
  select: 0x1b,
  i32Load: (offset: number) => [0x28, 2, ...unsigned(offset)],
  i32Const: (value: number) => [0x41, ...signed(value)],
  i32LessUnsigned: 0x49,
  i32GreaterEqualUnsigned: 0x4f,
  i32Add: 0x6a,
  v128Load: (offset: number) => [0xfd, 0x00, 4, ...unsigned(offset)],
  v128Store: (offset: number) => [0xfd, 0x0b, 4, ...unsigned(offset)],
  v128Zero: [0xfd, 0x0c, ...new Array<number>(16).fill(0)],
  v128Xor: [0xfd, 0x51],
} as const;

/** A shared memory is imported with a maximum: the 4 GiB that 32-bit addresses reach. */
const SHARED_LIMITS = [0x03, 1, ...unsigned(65_536)];
const LIMITS = [0x00, 1];

/** Module bytes for `tiles` of a kernel with that many sources in all, for memories that are shared between threads or not. */
export function emitKernel(
  sources: number,
  tiles: readonly Tile[],
  shared: boolean,
): Uint8Array<ArrayBuffer> {
  const bodies = tiles.map((tile) => tileBody(sources, tile));
  const run = tiles.length;
  bodies.push(runBody(tiles.length));
  const tileType = functionType([I32, I32, I32]);
  const runType = functionType([I32, I32]);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector([tileType, runType])),
    ...section(2, vector([[...text('m'), ...text('m'), 0x02, ...(shared ? SHARED_LIMITS : LIMITS)]])),
    ...section(3, vector([...tiles.map(() => [0]), [1]])),
    ...section(7, vector([exported('run', run), ...tiles.map((_, i) => exported(`t${i}`, i))])),
    ...codeSection(bodies),
  ]);
}

/** `tile(pointers, from, to)`: all blocks of the shards between the offsets `from` < `to`. */
function tileBody(kernelSources: number, tile: Tile): number[] {
  const { program } = tile;
  const offset = 1;
  const sourceLocal = 3;
  const outputLocal = sourceLocal + tile.sources.length;
  const firstVector = outputLocal + tile.outputs.length;
  const inputs = program.sources * PLANES;
  const code: number[] = [];
  const emit = (bytes: readonly number[]) => {
    for (const byte of bytes) code.push(byte);
  };
  const loadPointer = (slot: number, local: number) => {
    emit(op.get(0));
    emit(op.i32Load(4 * slot));
    emit(op.set(local));
  };
  for (const [i, source] of tile.sources.entries()) loadPointer(source, sourceLocal + i);
  for (const [i, output] of tile.outputs.entries()) loadPointer(kernelSources + output, outputLocal + i);
  const address = (local: number) => {
    emit(op.get(local));
    emit(op.get(offset));
    code.push(op.i32Add);
  };
  const push = (value: number) => {
    if (value >= inputs) return emit(op.get(firstVector + value - inputs));
    address(sourceLocal + Math.floor(value / PLANES));
    emit(op.v128Load((value % PLANES) * PLANE_BYTES));
  };
  const stores = outputsByReadiness(program);
  emit(op.loop);
  const store = (plane: number) => {
    const local = outputLocal + Math.floor(plane / PLANES);
    const at = (plane % PLANES) * PLANE_BYTES;
    const value = program.outputs[plane];
    if (value === undefined && tile.accumulate) return;
    address(local);
    if (value === undefined) emit(op.v128Zero);
    else push(value);
    if (tile.accumulate) {
      address(local);
      emit(op.v128Load(at));
      emit(op.v128Xor);
    }
    emit(op.v128Store(at));
  };
  for (const plane of stores.get(-1) ?? []) store(plane);
  program.operations.forEach(([a, b], i) => {
    push(a);
    push(b);
    emit(op.v128Xor);
    emit(op.set(firstVector + i));
    for (const plane of stores.get(i) ?? []) store(plane);
  });
  emit(op.get(offset));
  emit(op.i32Const(BLOCK_BYTES));
  code.push(op.i32Add);
  emit(op.tee(offset));
  emit(op.get(2));
  code.push(op.i32LessUnsigned);
  emit(op.brIf(0));
  code.push(op.end, op.end);
  const locals = vector([
    [...unsigned(tile.sources.length + tile.outputs.length), I32],
    [...unsigned(program.operations.length), V128],
  ]);
  return locals.concat(code);
}

/** Output planes under the index of the operation after which they can be stored; -1 for bare inputs and zeros. */
function outputsByReadiness(program: XorProgram): Map<number, number[]> {
  const inputs = program.sources * PLANES;
  const ready = new Map<number, number[]>();
  program.outputs.forEach((value, plane) => {
    const after = value === undefined || value < inputs ? -1 : value - inputs;
    ready.set(after, [...(ready.get(after) ?? []), plane]);
  });
  return ready;
}

/** `run(pointers, length)`: for each strip, every tile in turn. Locals: 2 = from, 3 = to. */
function runBody(tiles: number): number[] {
  const code: number[] = [...op.block, ...op.loop];
  code.push(...op.get(2), ...op.get(1), op.i32GreaterEqualUnsigned, ...op.brIf(1));
  // to = min(from + strip, length)
  code.push(...op.get(2), ...op.i32Const(STRIP_BYTES), op.i32Add, ...op.tee(3));
  code.push(...op.get(1), ...op.get(3), ...op.get(1), op.i32LessUnsigned, op.select, ...op.set(3));
  for (let tile = 0; tile < tiles; tile++) {
    code.push(...op.get(0), ...op.get(2), ...op.get(3), ...op.call(tile));
  }
  code.push(...op.get(3), ...op.set(2), 0x0c, 0, op.end, op.end, op.end);
  return vector([[2, I32]]).concat(code);
}
