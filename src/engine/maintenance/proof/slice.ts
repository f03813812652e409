/**
 * Slices of a BLAKE3 tree: proof that a chunk is part of the bytes whose hash is known, for somebody who has nothing but the hash. After Bao
 * (https://github.com/oconnor663/bao): a slice also carries the last chunk, whose number and length only the real length makes hash right, so the
 * length is proved as well. docs/FORMATS.md "Slices".
 */
import { MAX_BODY_BYTES } from '../../effects/net.ts';
import { CHUNK_BYTES, CV_BYTES, chunkValue, chunkValues, parentValue, parentValues } from './chaining.ts';

export interface HashTree {
  lengthBytes: number;
  /** Chaining values, 32 bytes each: of the chunks, of their parents … and at the end the root, which is the hash. */
  levels: readonly Uint8Array[];
}

/** Chunks of so many bytes; nothing at all is one empty chunk. */
export function chunksOf(lengthBytes: number): number {
  return Math.max(1, Math.ceil(lengthBytes / CHUNK_BYTES));
}

/** The whole tree: 1/16 of the bytes in memory. */
export function treeOf(bytes: Uint8Array): HashTree {
  const levels = [chunkValues(bytes)];
  while (levels.at(-1)!.length > CV_BYTES) levels.push(parentValues(levels.at(-1)!));
  return { lengthBytes: bytes.length, levels };
}

/** BLAKE3-256 of the bytes that the tree was made of. */
export function rootOf(tree: HashTree): Uint8Array {
  return tree.levels.at(-1)!;
}

/** Proof of chunk number `chunk`, and of the length. `bytes`: those that the tree was made of. */
export function sliceOf(tree: HashTree, bytes: Uint8Array, chunk: number): Uint8Array {
  const parts: Uint8Array[] = [];
  walk<void>(tree.lengthBytes, chunk, {
    known: (level, index) => {
      parts.push(tree.levels[level]!.subarray(index * CV_BYTES, (index + 1) * CV_BYTES));
    },
    chunk: (number) => {
      parts.push(bytes.subarray(number * CHUNK_BYTES, (number + 1) * CHUNK_BYTES));
    },
    parent: () => undefined,
  });
  return Uint8Array.from(Buffer.concat(parts));
}

/** Length of the slice of that chunk of so many bytes: nothing else decides it. */
export function sliceBytes(lengthBytes: number, chunk: number): number {
  let sum = 0;
  walk<void>(lengthBytes, chunk, {
    known: () => {
      sum += CV_BYTES;
    },
    chunk: (number) => {
      sum += Math.min(CHUNK_BYTES, lengthBytes - number * CHUNK_BYTES);
    },
    parent: () => undefined,
  });
  return sum;
}

/** Whether the slice proves that chunk `chunk` of the `lengthBytes` bytes with the hash `root` was at hand. Never throws. */
export function verifySlice(
  root: Uint8Array,
  lengthBytes: number,
  chunk: number,
  slice: Uint8Array,
): boolean {
  if (!isLength(lengthBytes) || !Number.isInteger(chunk) || chunk < 0 || chunk >= chunksOf(lengthBytes)) {
    return false;
  }
  if (slice.length !== sliceBytes(lengthBytes, chunk)) return false;
  let at = 0;
  const take = (count: number) => slice.subarray(at, (at += count));
  const found = walk<Uint8Array>(lengthBytes, chunk, {
    known: () => take(CV_BYTES),
    chunk: (number, only) =>
      chunkValue(take(Math.min(CHUNK_BYTES, lengthBytes - number * CHUNK_BYTES)), number, only),
    parent: parentValue,
  });
  return Buffer.compare(found, root) === 0;
}

/** Whether a shard can have that length. */
export function isLength(lengthBytes: number): boolean {
  return Number.isInteger(lengthBytes) && lengthBytes >= 0 && lengthBytes <= MAX_BODY_BYTES;
}

interface Visitor<T> {
  /** A subtree with neither the chunk nor the last one in it: it stands in the slice as its chaining value. */
  known(level: number, index: number): T;
  /** A chunk that stands in the slice itself; `only`: there is no other. */
  chunk(number: number, only: boolean): T;
  parent(left: T, right: T, root: boolean): T;
}

/**
 * From left to right through the part of the tree that a slice shows. BLAKE3's tree, whose left subtrees are as large as a power of two allows, is
 * the one that pairing neighbours makes level by level when the odd one out goes up unchanged.
 */
function walk<T>(lengthBytes: number, chunk: number, visitor: Visitor<T>): T {
  const chunks = chunksOf(lengthBytes);
  const last = chunks - 1;
  const counts = [chunks];
  while (counts.at(-1)! > 1) counts.push(Math.ceil(counts.at(-1)! / 2));
  const top = counts.length - 1;
  const visit = (level: number, index: number): T => {
    if (chunk >> level !== index && last >> level !== index) return visitor.known(level, index);
    if (level === 0) return visitor.chunk(index, chunks === 1);
    const left = visit(level - 1, 2 * index);
    if (2 * index + 1 === counts[level - 1]) return left;
    return visitor.parent(left, visit(level - 1, 2 * index + 1), level === top);
  };
  return visit(top, 0);
}
