/**
 * Gives back the space of what is gone. A victim segment's live records, and its notes still needed, are appended to
 * the log anew; when those copies are durable and the index no longer points into the victim, its file is removed.
 * At every moment in between the store is whole: a copy is the same record further on in the log.
 *
 * A note (owners changed, shard gone) is needed while an older segment exists, for that may hold bytes it speaks of.
 */
import type { Clock } from '../effects/clock.ts';
import type { Disk } from '../effects/disk.ts';
import type { ShardId } from '../types.ts';
import type { GroupCommit } from './group-commit.ts';
import type { SegmentFigures } from './index.ts';
import type { StoreLimits } from './limits.ts';
import { recordBytesOf } from './record.ts';
import { type ScannedRecord, scanSegment } from './scan.ts';
import { SEGMENT_HEADER_BYTES, segmentPath } from './segment.ts';
import type { SegmentFiles } from './segment-files.ts';
import type { ShardTable } from './shard-table.ts';
import type { ShardWriter } from './shard-writer.ts';
import { isMissing, isUnreadRecord } from './store-errors.ts';

export interface CompactorOptions {
  dir: string;
  disk: Disk;
  clock: Clock;
  limits: StoreLimits;
  salt: Uint8Array;
  idOf: (bytes: Uint8Array) => ShardId;
  table: ShardTable;
  log: GroupCommit;
  writer: ShardWriter;
  files: SegmentFiles;
  /** Segments that the device refused to read when the store was opened. */
  unreadable: readonly number[];
  checkpoint: () => Promise<void>;
}

/** Copies in flight together: enough to fill a group commit, little enough memory (16 × 1 MiB). */
const COPIES_IN_FLIGHT = 16;
/** After a failure (a full disk, a bad sector) the background waits this long before it tries again. */
const RETRY_AFTER_MS = 30_000;

export class Compactor {
  readonly #options: CompactorOptions;
  #running: Promise<number> | undefined;
  #closing = false;
  #notBeforeMs = 0;
  readonly #rewrites = new Set<Promise<void>>();
  /** Left as they are while the store is open: others must not wait for what the device does not give. */
  readonly #spared: Set<number>;

  constructor(options: CompactorOptions) {
    this.#options = options;
    this.#spared = new Set(options.unreadable);
  }

  /** Compacts in the background if there is reason to. */
  wake(): void {
    if (this.#closing || this.#running !== undefined) return;
    if (
      this.#options.clock.monotonic() < this.#notBeforeMs ||
      this.#victim(Number.POSITIVE_INFINITY) === undefined
    )
      return;
    this.run().catch(() => {
      this.#notBeforeMs = this.#options.clock.monotonic() + RETRY_AFTER_MS;
    });
  }

  /** Until nothing is left worth compacting; returns the bytes given back. */
  run(): Promise<number> {
    this.#running ??= this.#loop().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#running?.catch(() => undefined);
    await Promise.allSettled(this.#rewrites);
  }

  /** Appends the shard anew: its bytes are good but the head of its record is not. */
  rewriteSoon(id: ShardId): void {
    if (this.#closing) return;
    const task: Promise<void> = this.#options.writer
      .copy(id)
      .catch(() => undefined)
      .then(() => {
        this.#rewrites.delete(task);
      });
    this.#rewrites.add(task);
  }

  async #loop(): Promise<number> {
    let freedBytes = 0;
    while (!this.#closing) {
      const victim = this.#victim(await this.#roomBytes());
      if (victim === undefined) break;
      try {
        freedBytes += await this.#compactSegment(victim);
      } catch (error) {
        if (!isUnreadRecord(error)) throw error;
        this.#spared.add(victim.number);
      }
    }
    return freedBytes;
  }

  /** What copies may take: on a full disk they must not eat the room that the ballast gave to deletes. */
  async #roomBytes(): Promise<number> {
    const { disk, dir, limits } = this.#options;
    const { freeBytes } = await disk.space(dir);
    return freeBytes > 2 * limits.ballastBytes ? freeBytes - limits.ballastBytes : freeBytes / 4;
  }

  /** The closed segment with the greatest share of waste, if the log as a whole wastes more than allowed. */
  #victim(roomBytes: number): SegmentFigures | undefined {
    const { table, log, limits } = this.#options;
    const closed = table
      .segments()
      .filter(({ number }) => number < log.end.segment && !this.#spared.has(number));
    const oldest = Math.min(...table.segments().map(({ number }) => number));
    let total = 0;
    let kept = 0;
    let best: SegmentFigures | undefined;
    let bestWaste = 0;
    for (const figures of closed) {
      const keeps = keptBytes(figures, oldest);
      const waste = 1 - keeps / figures.validBytes;
      total += figures.validBytes;
      kept += keeps;
      if (waste > bestWaste && keeps <= roomBytes) [best, bestWaste] = [figures, waste];
    }
    return total > kept * limits.amplification ? best : undefined;
  }

  async #compactSegment(victim: SegmentFigures): Promise<number> {
    const { table, clock, limits, checkpoint, files } = this.#options;
    const { number, validBytes } = victim;
    const startedAtMs = clock.monotonic();
    const isOldest = table.segments().every((other) => other.number >= number);
    const notes = new Set<ShardId>();
    let copiedBytes = 0;
    const copies: Promise<void>[] = [];
    const copyRecord = async (record: ScannedRecord) => {
      if (this.#closing) return;
      const entry = table.get(record.id);
      if (record.kind === 'shard') {
        if (entry?.segment !== number || entry.offset !== record.offset) return;
        copies.push(this.#options.writer.copy(record.id, number));
      } else {
        if (isOldest || notes.has(record.id)) return;
        notes.add(record.id);
        copies.push(this.#options.writer.repeatNote(record.id, number));
      }
      copiedBytes += recordBytesOf(record);
      if (copies.length < COPIES_IN_FLIGHT) return;
      await allOrThrow(copies.splice(0));
      const aheadMs =
        (copiedBytes / limits.compactionBytesPerSecond) * 1000 - (clock.monotonic() - startedAtMs);
      if (aheadMs > 1) await clock.sleep(aheadMs);
    };
    // Where nothing is left to copy, as after the removal of a large object, there is nothing to look for either.
    const isEmpty = victim.liveBytes === 0 && (isOldest || victim.noteBytes === 0);
    try {
      if (!isEmpty) await this.#scan(victim, copyRecord);
    } finally {
      await Promise.allSettled(copies);
    }
    await allOrThrow(copies);
    if (this.#closing || (table.segment(number)?.liveBytes ?? 0) > 0) return this.#leftOver(victim);
    await checkpoint();
    await this.#trimPredecessor(number);
    await files.forget(number);
    await this.#remove(number);
    table.removeSegment(number);
    return validBytes - copiedBytes;
  }

  /** Records that no scan finds, for their heads are damaged, are still in the index: those are copied by it. */
  async #leftOver(victim: SegmentFigures): Promise<number> {
    const { table } = this.#options;
    if (this.#closing) return 0;
    let cursor: ShardId | undefined;
    for (;;) {
      const ids = table.ids(cursor, 1000);
      for (const id of ids)
        if (table.get(id)?.segment === victim.number) await this.#options.writer.copy(id, victim.number);
      cursor = ids.at(-1);
      if (cursor === undefined || this.#closing) return 0;
    }
  }

  async #scan(
    { number, validBytes }: SegmentFigures,
    onRecord: (record: ScannedRecord) => Promise<void>,
  ): Promise<void> {
    const { disk, dir, salt, idOf } = this.#options;
    let file: Awaited<ReturnType<Disk['open']>>;
    try {
      file = await disk.open(segmentPath(dir, number), 'read');
    } catch (error) {
      if (isMissing(error)) return;
      throw error;
    }
    try {
      const options = { file, salt, segment: number, from: SEGMENT_HEADER_BYTES, to: validBytes, idOf };
      await scanSegment({ ...options, durableTo: validBytes }, onRecord);
    } finally {
      await file.close();
    }
  }

  /** The victim's header holds the fence of the segment before: with the victim gone, that must end there by itself. */
  async #trimPredecessor(number: number): Promise<void> {
    const { table, disk, dir } = this.#options;
    const before = table.segments().filter((other) => other.number < number);
    const previous = before.sort((a, b) => b.number - a.number)[0];
    if (previous === undefined) return;
    const path = segmentPath(dir, previous.number);
    const found = await disk.stat(path);
    if (found === undefined || found.sizeBytes <= previous.validBytes) return;
    const file = await disk.open(path, 'update');
    try {
      await file.truncate(previous.validBytes);
      await file.datasync();
    } finally {
      await file.close();
    }
  }

  /** Durable when it resolves: an older segment that came back after newer notes were dropped would bring back shards. */
  async #remove(number: number): Promise<void> {
    const { disk, dir } = this.#options;
    try {
      await disk.remove(segmentPath(dir, number));
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
    await disk.syncDir(dir);
  }
}

function keptBytes(figures: SegmentFigures, oldest: number): number {
  const notes = figures.number === oldest ? 0 : figures.noteBytes;
  return Math.min(figures.validBytes, SEGMENT_HEADER_BYTES + figures.liveBytes + notes);
}

/** Waits for all, also when one fails: nothing may go on in the background. */
async function allOrThrow(tasks: Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(tasks))
    if (outcome.status === 'rejected') throw outcome.reason;
}
