/** Reads records back, verified. */
import { freeNow } from '../codec/memory.ts';
import type { ShardId } from '../types.ts';
import type { IndexEntry } from './index.ts';
import { parseHead } from './record.ts';
import type { SegmentFiles } from './segment-files.ts';
import { isMissing } from './store-errors.ts';

export type ReadOutcome =
  | { state: 'good'; bytes: Uint8Array; headIntact: boolean }
  /** The bytes on disk are not the shard's, or its segment is gone. */
  | { state: 'bad' };

export class RecordReader {
  readonly #files: SegmentFiles;
  readonly #salt: Uint8Array;
  readonly #idOf: (bytes: Uint8Array) => ShardId;

  constructor(files: SegmentFiles, salt: Uint8Array, idOf: (bytes: Uint8Array) => ShardId) {
    this.#files = files;
    this.#salt = salt;
    this.#idOf = idOf;
  }

  /** The shard's bytes, hashed. Throws the disk's error when it could not be read at all, which proves nothing. */
  read(id: ShardId, entry: IndexEntry): Promise<ReadOutcome> {
    return this.#verified(id, entry, allocate(entry));
  }

  /**
   * As `read`, for bytes that are wanted during `use` alone: their memory is given back when it has ended well (one that failed may still be at them). Of a
   * whole segment's records, one after another, V8 leaves 100 MiB and more lying.
   */
  async borrow<T>(id: ShardId, entry: IndexEntry, use: (found: ReadOutcome) => T | Promise<T>): Promise<T> {
    const record = allocate(entry);
    const result = await use(await this.#verified(id, entry, record));
    freeNow(record);
    return result;
  }

  /** How a read of it ends, without its bytes. */
  inspect(
    id: ShardId,
    entry: IndexEntry,
  ): Promise<{ state: 'good'; headIntact: boolean } | { state: 'bad' }> {
    return this.borrow(id, entry, (found) =>
      found.state === 'bad' ? found : { state: found.state, headIntact: found.headIntact },
    );
  }

  async #verified(id: ShardId, entry: IndexEntry, record: Buffer): Promise<ReadOutcome> {
    const count = await this.#fill(entry.segment, record, entry.offset);
    if (count !== record.length) return { state: 'bad' };
    const bytes = new Uint8Array(record.buffer, record.byteOffset + entry.headBytes, entry.lengthBytes);
    if (this.#idOf(bytes) !== id) return { state: 'bad' };
    const place = { salt: this.#salt, segment: entry.segment, offset: entry.offset };
    const head = parseHead(record.subarray(0, entry.headBytes), place);
    const headIntact = head?.kind === 'shard' && head.id === id && head.lengthBytes === entry.lengthBytes;
    return { state: 'good', bytes, headIntact };
  }

  /** The same into the caller's buffer, which is large enough. The head is not read; scrub looks at those. */
  async readInto(id: ShardId, entry: IndexEntry, into: Uint8Array): Promise<ReadOutcome> {
    const bytes = into.subarray(0, entry.lengthBytes);
    const count = await this.#fill(entry.segment, bytes, entry.offset + entry.headBytes);
    if (count !== bytes.length || this.#idOf(bytes) !== id) return { state: 'bad' };
    return { state: 'good', bytes, headIntact: true };
  }

  /** Part of the shard's bytes, not verified; fewer at its end. Undefined when they are not there. */
  async readRange(entry: IndexEntry, offset: number, lengthBytes: number): Promise<Uint8Array | undefined> {
    const length = Math.max(0, Math.min(lengthBytes, entry.lengthBytes - offset));
    const bytes = new Uint8Array(length);
    const count = await this.#fill(entry.segment, bytes, entry.offset + entry.headBytes + offset);
    return count === length ? bytes : undefined;
  }

  async #fill(segment: number, buffer: Uint8Array, offset: number): Promise<number> {
    try {
      return await this.#files.read(segment, buffer, offset);
    } catch (error) {
      if (isMissing(error)) return 0;
      throw error;
    }
  }
}

function allocate(entry: IndexEntry): Buffer {
  return Buffer.allocUnsafeSlow(entry.headBytes + entry.lengthBytes);
}
