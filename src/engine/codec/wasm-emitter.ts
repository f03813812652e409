/**
 * WebAssembly bytes of a coding kernel: one function per tile (an XOR program over some of the sources, for some of the outputs) and a
 * loop that runs all tiles over strips short enough to stay in the cache. Encoding: the WebAssembly core specification 2.0, chapter 5.
 *
 * The module imports `m.m` (memory) and exports `run(pointers, lengthBytes)`: `pointers` is the address of u32 addresses, sources first,
 * then outputs; `lengthBytes` is a multiple of 128. Tile i alone is exported as `t<i>(pointers, fromBytes, toBytes)`.
 */
import { functionType, moduleBytes, UNSHARED, unsigned, vector } from './wasm-binary.ts';
import {
  BLOCK,
  bodyOf,
  branch,
  branchIf,
  call,
  END,
  get,
  I32,
  i32,
  inAllLanes,
  LOOP,
  SELECT,
  set,
  tee,
  v128,
} from './wasm-instructions.ts';
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

/** A shared memory is imported with a maximum: the 4 GiB that 32-bit addresses reach. */
const SHARED = [0x03, 1, ...unsigned(65_536)];

/** Module bytes for `tiles` of a kernel with that many sources in all, for memories that are shared between threads or not. */
export function emitKernel(
  sources: number,
  tiles: readonly Tile[],
  shared: boolean,
): Uint8Array<ArrayBuffer> {
  return moduleBytes({
    types: [functionType([I32, I32, I32]), functionType([I32, I32])],
    limits: shared ? SHARED : UNSHARED,
    functions: [
      ...tiles.map((tile) => ({ type: 0, body: tileBody(sources, tile) })),
      { type: 1, body: runBody(tiles.length) },
    ],
    exports: [['run', tiles.length], ...tiles.map((_, tile) => [`t${tile}`, tile] as const)],
  });
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
    emit(get(0));
    emit(i32.load(4 * slot));
    emit(set(local));
  };
  for (const [i, source] of tile.sources.entries()) loadPointer(source, sourceLocal + i);
  for (const [i, output] of tile.outputs.entries()) loadPointer(kernelSources + output, outputLocal + i);
  const address = (local: number) => {
    emit(get(local));
    emit(get(offset));
    code.push(i32.add);
  };
  const push = (value: number) => {
    if (value >= inputs) return emit(get(firstVector + value - inputs));
    address(sourceLocal + Math.floor(value / PLANES));
    emit(v128.loadAligned((value % PLANES) * PLANE_BYTES));
  };
  const stores = outputsByReadiness(program);
  emit(LOOP);
  const store = (plane: number) => {
    const local = outputLocal + Math.floor(plane / PLANES);
    const at = (plane % PLANES) * PLANE_BYTES;
    const value = program.outputs[plane];
    if (value === undefined && tile.accumulate) return;
    address(local);
    if (value === undefined) emit(inAllLanes(0));
    else push(value);
    if (tile.accumulate) {
      address(local);
      emit(v128.loadAligned(at));
      emit(v128.xor);
    }
    emit(v128.storeAligned(at));
  };
  for (const plane of stores.get(-1) ?? []) store(plane);
  program.operations.forEach(([a, b], i) => {
    push(a);
    push(b);
    emit(v128.xor);
    emit(set(firstVector + i));
    for (const plane of stores.get(i) ?? []) store(plane);
  });
  emit(get(offset));
  emit(i32.const(BLOCK_BYTES));
  code.push(i32.add);
  emit(tee(offset));
  emit(get(2));
  code.push(i32.lessUnsigned);
  emit(branchIf(0));
  code.push(END, END);
  return bodyOf(tile.sources.length + tile.outputs.length, program.operations.length, code);
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
  const code: number[] = [...BLOCK, ...LOOP];
  code.push(...get(2), ...get(1), i32.greaterEqualUnsigned, ...branchIf(1));
  // to = min(from + strip, length)
  code.push(...get(2), ...i32.const(STRIP_BYTES), i32.add, ...tee(3));
  code.push(...get(1), ...get(3), ...get(1), i32.lessUnsigned, SELECT, ...set(3));
  for (let tile = 0; tile < tiles; tile++) {
    code.push(...get(0), ...get(2), ...get(3), ...call(tile));
  }
  code.push(...get(3), ...set(2), ...branch(0), END, END, END);
  return vector([[2, I32]]).concat(code);
}
