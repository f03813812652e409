/**
 * The writing end of the log. Many callers append; what gathers while others are being written goes to the disk in one
 * write, and what was written while one fdatasync ran shares the next (segment-tail.ts). A record's promise resolves
 * after the fdatasync that covers it.
 *
 * After a failed write or fdatasync the segment is closed for good: what the kernel kept of it cannot be known (an
 * fsync that succeeds after one that failed proves nothing). What it does not cover is refused, and before anything
 * else is promised a new segment says, durably, up to where the old one is valid. A segment that is full is synced to
 * its end before the next one's header vouches for it.
 */
import type { Clock } from '../effects/clock.ts';
import type { Disk } from '../effects/disk.ts';
import { nextTurn } from '../effects/turn.ts';
import { BatchEncoder } from './batch-encoder.ts';
import type { StoreLimits } from './limits.ts';
import { type RecordHead, recordBytesOf } from './record.ts';
import { encodeSegmentHeader, SEGMENT_HEADER_BYTES, segmentPath } from './segment.ts';
import { SegmentTail } from './segment-tail.ts';
import type { LogPosition } from './shard-table.ts';
import { isNoSpace } from './store-errors.ts';

export interface AppendRecord extends RecordHead {
  /** `lengthBytes` of them. */
  bytes: Uint8Array;
}

export interface LogOptions {
  dir: string;
  disk: Disk;
  clock: Clock;
  salt: Uint8Array;
  limits: StoreLimits;
  /** Where to go on: a clean end of the newest segment. Undefined: the next append begins a segment. */
  resume: LogPosition | undefined;
  /** The newest segment there is, and how much of it is valid; number 0 when there is none. */
  newest: { number: number; validBytes: number };
  /** Numbers below were used before, if only by a segment whose making failed. */
  nextNumber: number;
  /** A segment's header is durable. */
  onSegment: (number: number) => void;
  /** A batch is durable; `validBytes` is the segment's new end. Called after the records' own `apply`. */
  onBatch: (segment: number, validBytes: number) => void;
  /** The disk is full: frees something and returns true, or false when there is nothing to free. */
  onNoSpace: () => Promise<boolean>;
}

/** A record on its way; exactly one of `resolve` and `reject` is called, `apply` just before the former. */
export interface Waiting extends AppendRecord {
  readonly recordBytes: number;
  apply(at: LogPosition): void;
  resolve(): void;
  reject(error: unknown): void;
}

export class GroupCommit {
  readonly #options: LogOptions;
  readonly #encoder: BatchEncoder;
  #queue: Waiting[] = [];
  #queuedBytes = 0;
  /** Appended and not yet durable. */
  readonly #unsynced = { bytes: 0, records: 0 };
  /** Notes that had their second chance after a full disk. */
  readonly #retried = new WeakSet<Waiting>();
  #tail: SegmentTail | undefined;
  /** The newest segment but the tail's; what the next one's header will say of it. */
  #newest: { number: number; validBytes: number };
  /** True while bytes that were never acknowledged may lie beyond the fence. */
  #dirty = false;
  #nextNumber: number;
  /** A batch being written, or a segment being made; resolves, never rejects, when the next may begin. */
  #busy: Promise<void> | undefined;
  #scheduled = false;

  private constructor(options: LogOptions) {
    this.#options = options;
    this.#encoder = new BatchEncoder(options.salt);
    this.#newest = { ...options.newest };
    this.#nextNumber = options.nextNumber;
  }

  static async open(options: LogOptions): Promise<GroupCommit> {
    const log = new GroupCommit(options);
    if (options.resume !== undefined) {
      const { segment, offset } = options.resume;
      const file = await options.disk.open(segmentPath(options.dir, segment), 'update');
      log.#tail = new SegmentTail(segment, file, offset);
    }
    return log;
  }

  /** Where what is durable ends. */
  get end(): LogPosition {
    return this.#tail === undefined
      ? { segment: this.#newest.number, offset: this.#newest.validBytes }
      : { segment: this.#tail.number, offset: this.#tail.end };
  }

  /**
   * Resolves when the record is durable. `apply` is called just before, in the order of the log, with the place of
   * the record. Rejects with the disk's error; the record then is, and stays, as if it had never been appended.
   */
  append(record: AppendRecord, apply: (at: LogPosition) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.enqueue({ ...record, recordBytes: recordBytesOf(record), apply, resolve, reject });
    });
  }

  /** `append` without a promise of its own, for the path that every small put takes. */
  enqueue(waiting: Waiting): void {
    this.#queue.push(waiting);
    this.#queuedBytes += waiting.recordBytes;
    if (this.#busy === undefined) this.#pump();
  }

  /** Resolves when nothing refused can come back after a crash; needed before promising anything without an append. */
  async fence(): Promise<void> {
    while (this.#dirty || this.#tail?.failed === true) {
      if (this.#busy !== undefined) {
        await this.#busy;
        continue;
      }
      const fencing = this.#retryFreed(() => this.#newSegment());
      this.#become(fencing);
      await fencing;
    }
  }

  async close(): Promise<void> {
    while (this.#busy !== undefined) await this.#busy;
    await this.#leaveTail();
  }

  /** Busy until `task` has ended, well or not. */
  #become(task: Promise<unknown>): void {
    const free = () => {
      this.#busy = undefined;
      this.#pump();
    };
    this.#busy = task.then(free, free);
  }

  /** Begins to write what waits, or sees to it that this happens soon. Only when nothing is being written. */
  #pump(): void {
    const { eagerBytes, eagerRecords, batchWaitMs } = this.#options.limits;
    if (this.#queue.length === 0) return;
    if (this.#queuedBytes >= eagerBytes || this.#queue.length >= eagerRecords) {
      this.#become(this.#commit(this.#take()));
      return;
    }
    if (this.#scheduled) return;
    this.#scheduled = true;
    // Writers just answered come back at once with their next record: without this turn they would always miss the
    // batch they could have joined, and every other sync would serve one or two of them.
    const company = batchWaitMs > 0 ? this.#options.clock.sleep(batchWaitMs) : nextTurn();
    void company.then(() => {
      this.#scheduled = false;
      if (this.#busy === undefined && this.#queue.length > 0) this.#become(this.#commit(this.#take()));
    });
  }

  /** The next batch: as much as the limits and the rest of the segment allow, at least one record. */
  #take(): Waiting[] {
    const { batchBytes, batchRecords, segmentBytes } = this.#options.limits;
    const room = segmentBytes - (this.#tail?.next ?? segmentBytes);
    const fits = room >= (this.#queue[0]?.recordBytes ?? 0);
    const limit = Math.min(batchBytes, fits ? room : segmentBytes - SEGMENT_HEADER_BYTES);
    let bytes = 0;
    let count = 0;
    for (const { recordBytes } of this.#queue) {
      if (count > 0 && (bytes + recordBytes > limit || count === batchRecords)) break;
      bytes += recordBytes;
      count += 1;
    }
    this.#queuedBytes -= bytes;
    if (count < this.#queue.length) return this.#queue.splice(0, count);
    const all = this.#queue;
    this.#queue = [];
    return all;
  }

  /** Resolves when the batch is written or refused; the fdatasync follows. */
  async #commit(batch: Waiting[]): Promise<void> {
    let total = 0;
    for (const { recordBytes } of batch) total += recordBytes;
    try {
      while (!this.#isReady(total)) await this.#makeReady(total);
    } catch (error) {
      this.#refuse(batch, error);
      return;
    }
    // Nothing is awaited from here to the write: with the usual segment it begins before `enqueue` returns.
    const tail = this.#tail!;
    const { buffers, places } = this.#encoder.encode(batch, tail.number, tail.next, tail.end);
    const ahead = (sign: 1 | -1) => {
      this.#unsynced.bytes += sign * total;
      this.#unsynced.records += sign * batch.length;
    };
    ahead(1);
    await tail.append(buffers, total, {
      durable: () => {
        ahead(-1);
        const failed = this.#apply(batch, tail.number, places);
        this.#options.onBatch(tail.number, tail.end);
        for (const waiting of batch) if (!failed.has(waiting)) waiting.resolve();
      },
      refused: (error) => {
        ahead(-1);
        this.#refuse(batch, error);
      },
    });
  }

  /** The records whose `apply` failed, which an index that is broken for good does; they have been refused. */
  #apply(batch: readonly Waiting[], segment: number, places: readonly number[]): Set<Waiting> {
    const failed = new Set<Waiting>();
    for (const [index, waiting] of batch.entries()) {
      try {
        waiting.apply({ segment, offset: places[index]! });
      } catch (error) {
        failed.add(waiting);
        waiting.reject(error);
      }
    }
    return failed;
  }

  #isReady(total: number): boolean {
    const { aheadBytes, aheadRecords } = this.#options.limits;
    return this.#fits(total) && this.#unsynced.bytes < aheadBytes && this.#unsynced.records < aheadRecords;
  }

  #fits(total: number): boolean {
    const tail = this.#tail;
    if (tail === undefined || tail.failed) return false;
    return tail.next + total <= this.#options.limits.segmentBytes || tail.next === SEGMENT_HEADER_BYTES;
  }

  async #makeReady(total: number): Promise<void> {
    if (this.#fits(total)) await this.#tail?.synced();
    else await this.#newSegment();
  }

  /** On a full disk what makes room (deletes) has another chance with the ballast; what takes room has none. */
  #refuse(batch: Waiting[], error: unknown): void {
    const again: Waiting[] = [];
    for (const waiting of batch) {
      const makesRoom = isNoSpace(error) && waiting.kind !== 'shard' && !this.#retried.has(waiting);
      if (makesRoom) again.push(waiting);
      else waiting.reject(error);
    }
    if (again.length === 0) return;
    const retry = async () => {
      if (!(await this.#options.onNoSpace())) throw error;
      for (const waiting of again) {
        this.#retried.add(waiting);
        this.enqueue(waiting);
      }
    };
    retry().catch((failure: unknown) => {
      for (const waiting of again) waiting.reject(failure);
    });
  }

  /** A new segment whose header, with the fence for the one before, is durable when it resolves. */
  async #newSegment(): Promise<void> {
    const { dir, disk, clock, salt, onSegment } = this.#options;
    await this.#leaveTail();
    // A number is used once, also when making the segment fails half-way.
    const number = this.#nextNumber;
    this.#nextNumber += 1;
    const path = segmentPath(dir, number);
    const header = encodeSegmentHeader({
      number,
      previous: this.#newest.number,
      previousValidBytes: this.#newest.validBytes,
      createdAtMs: clock.now(),
      salt,
    });
    const file = await disk.open(path, 'create');
    try {
      await file.write([header], 0);
      await file.datasync();
      await disk.syncDir(dir);
    } catch (error) {
      await file.close().catch(() => undefined);
      await disk.remove(path).catch(() => undefined);
      throw error;
    }
    this.#tail = new SegmentTail(number, file, SEGMENT_HEADER_BYTES);
    this.#dirty = false;
    onSegment(number);
  }

  /** Ends the segment at hand: everything appended to it is durable or refused, and where it ends is known. */
  async #leaveTail(): Promise<void> {
    const tail = this.#tail;
    if (tail === undefined) return;
    await tail.settled();
    this.#newest = { number: tail.number, validBytes: tail.end };
    this.#dirty ||= tail.failed;
    this.#tail = undefined;
    await tail.close();
  }

  async #retryFreed(task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      if (!isNoSpace(error) || !(await this.#options.onNoSpace())) throw error;
      await task();
    }
  }
}
