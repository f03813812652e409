/**
 * Coding kernels: outputs = matrix · sources over bit-sliced shards. Up to MAX_PROGRAM_CELLS coefficients the matrix becomes straight-line
 * code; beyond, one small function per field constant is applied coefficient by coefficient, so that a 29+51 code costs neither a
 * second of program making nor megabytes of machine code.
 */
import { emitKernel, type Tile } from './wasm-emitter.ts';
import { matrixProgram } from './xor-program.ts';

export interface KernelInstance {
  /** `pointers` is the memory's pointer table at address 0; the offsets are addresses in that memory. */
  run(
    pointers: Uint32Array,
    sources: readonly number[],
    outputs: readonly number[],
    lengthBytes: number,
  ): void;
}

export interface Kernel {
  instantiate(memory: WebAssembly.Memory): KernelInstance;
}

/**
 * Where a table-driven kernel overtakes: at 20+10 (200 coefficients) code is as fast and takes 50 ms to make, at 64+32 it takes 200 ms and is
 * slower, as its functions outgrow the instruction cache.
 */
const MAX_PROGRAM_CELLS = 256;
/** Measured over 4+2 … 16+4: 8 × 4 beats 16 × 2, 16 × 4 and 32 × 2 (up to 1.2 ×), and makes programs fastest. */
const TILE_SOURCES = 8;
const TILE_OUTPUTS = 4;

/** The kernel for `rows`, one row of coefficients per output. */
export function makeKernel(rows: readonly Uint8Array[]): Kernel {
  const sources = rows[0]?.length ?? 0;
  if (rows.length * sources > MAX_PROGRAM_CELLS) return tableKernel(rows);
  return programKernel(sources, matrixTiles(rows));
}

function matrixTiles(rows: readonly Uint8Array[]): Tile[] {
  const tiles: Tile[] = [];
  for (const outputs of runs(rows.length, TILE_OUTPUTS)) {
    for (const sources of runs(rows[0]!.length, TILE_SOURCES)) {
      const part = outputs.map((row) => rows[row]!.subarray(sources[0]!, sources.at(-1)! + 1));
      tiles.push({ program: matrixProgram(part), sources, outputs, accumulate: sources[0] !== 0 });
    }
  }
  return tiles;
}

function programKernel(sources: number, tiles: readonly Tile[]): Kernel {
  const moduleFor = modules(sources, tiles);
  return {
    instantiate(memory) {
      const { run } = new WebAssembly.Instance(moduleFor(memory), { m: { m: memory } }).exports as {
        run(pointers: number, lengthBytes: number): void;
      };
      return {
        run(pointers, sourceAt, outputAt, lengthBytes) {
          pointers.set(sourceAt, 0);
          pointers.set(outputAt, sources);
          run(0, lengthBytes);
        },
      };
    },
  };
}

/** A module's import says whether the memory is shared, so there are two of each kernel; each is made when it is first needed. */
function modules(
  sources: number,
  tiles: readonly Tile[],
): (memory: WebAssembly.Memory) => WebAssembly.Module {
  const made: { own?: WebAssembly.Module; shared?: WebAssembly.Module } = {};
  return (memory) => {
    const shared = (memory.buffer as unknown) instanceof SharedArrayBuffer;
    return (made[shared ? 'shared' : 'own'] ??= new WebAssembly.Module(emitKernel(sources, tiles, shared)));
  };
}

type TileFunction = (pointers: number, from: number, to: number) => void;

let multipliers: ((memory: WebAssembly.Memory) => WebAssembly.Module) | undefined;

/** Tile c-1 adds c times its source to its output. The same for every matrix, so made once (some 60 ms). */
function multiplierModule(memory: WebAssembly.Memory): WebAssembly.Module {
  multipliers ??= modules(
    1,
    range(255).map((i) => ({
      program: matrixProgram([Uint8Array.of(i + 1)]),
      sources: [0],
      outputs: [0],
      accumulate: true,
    })),
  );
  return multipliers(memory);
}

/** Strips of all sources stay in the second-level cache while every output reads them. */
const TABLE_STRIP_BYTES = 8 * 1024;

function tableKernel(rows: readonly Uint8Array[]): Kernel {
  return {
    instantiate(memory) {
      const exports = new WebAssembly.Instance(multiplierModule(memory), { m: { m: memory } }).exports;
      const add = range(256).map((c) => (c === 0 ? undefined : (exports[`t${c - 1}`] as TileFunction)));
      return {
        run(pointers, sourceAt, outputAt, lengthBytes) {
          const bytes = new Uint8Array(memory.buffer);
          for (let from = 0; from < lengthBytes; from += TABLE_STRIP_BYTES) {
            const to = Math.min(from + TABLE_STRIP_BYTES, lengthBytes);
            outputAt.forEach((output, row) => {
              pointers[1] = output;
              bytes.fill(0, output + from, output + to);
              const coefficients = rows[row]!;
              for (let source = 0; source < sourceAt.length; source++) {
                pointers[0] = sourceAt[source]!;
                add[coefficients[source]!]?.(0, from, to);
              }
            });
          }
        },
      };
    },
  };
}

function range(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}

/** 0…length-1 in runs of nearly the same length, at most `size`. */
function runs(length: number, size: number): number[][] {
  const count = Math.ceil(length / size);
  const edge = (run: number) => Math.floor((run * length) / count);
  return range(count).map((run) => range(edge(run + 1) - edge(run)).map((i) => edge(run) + i));
}
