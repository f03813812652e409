/** The sum of a shard: the combination of all its chunks with the coefficients of a look. docs/FORMATS.md "Sums". */
import { multiply } from '../../codec/gf256.ts';
import { CHUNK_BYTES } from './chaining.ts';
import type { Coefficients } from './coefficients.ts';
import { chunksOf } from './slice.ts';
import { emitSum, TABLE_BYTES } from './sum-emitter.ts';

/** Chunks that go through the module at once: they and what they are looked up in stay in the second-level cache. */
const WINDOW_CHUNKS = 64;
const OUT_AT = 256 * TABLE_BYTES;
const COEFFICIENTS_AT = OUT_AT + CHUNK_BYTES;
const WINDOW_AT = COEFFICIENTS_AT + CHUNK_BYTES;
/** 128 KiB: tables, sum, coefficients, window. */
const MEMORY_PAGES = 2;

type Run = (inAt: number, coefficientsAt: number, chunks: number, tablesAt: number, outAt: number) => void;

let kernel: { memory: Uint8Array; run: Run } | undefined;

/** Made on first use: under 1 ms. */
function summing(): { memory: Uint8Array; run: Run } {
  if (kernel === undefined) {
    const memory = new WebAssembly.Memory({ initial: MEMORY_PAGES });
    const instance = new WebAssembly.Instance(new WebAssembly.Module(emitSum()), { m: { m: memory } });
    kernel = { memory: new Uint8Array(memory.buffer), run: instance.exports.run as Run };
    for (let constant = 0; constant < 256; constant++) {
      for (let half = 0; half < 16; half++) {
        kernel.memory[constant * TABLE_BYTES + half] = multiply(constant, half);
        kernel.memory[constant * TABLE_BYTES + 16 + half] = multiply(constant, half << 4);
      }
    }
  }
  return kernel;
}

/** Length of the sum of a shard of so many bytes: a chunk, or the shard where it is shorter. */
export function sumBytes(lengthBytes: number): number {
  return Math.min(CHUNK_BYTES, lengthBytes);
}

/** XOR of coefficient × chunk in GF(2^8), byte by byte; the last chunk as if zeros followed it. */
export function sumOf(bytes: Uint8Array, coefficients: Coefficients): Uint8Array {
  const { memory, run } = summing();
  const chunks = chunksOf(bytes.length);
  const factors = coefficients.first(chunks);
  memory.fill(0, OUT_AT, OUT_AT + CHUNK_BYTES);
  for (let chunk = 0; chunk < chunks; chunk += WINDOW_CHUNKS) {
    const count = Math.min(WINDOW_CHUNKS, chunks - chunk);
    const window = bytes.subarray(chunk * CHUNK_BYTES, (chunk + count) * CHUNK_BYTES);
    memory.set(window, WINDOW_AT);
    memory.fill(0, WINDOW_AT + window.length, WINDOW_AT + count * CHUNK_BYTES);
    memory.set(factors.subarray(chunk, chunk + count), COEFFICIENTS_AT);
    run(WINDOW_AT, COEFFICIENTS_AT, count, 0, OUT_AT);
  }
  return memory.slice(OUT_AT, OUT_AT + sumBytes(bytes.length));
}
