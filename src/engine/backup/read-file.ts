/** A file's content as segments: read once, cut by content, its holes left out. */
import { cutSizes } from '../codec/content-chunker.ts';
import type { FileTree, TreeStat } from '../effects/tree.ts';
import { Cutter } from './cutter.ts';
import { CHUNK_AVERAGE_BYTES, HOLE_BYTES, READ_BYTES } from './limits.ts';
import type { Segment } from './tree-entry.ts';
import type { Walked } from './walk.ts';

/** Gives a chunk's id and sees that it is stored; `wait` is to be waited for before the next chunk. */
export type StoreChunk = (chunk: Buffer) => { id: Buffer; wait: Promise<void> | undefined };

export interface FileContent {
  segments: Segment[];
  sizeBytes: number;
  sparse: boolean;
  /** As it was when it was read. */
  stat: TreeStat;
  /** It was written while it was read: what was read is neither the old file nor the new one for sure. */
  changed: boolean;
}

const ZEROS = Buffer.alloc(HOLE_BYTES);

export class FileReader {
  readonly #tree: FileTree;
  readonly #cutter: Cutter;
  readonly #store: StoreChunk;
  /** Files up to this are one chunk. */
  readonly #wholeBytes: number;

  constructor(tree: FileTree, gear: Uint32Array, store: StoreChunk) {
    const sizes = cutSizes(CHUNK_AVERAGE_BYTES);
    this.#tree = tree;
    this.#cutter = new Cutter(gear, sizes, READ_BYTES);
    this.#store = store;
    this.#wholeBytes = sizes.minBytes;
  }

  /** `looked`: as the walk saw it. Throws what the file system throws. */
  async read(looked: Walked, onBytes: (count: number) => void): Promise<FileContent> {
    const tree = this.#tree;
    const file = tree.open(looked.absolute);
    try {
      const before = looked.stat;
      const sparse = before.allocatedBytes < before.sizeBytes;
      const segments: Segment[] = [];
      const whole = !sparse && before.sizeBytes <= this.#wholeBytes;
      const sizeBytes = whole
        ? await this.#readWhole(file, before.sizeBytes, segments)
        : await this.#readLong(file, sparse, segments, onBytes);
      const stat = tree.statOpen(file);
      if (whole) onBytes(sizeBytes);
      const changed =
        stat.mtimeNs !== before.mtimeNs ||
        stat.ctimeNs !== before.ctimeNs ||
        stat.inode !== before.inode ||
        sizeBytes !== before.sizeBytes;
      return {
        segments,
        sizeBytes,
        sparse: segments.some(({ id }) => id === undefined) || sparse,
        stat,
        changed,
      };
    } finally {
      tree.close(file);
      this.#cutter.rest();
    }
  }

  async #take(segments: Segment[], chunk: Buffer): Promise<void> {
    const { id, wait } = this.#store(chunk);
    segments.push({ id, lengthBytes: chunk.length });
    if (wait !== undefined) await wait;
  }

  /** One read that asks for a byte more than there should be: fewer are the end. */
  async #readWhole(file: number, sizeBytes: number, segments: Segment[]): Promise<number> {
    const room = this.#cutter.room();
    const count = this.#tree.read(file, room, 0, sizeBytes + 1, 0);
    if (count > sizeBytes) {
      return await this.#readLong(file, false, segments, () => {});
    }
    if (count > 0) await this.#take(segments, room.subarray(0, count));
    return count;
  }

  async #readLong(
    file: number,
    sparse: boolean,
    segments: Segment[],
    onBytes: (count: number) => void,
  ): Promise<number> {
    let position = 0;
    for (;;) {
      const room = this.#cutter.room();
      const count = this.#tree.read(file, room, 0, Math.min(READ_BYTES, room.length), position);
      if (count === 0) break;
      if (sparse) await this.#advanceSparse(room.subarray(0, count), segments);
      else for (const chunk of this.#cutter.advance(count)) await this.#take(segments, chunk);
      position += count;
      onBytes(count);
    }
    const rest = this.#cutter.rest();
    if (rest !== undefined) await this.#take(segments, rest);
    return position;
  }

  /** Blocks of zeros end the chunk before them and are a hole. */
  async #advanceSparse(read: Buffer, segments: Segment[]): Promise<void> {
    // What was read lies where the cutter wants its next bytes, so runs go through it one by one.
    const bytes = Buffer.from(read);
    for (let at = 0; at < bytes.length; at += HOLE_BYTES) {
      const block = bytes.subarray(at, at + HOLE_BYTES);
      if (block.equals(ZEROS.subarray(0, block.length))) {
        const rest = this.#cutter.rest();
        if (rest !== undefined) await this.#take(segments, rest);
        const last = segments.at(-1);
        if (last !== undefined && last.id === undefined) last.lengthBytes += block.length;
        else segments.push({ id: undefined, lengthBytes: block.length });
      } else {
        block.copy(this.#cutter.room());
        for (const chunk of this.#cutter.advance(block.length)) await this.#take(segments, chunk);
      }
    }
  }
}
