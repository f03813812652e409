/**
 * Turns a batch of records into the buffers of one write. Heads and small records are gathered in one buffer, which is
 * cheaper than a vector of hundreds; the bytes of large shards are handed to the disk as they are, never copied.
 */
import type { AppendRecord, Waiting } from './group-commit.ts';
import { encodeHead, headBytesOf } from './record.ts';

/** Copied up to this: a copy of 4 KiB takes 0.3 µs, an element of a vector more. */
const GATHER_BYTES = 16 * 1024;
const FIRST_BUFFER_BYTES = 64 * 1024;

export interface EncodedBatch {
  buffers: Uint8Array[];
  /** Offsets of the records, in order. */
  places: number[];
}

export class BatchEncoder {
  readonly #salt: Uint8Array;
  #gathered = Buffer.allocUnsafeSlow(FIRST_BUFFER_BYTES);

  constructor(salt: Uint8Array) {
    this.#salt = salt;
  }

  /** The buffers are valid until the next call. `syncedTo`: all before it in the segment is durable. */
  encode(batch: readonly Waiting[], segment: number, from: number, syncedTo: number): EncodedBatch {
    const gathered = this.#room(batch);
    const buffers: Uint8Array[] = [];
    const places: number[] = [];
    let offset = from;
    let used = 0;
    let sent = 0;
    for (const record of batch) {
      used += encodeHead(gathered, used, record, { salt: this.#salt, segment, offset }, syncedTo);
      if (isGathered(record)) {
        gathered.set(record.bytes, used);
        used += record.lengthBytes;
      } else {
        buffers.push(gathered.subarray(sent, used), record.bytes);
        sent = used;
      }
      places.push(offset);
      offset += record.recordBytes;
    }
    if (sent < used) buffers.push(gathered.subarray(sent, used));
    return { buffers, places };
  }

  #room(batch: readonly Waiting[]): Buffer {
    let wanted = 0;
    for (const record of batch)
      wanted += isGathered(record) ? record.recordBytes : headBytesOf(record.owners.length, record.pool);
    // Kept, and as large as a batch at most: fresh memory costs a page fault for each 4 KiB.
    if (wanted > this.#gathered.length)
      this.#gathered = Buffer.allocUnsafeSlow(Math.max(wanted, 2 * this.#gathered.length));
    return this.#gathered;
  }
}

function isGathered(record: AppendRecord): boolean {
  return record.lengthBytes <= GATHER_BYTES;
}
