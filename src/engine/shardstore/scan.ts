/**
 * Reads a segment's records in order, and tells three endings apart: a clean one; a torn tail, written when the
 * machine stopped and never acknowledged, which ends the segment; and rot in what was durable, which is passed over.
 * Proof of durability is the fence of the next segment, or any later record whose `syncedTo` lies beyond.
 */
import { freeNow } from '../codec/memory.ts';
import type { DiskFile } from '../effects/disk.ts';
import type { ShardId } from '../types.ts';
import { PatientReads } from './patient-reads.ts';
import {
  headLength,
  MAGIC,
  type ParsedHead,
  parseHead,
  RECORD_HEADER_BYTES,
  recordBytesOf,
} from './record.ts';
import { isUnreadable } from './store-errors.ts';

/** One read of a scan: 32 small records at once, and not much too much when skipping over a large one. */
const WINDOW_BYTES = 128 * 1024;

export interface ScanOptions {
  file: DiskFile;
  salt: Uint8Array;
  segment: number;
  /** A record's place, or the segment header's end. */
  from: number;
  /** Nothing from here on counts: the fence or the file's end. */
  to: number;
  /** All before this is known to have been durable. */
  durableTo: number;
  idOf: (bytes: Uint8Array) => ShardId;
}

export interface ScannedRecord extends ParsedHead {
  offset: number;
}

export interface ScanResult {
  /** Where the segment ends: `to`, or the first byte of a torn tail. */
  validBytes: number;
  /** How much of that is proved to have been durable. */
  provedBytes: number;
  /** Places of damage in durable parts. */
  damaged: number;
  /** The device refused to give some of it: that may be damage, and is no torn tail. */
  unreadable: boolean;
}

/**
 * Calls `onRecord` for each record that counts, in order, and waits for it. `proved`: the log up to the record's end is
 * known to be durable. Shard bytes are verified only where a torn tail may be.
 */
export async function scanSegment(
  options: ScanOptions,
  onRecord: (record: ScannedRecord, proved: boolean) => void | Promise<void>,
): Promise<ScanResult> {
  const reader = new SegmentScanner(options);
  let durableTo = options.durableTo;
  /** Whole by their heads, but not yet proved durable. */
  const unproved: ScannedRecord[] = [];
  let damaged = 0;
  let at = options.from;
  let end = options.to;
  const prove = async (upTo: number) => {
    durableTo = Math.max(durableTo, upTo);
    const rest = unproved.findIndex((record) => record.offset >= durableTo);
    for (const record of unproved.splice(0, rest < 0 ? unproved.length : rest)) {
      const pending = onRecord(record, true);
      if (pending !== undefined) await pending;
    }
  };
  while (at < options.to) {
    const record = await reader.recordAt(at);
    if (record !== undefined) {
      unproved.push(record);
      // What the record proves is what lies before it; in a part known to be durable it proves itself.
      await prove(record.syncedTo);
      at += recordBytesOf(record);
      continue;
    }
    const next = await reader.firstAfter(at);
    if (at >= durableTo) {
      const proof = await reader.proofOf(at, next);
      if (proof !== undefined) await prove(proof);
      else if (!reader.refused(at, next?.offset ?? options.to)) {
        end = at;
        break;
      }
    }
    damaged += 1;
    at = next?.offset ?? options.to;
  }
  let unreadable = false;
  for (const record of unproved) {
    const found = await reader.bytesOf(record);
    if (found === 'other') {
      end = record.offset;
      break;
    }
    if (found === 'fit') await onRecord(record, false);
    else {
      unreadable = true;
      damaged += 1;
    }
  }
  unreadable ||= reader.refused(options.from, options.to);
  return { validBytes: end, provedBytes: Math.min(durableTo, end), damaged, unreadable };
}

class SegmentScanner {
  readonly #options: ScanOptions;
  readonly #reads: PatientReads;
  #buffer = Buffer.alloc(0);
  #window = Buffer.alloc(0);
  #windowAt = 0;

  constructor(options: ScanOptions) {
    this.#options = options;
    this.#reads = new PatientReads(options.file);
  }

  /** Whether the device refused to give some of it. */
  refused(from: number, to: number): boolean {
    return this.#reads.refused(from, to);
  }

  /** The whole record at `at`, or undefined. */
  async recordAt(at: number): Promise<ScannedRecord | undefined> {
    const { salt, segment, to } = this.#options;
    const headBytes = headLength(await this.#bytes(at, RECORD_HEADER_BYTES));
    if (headBytes === undefined) return undefined;
    const head = parseHead(await this.#bytes(at, headBytes), { salt, segment, offset: at });
    if (head === undefined || at + recordBytesOf(head) > to) return undefined;
    return { ...head, offset: at };
  }

  /** The first record after `at` that can be found by its magic. */
  async firstAfter(at: number): Promise<ScannedRecord | undefined> {
    const { to } = this.#options;
    let from = at + 1;
    while (from + RECORD_HEADER_BYTES <= to) {
      const bytes = await this.#bytes(from, Math.min(WINDOW_BYTES, to - from));
      const found = bytes.indexOf(MAGIC);
      if (found < 0) {
        if (bytes.length <= MAGIC.length) return undefined;
        from += bytes.length - MAGIC.length + 1;
        continue;
      }
      const record = await this.recordAt(from + found);
      if (record !== undefined) return record;
      from += found + 1;
    }
    return undefined;
  }

  /** A later record's word, counted from `next` on, that `at` had been durable: its `syncedTo`. */
  async proofOf(at: number, next: ScannedRecord | undefined): Promise<number | undefined> {
    let record = next;
    while (record !== undefined) {
      if (record.syncedTo > at) return record.syncedTo;
      const end = record.offset + recordBytesOf(record);
      record = (await this.recordAt(end)) ?? (await this.firstAfter(end));
    }
    return undefined;
  }

  async bytesOf(record: ScannedRecord): Promise<'fit' | 'other' | 'unreadable'> {
    if (record.kind !== 'shard') return 'fit';
    const bytes = Buffer.allocUnsafeSlow(record.lengthBytes);
    try {
      const count = await this.#options.file.read(bytes, record.offset + record.headBytes);
      const fit = count === bytes.length && this.#options.idOf(bytes) === record.id;
      // One record after another: the collector would leave 100 MiB of them lying.
      freeNow(bytes);
      return fit ? 'fit' : 'other';
    } catch (error) {
      if (isUnreadable(error)) return 'unreadable';
      throw error;
    }
  }

  /** Up to `length` bytes from `at`, fewer at the end of what counts. Valid until the next call. */
  async #bytes(at: number, length: number): Promise<Buffer> {
    const wanted = Math.max(0, Math.min(length, this.#options.to - at));
    const inWindow = at >= this.#windowAt && at + wanted <= this.#windowAt + this.#window.length;
    if (!inWindow) {
      const size = Math.max(0, Math.min(Math.max(wanted, WINDOW_BYTES), this.#options.to - at));
      // One buffer for all windows: a fresh one for each outruns the garbage collector.
      if (this.#buffer.length < size) this.#buffer = Buffer.allocUnsafeSlow(size);
      const count = await this.#reads.read(this.#buffer.subarray(0, size), at);
      this.#window = this.#buffer.subarray(0, count);
      this.#windowAt = at;
    }
    const start = at - this.#windowAt;
    return this.#window.subarray(start, start + wanted);
  }
}
