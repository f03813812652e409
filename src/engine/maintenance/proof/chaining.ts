/** BLAKE3's chaining values of chunks and parents: what its tree is made of, which no hash library gives out. Specification §2.4, §2.5. */
import { emitLanes } from './lanes-emitter.ts';

export const CHUNK_BYTES = 1024;
export const CV_BYTES = 32;

const BLOCK_BYTES = 64;
const LANES = 4;
/** Domain flags, specification table 3. */
const FLAG = { chunkStart: 1, chunkEnd: 2, parent: 4, root: 8 } as const;

/** What goes through the module at once. Lanes behind the last input read on, so there is room behind it. */
const WINDOW_BYTES = 64 * 1024;
const OUT_AT = WINDOW_BYTES + 16 * 1024;
/** 128 KiB: window, slack, and 32 KiB for the values of 1024 parents. */
const MEMORY_PAGES = 2;

type Run = (
  ...numbers: [
    inAt: number,
    outAt: number,
    strideBytes: number,
    blocks: number,
    counter: number,
    counterStep: number,
    flags: number,
    startFlags: number,
    endFlags: number,
    lastBlockBytes: number,
    groups: number,
  ]
) => void;

let lanes: { memory: Uint8Array; run: Run } | undefined;

/** Made on first use: 2 ms. */
function compression(): { memory: Uint8Array; run: Run } {
  if (lanes === undefined) {
    const memory = new WebAssembly.Memory({ initial: MEMORY_PAGES });
    const instance = new WebAssembly.Instance(new WebAssembly.Module(emitLanes()), { m: { m: memory } });
    lanes = { memory: new Uint8Array(memory.buffer), run: instance.exports.run as Run };
  }
  return lanes;
}

/** Chaining values of the chunks of `bytes`, 32 bytes each; of a single chunk, the root: the hash itself. */
export function chunkValues(bytes: Uint8Array): Uint8Array {
  const { memory, run } = compression();
  const chunks = Math.max(1, Math.ceil(bytes.length / CHUNK_BYTES));
  const full = Math.floor(bytes.length / CHUNK_BYTES);
  const values = new Uint8Array(chunks * CV_BYTES);
  // A single chunk is the root as well, and has other flags.
  const together = chunks === 1 ? 0 : full;
  const perWindow = WINDOW_BYTES / CHUNK_BYTES;
  for (let chunk = 0; chunk < together; chunk += perWindow) {
    const count = Math.min(perWindow, together - chunk);
    memory.set(bytes.subarray(chunk * CHUNK_BYTES, (chunk + count) * CHUNK_BYTES));
    const blocks = CHUNK_BYTES / BLOCK_BYTES;
    const groups = Math.ceil(count / LANES);
    run(0, OUT_AT, CHUNK_BYTES, blocks, chunk, 1, 0, FLAG.chunkStart, FLAG.chunkEnd, BLOCK_BYTES, groups);
    values.set(memory.subarray(OUT_AT, OUT_AT + count * CV_BYTES), chunk * CV_BYTES);
  }
  if (together < chunks) {
    const last = chunkValue(bytes.subarray(together * CHUNK_BYTES), together, chunks === 1);
    values.set(last, together * CV_BYTES);
  }
  return values;
}

/** Chaining value of the chunk of that number, 0 to 1024 bytes; the hash itself when it is the only one (`root`). */
export function chunkValue(bytes: Uint8Array, number: number, root: boolean): Uint8Array {
  const { memory, run } = compression();
  const blocks = Math.max(1, Math.ceil(bytes.length / BLOCK_BYTES));
  memory.fill(0, bytes.length, blocks * BLOCK_BYTES);
  memory.set(bytes);
  const endFlags = FLAG.chunkEnd | (root ? FLAG.root : 0);
  const lastBlockBytes = bytes.length - (blocks - 1) * BLOCK_BYTES;
  run(0, OUT_AT, CHUNK_BYTES, blocks, number, 0, 0, FLAG.chunkStart, endFlags, lastBlockBytes, 1);
  return memory.slice(OUT_AT, OUT_AT + CV_BYTES);
}

/** The values one level up: of each pair its parent's; one without a sibling goes up as it is. `values`: at least two. */
export function parentValues(values: Uint8Array): Uint8Array {
  const { memory, run } = compression();
  const count = values.length / CV_BYTES;
  const pairs = count >> 1;
  const flags = FLAG.parent | (count === 2 ? FLAG.root : 0);
  const out = new Uint8Array((pairs + (count & 1)) * CV_BYTES);
  const perWindow = WINDOW_BYTES / BLOCK_BYTES;
  for (let pair = 0; pair < pairs; pair += perWindow) {
    const some = Math.min(perWindow, pairs - pair);
    memory.set(values.subarray(pair * BLOCK_BYTES, (pair + some) * BLOCK_BYTES));
    run(0, OUT_AT, BLOCK_BYTES, 1, 0, 0, flags, 0, 0, BLOCK_BYTES, Math.ceil(some / LANES));
    out.set(memory.subarray(OUT_AT, OUT_AT + some * CV_BYTES), pair * CV_BYTES);
  }
  if (count & 1) out.set(values.subarray(-CV_BYTES), pairs * CV_BYTES);
  return out;
}

/** Value of the parent of two; the hash itself at the top (`root`). */
export function parentValue(left: Uint8Array, right: Uint8Array, root: boolean): Uint8Array {
  const { memory, run } = compression();
  memory.set(left);
  memory.set(right, CV_BYTES);
  run(0, OUT_AT, BLOCK_BYTES, 1, 0, 0, FLAG.parent | (root ? FLAG.root : 0), 0, 0, BLOCK_BYTES, 1);
  return memory.slice(OUT_AT, OUT_AT + CV_BYTES);
}
