/**
 * The writing end of the log. Many callers append; what gathers while one batch is being written and synced goes into
 * the next, so that one fdatasync serves them all. A record's promise resolves after the fdatasync that covers it.
 *
 * After a failed write or fdatasync the segment is closed for good: what the kernel kept of it cannot be known (an
 * fsync that succeeds after one that failed proves nothing). The batch is refused, and before anything else is
 * promised a new segment says, durably, up to where the old one is valid.
 */
import type { Clock } from '../effects/clock.ts';
import type { Disk, DiskFile } from '../effects/disk.ts';
import { nextTurn } from '../effects/turn.ts';
import type { StoreLimits } from './limits.ts';
import { encodeHead, headBytesOf, type RecordHead, recordBytesOf } from './record.ts';
import { encodeSegmentHeader, SEGMENT_HEADER_BYTES, segmentPath } from './segment.ts';
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

interface Waiting {
  record: AppendRecord;
  recordBytes: number;
  apply: (at: LogPosition) => void;
  resolve: () => void;
  reject: (error: unknown) => void;
}

interface Active {
  file: DiskFile;
  number: number;
  /** All before it is durable. */
  end: number;
}

export class GroupCommit {
  readonly #options: LogOptions;
  #queue: Waiting[] = [];
  #active: Active | undefined;
  /** The newest segment, and the fence the next one's header will set for it. */
  #newest: { number: number; validBytes: number };
  /** True while bytes that were never acknowledged may lie beyond the fence. */
  #dirty = false;
  #nextNumber: number;
  #running: Promise<void> | undefined;

  private constructor(options: LogOptions) {
    this.#options = options;
    this.#newest = { ...options.newest };
    this.#nextNumber = options.nextNumber;
  }

  static async open(options: LogOptions): Promise<GroupCommit> {
    const log = new GroupCommit(options);
    if (options.resume !== undefined) {
      const { segment, offset } = options.resume;
      const file = await options.disk.open(segmentPath(options.dir, segment), 'update');
      log.#active = { file, number: segment, end: offset };
    }
    return log;
  }

  /** Where the next record would go, all before it being durable. */
  get end(): LogPosition {
    return this.#active === undefined
      ? { segment: this.#newest.number, offset: this.#newest.validBytes }
      : { segment: this.#active.number, offset: this.#active.end };
  }

  /**
   * Resolves when the record is durable. `apply` is called just before, in the order of the log, with the place of
   * the record. Rejects with the disk's error; the record then is, and stays, as if it had never been appended.
   */
  append(record: AppendRecord, apply: (at: LogPosition) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ record, recordBytes: recordBytesOf(record), apply, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Resolves when nothing refused can come back after a crash; needed before promising anything without an append. */
  async fence(): Promise<void> {
    while (this.#dirty) {
      if (this.#running !== undefined) {
        await this.#running;
        continue;
      }
      const fencing = this.#retryFreed(() => this.#newSegment());
      const resume = () => {
        this.#running = this.#queue.length > 0 ? this.#run() : undefined;
      };
      this.#running = fencing.then(resume, resume);
      await fencing;
    }
  }

  async close(): Promise<void> {
    await this.#running;
    await this.#active?.file.close();
    this.#active = undefined;
  }

  async #run(): Promise<void> {
    const { batchWaitMs } = this.#options.limits;
    if (batchWaitMs > 0) await this.#options.clock.sleep(batchWaitMs);
    while (this.#queue.length > 0) {
      // Writers just answered come back at once with their next record: without this turn they would always miss the
      // batch they could have joined, and every other sync would serve one or two of them.
      await nextTurn();
      await this.#commit(this.#take());
    }
    this.#running = undefined;
  }

  /** The next batch: as much as the limits and the rest of the segment allow, at least one record. */
  #take(): Waiting[] {
    const { batchBytes, batchRecords, segmentBytes } = this.#options.limits;
    const room = segmentBytes - (this.#active?.end ?? segmentBytes);
    const fits = room >= (this.#queue[0]?.recordBytes ?? 0);
    const limit = Math.min(batchBytes, fits ? room : segmentBytes - SEGMENT_HEADER_BYTES);
    let bytes = 0;
    let count = 0;
    for (const waiting of this.#queue) {
      bytes += waiting.recordBytes;
      if (count > 0 && (bytes > limit || count === batchRecords)) break;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  async #commit(batch: Waiting[]): Promise<void> {
    try {
      await this.#writeBatch(batch);
    } catch (error) {
      // On a full disk what makes room (deletes) has another chance with the ballast; what takes room has none.
      const small = isNoSpace(error) ? batch.filter((waiting) => waiting.record.kind !== 'shard') : [];
      for (const waiting of batch) if (!small.includes(waiting)) waiting.reject(error);
      if (small.length === 0) return;
      try {
        if (!(await this.#options.onNoSpace())) throw error;
        await this.#writeBatch(small);
      } catch (again) {
        for (const waiting of small) waiting.reject(again);
      }
    }
  }

  async #writeBatch(batch: Waiting[]): Promise<void> {
    const total = batch.reduce((sum, waiting) => sum + waiting.recordBytes, 0);
    const full = this.#active !== undefined && this.#active.end + total > this.#options.limits.segmentBytes;
    if (this.#active === undefined || (full && this.#active.end > SEGMENT_HEADER_BYTES))
      await this.#newSegment();
    const active = this.#active!;
    const places: LogPosition[] = [];
    const buffers = this.#encode(batch, active, places);
    try {
      await active.file.write(buffers, active.end);
      await active.file.datasync();
    } catch (error) {
      await this.#abandon(active);
      throw error;
    }
    active.end += total;
    this.#newest.validBytes = active.end;
    for (const [index, waiting] of batch.entries()) waiting.apply(places[index]!);
    this.#options.onBatch(active.number, active.end);
    for (const waiting of batch) waiting.resolve();
  }

  #encode(batch: Waiting[], active: Active, places: LogPosition[]): Uint8Array[] {
    const heads = Buffer.allocUnsafe(
      batch.reduce((sum, { record }) => sum + headBytesOf(record.owners.length, record.pool), 0),
    );
    const buffers: Uint8Array[] = [];
    let offset = active.end;
    let used = 0;
    for (const { record, recordBytes } of batch) {
      const place = { salt: this.#options.salt, segment: active.number, offset };
      const target = heads.subarray(used);
      const length = encodeHead(target, record, place, active.end);
      buffers.push(target.subarray(0, length), record.bytes);
      places.push({ segment: active.number, offset });
      used += length;
      offset += recordBytes;
    }
    return buffers;
  }

  async #abandon(active: Active): Promise<void> {
    this.#active = undefined;
    this.#dirty = true;
    // Gives the space back where that works; the fence holds either way.
    await active.file.truncate(active.end).catch(() => undefined);
    await active.file.close().catch(() => undefined);
  }

  /** A new segment whose header, with the fence for the one before, is durable when it resolves. */
  async #newSegment(): Promise<void> {
    const { dir, disk, clock, salt, onSegment } = this.#options;
    if (this.#active !== undefined) {
      const full = this.#active;
      this.#active = undefined;
      await full.file.close();
    }
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
    this.#active = { file, number, end: SEGMENT_HEADER_BYTES };
    this.#newest = { number, validBytes: SEGMENT_HEADER_BYTES };
    this.#dirty = false;
    onSegment(number);
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
