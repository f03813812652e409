/** Reads records back, verified. */
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
  async read(id: ShardId, entry: IndexEntry): Promise<ReadOutcome> {
    const record = Buffer.allocUnsafeSlow(entry.headBytes + entry.lengthBytes);
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
