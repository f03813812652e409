/**
 * Content-defined chunks for pools with deduplication: cuts depend on the bytes around them, so an insertion moves no cut but its neighbours'. FastCDC (Xia
 * et al., USENIX ATC 2016): a gear hash over the last 32 bytes, no cut before the minimum, a harder condition before the average length and an easier one
 * after it. The gear table is keyed by the owner's dedup secret: lengths of chunks tell a stranger nothing about known content.
 */
import type { Chunk } from './chunker.ts';
import { hashProvider } from './hash.ts';
import { copyOf } from './memory.ts';

export interface CutSizes {
  minBytes: number;
  /** A power of two. */
  averageBytes: number;
  maxBytes: number;
}

/** Conditions 4 times harder below and easier above the average: FastCDC's normalisation level 2. */
const NORMALISATION_BITS = 2;
/** The gear hash has 32 bits; the lowest ones depend on few bytes and are not used. */
const MAX_AVERAGE_BITS = 26;
const GEAR_CONTEXT = Buffer.from('datamesh/dedup-gear/1');
const GEAR_ENTRIES = 256;

/** A quarter to four times the average, as FastCDC has it. */
export function cutSizes(averageBytes: number): CutSizes {
  const sizes = { minBytes: averageBytes / 4, averageBytes, maxBytes: averageBytes * 4 };
  checkSizes(sizes);
  return sizes;
}

/** 256 words of 32 bits out of a keyed BLAKE3. `dedupSecret`: 32 bytes. */
export function gearTable(dedupSecret: Uint8Array): Uint32Array {
  const table = new Uint32Array(GEAR_ENTRIES);
  for (let i = 0; i < GEAR_ENTRIES; i += 8) {
    const hash = Buffer.from(
      hashProvider().keyed(dedupSecret, Buffer.concat([GEAR_CONTEXT, Uint8Array.of(i)])),
    );
    for (let word = 0; word < 8; word++) table[i + word] = hash.readUInt32BE(4 * word);
  }
  return table;
}

/** Finds the cuts of a stream that comes in any pieces. */
export class CutFinder {
  readonly #gear: Uint32Array;
  readonly #sizes: CutSizes;
  readonly #hardMask: number;
  readonly #easyMask: number;
  #hash = 0;
  #length = 0;

  constructor(gear: Uint32Array, sizes: CutSizes) {
    checkSizes(sizes);
    if (gear.length !== GEAR_ENTRIES) throw new RangeError('a gear table has 256 words');
    this.#gear = gear;
    this.#sizes = sizes;
    const bits = Math.log2(sizes.averageBytes);
    this.#hardMask = topBits(bits + NORMALISATION_BITS);
    this.#easyMask = topBits(Math.max(1, bits - NORMALISATION_BITS));
  }

  /** How many bytes of `bytes` from `from` on still belong to the current chunk; `cut` when it ends with them. */
  next(bytes: Uint8Array, from: number): { taken: number; cut: boolean } {
    const { minBytes, averageBytes, maxBytes } = this.#sizes;
    const gear = this.#gear;
    const base = from - this.#length;
    const until = (chunkLength: number) => Math.min(bytes.length, base + chunkLength);
    let at = from;
    let hash = this.#hash;
    // Bytes out of whose window no condition can be met before the minimum need no hashing.
    at = Math.max(at, Math.min(bytes.length, base + minBytes - 32));
    for (const end = until(minBytes); at < end; at++) hash = ((hash << 1) + gear[bytes[at]!]!) | 0;
    let found = false;
    for (const [limit, mask] of [
      [until(averageBytes), this.#hardMask],
      [until(maxBytes), this.#easyMask],
    ] as const) {
      for (; at < limit && !found; at++) {
        hash = ((hash << 1) + gear[bytes[at]!]!) | 0;
        found = (hash & mask) === 0;
      }
    }
    const taken = at - from;
    const cut = found || this.#length + taken === maxBytes;
    this.#hash = cut ? 0 : hash;
    this.#length = cut ? 0 : this.#length + taken;
    return { taken, cut };
  }
}

/** Like `chunks` of chunker.ts, of lengths between the minimum and the maximum; only the last may be shorter. */
export async function* contentChunks(
  source: AsyncIterable<Uint8Array>,
  gear: Uint32Array,
  sizes: CutSizes,
): AsyncGenerator<Chunk> {
  const finder = new CutFinder(gear, sizes);
  let parts: Uint8Array[] = [];
  let full: Uint8Array | undefined;
  let index = 0;
  for await (const piece of source) {
    for (let at = 0; at < piece.length; ) {
      if (full !== undefined) {
        yield chunkOf(index++, full, false);
        full = undefined;
      }
      const { taken, cut } = finder.next(piece, at);
      const part = piece.subarray(at, at + taken);
      at += taken;
      // A source may write its piece again; what belongs to a chunk begun is kept.
      parts.push(cut ? part : copyOf(part));
      if (!cut) continue;
      full = Buffer.concat(parts);
      parts = [];
    }
  }
  if (full !== undefined) yield chunkOf(index++, full, parts.length === 0);
  if (parts.length > 0) yield chunkOf(index, Buffer.concat(parts), true);
}

function chunkOf(index: number, bytes: Uint8Array, last: boolean): Chunk {
  return { index, pieces: [bytes], lengthBytes: bytes.length, last };
}

function topBits(count: number): number {
  return count >= 32 ? -1 : ~((1 << (32 - count)) - 1);
}

function checkSizes({ minBytes, averageBytes, maxBytes }: CutSizes): void {
  const bits = Math.log2(averageBytes);
  const ordered = minBytes >= 1 && minBytes <= averageBytes && averageBytes <= maxBytes;
  if (Number.isInteger(bits) && bits >= 4 && bits <= MAX_AVERAGE_BITS && ordered) return;
  throw new RangeError(`no chunk lengths: ${minBytes}, ${averageBytes}, ${maxBytes}`);
}
