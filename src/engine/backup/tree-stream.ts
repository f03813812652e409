/** The entries of a tree as one stream that is cut by its content, so that trees that are nearly the same share most of their chunks. */
import { cutSizes } from '../codec/content-chunker.ts';
import { Cutter } from './cutter.ts';
import { FieldReader, FieldWriter } from './fields.ts';
import { MAX_ENTRY_BYTES, READ_BYTES, TREE_CHUNK_AVERAGE_BYTES } from './limits.ts';
import type { StoreChunk } from './read-file.ts';
import { readEntry, type TreeEntry, writeEntry } from './tree-entry.ts';

/** Bytes of the length before an entry. */
const MAX_LENGTH_BYTES = 4;

export class TreeStream {
  readonly #cutter: Cutter;
  readonly #store: StoreChunk;
  readonly #entry = new FieldWriter();
  readonly #length = new FieldWriter();
  readonly #ids: Buffer[] = [];

  constructor(gear: Uint32Array, store: StoreChunk) {
    this.#cutter = new Cutter(gear, cutSizes(TREE_CHUNK_AVERAGE_BYTES), READ_BYTES);
    this.#store = store;
  }

  async add(entry: TreeEntry): Promise<void> {
    writeEntry(this.#entry, entry);
    const bytes = this.#entry.view();
    await this.#push(this.#length.whole(bytes.length).view());
    await this.#push(bytes);
    this.#length.clear();
    this.#entry.clear();
  }

  /** The chunks of the whole stream, in order. */
  async end(): Promise<Buffer[]> {
    const rest = this.#cutter.rest();
    if (rest !== undefined) await this.#take(rest);
    return this.#ids;
  }

  async #push(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const count = bytes.copy(this.#cutter.room(), 0, at);
      at += count;
      for (const chunk of this.#cutter.advance(count)) await this.#take(chunk);
    }
  }

  async #take(chunk: Buffer): Promise<void> {
    const { id, wait } = this.#store(chunk);
    this.#ids.push(id);
    if (wait !== undefined) await wait;
  }
}

/** The entries out of the stream's chunks. Throws `malformed-data`. The order and the paths are not checked here (TreeChecker). */
export async function* readTree(chunks: AsyncIterable<Buffer>): AsyncGenerator<TreeEntry> {
  let parts: Buffer[] = [];
  let bytes = 0;
  /** Bytes that the next entry with its length needs, as far as that is known. */
  let needed = 1;
  for await (const chunk of chunks) {
    parts.push(chunk);
    bytes += chunk.length;
    if (bytes < needed) continue;
    const held = Buffer.concat(parts);
    let at = 0;
    for (;;) {
      const size = entryBytes(held, at);
      needed = size === undefined ? MAX_LENGTH_BYTES : size.head + size.body;
      if (size === undefined || held.length - at < needed) break;
      const reader = new FieldReader(held.subarray(at + size.head, at + needed), 'the tree of a snapshot');
      const entry = readEntry(reader);
      reader.end();
      yield entry;
      at += needed;
    }
    parts = [held.subarray(at)];
    bytes = held.length - at;
    if (needed <= bytes) needed = bytes + 1;
  }
  if (bytes > 0) throw new FieldReader(parts[0]!, 'the tree of a snapshot').bad('it ends within an entry');
}

/** Undefined when not even the length is whole. */
function entryBytes(held: Buffer, at: number): { head: number; body: number } | undefined {
  let end = at;
  while (end < held.length && held[end]! >= 0x80 && end - at < MAX_LENGTH_BYTES) end++;
  if (end >= held.length) return undefined;
  const reader = new FieldReader(held.subarray(at, end + 1), 'the tree of a snapshot');
  return { body: reader.whole(MAX_ENTRY_BYTES), head: reader.position };
}
