/**
 * Looks for rot before a reader meets it: hashes every shard again, at a set rate, segment by segment, the one longest
 * unverified first. What does not fit its id is taken out (a note in the log, as for a deletion) and reported as lost, so
 * that repair rebuilds it. What the kernel has in its cache is read from there: what it proves is that the store would
 * serve the right bytes now; on data that outgrows the memory it is the medium that is read.
 */
import type { Clock, Timer } from '../effects/clock.ts';
import type { Disk } from '../effects/disk.ts';
import type { ShardId } from '../types.ts';
import type { IndexEntry, SegmentFigures } from './index.ts';
import type { StoreLimits } from './limits.ts';
import type { RecordReader } from './reader.ts';
import { recordBytesOf } from './record.ts';
import { scanSegment } from './scan.ts';
import { SEGMENT_HEADER_BYTES, segmentPath } from './segment.ts';
import type { ShardTable } from './shard-table.ts';
import type { ShardWriter } from './shard-writer.ts';
import { isMissing } from './store-errors.ts';

export interface ScrubberOptions {
  dir: string;
  disk: Disk;
  clock: Clock;
  limits: StoreLimits;
  salt: Uint8Array;
  idOf: (bytes: Uint8Array) => ShardId;
  table: ShardTable;
  reader: RecordReader;
  writer: ShardWriter;
  /** A record whose bytes are good and whose head is not: to be written anew. */
  rewriteSoon: (id: ShardId) => void;
  checkpoint: () => Promise<void>;
  onEvent: (level: 'info' | 'warn', text: string) => void;
}

export interface ScrubProgress {
  /** off: not started; waiting: everything was verified not long ago; running: at work. */
  state: 'off' | 'waiting' | 'running';
  bytesPerSecond: number;
  /** Of the segments to be verified in this round, and how much of that is done. */
  totalBytes: number;
  doneBytes: number;
  /** Since the store was opened. */
  shards: number;
  lost: number;
  /** Nothing held was verified before this time; undefined when nothing is held. */
  oldestVerifiedAtMs: number | undefined;
}

export interface ScrubReport {
  shards: number;
  bytes: number;
  lost: number;
  /** Places of the log that do not read as records. */
  damaged: number;
}

/** A nap is taken after this much at the latest: short enough to be even, long enough for a timer. */
const NAP_BYTES = 256 * 1024;
/** So many shards that the device refuses to give are a device that fails, not shards that rotted: stop and say so. */
const MAX_UNREADABLE = 16;
/** The background looks again for segments that are due after this long, and after a failure. */
const LOOK_AGAIN_MS = 60_000;

export class Scrubber {
  readonly #options: ScrubberOptions;
  readonly #stop = new AbortController();
  #running: Promise<ScrubReport> | undefined;
  #timer: Timer | undefined;
  #bytesPerSecond = 0;
  #round = { totalBytes: 0, doneBytes: 0 };
  #shards = 0;
  #lost = 0;
  /** What the rate allows is counted from here. */
  #pace = { sinceMs: 0, bytes: 0 };

  constructor(options: ScrubberOptions) {
    this.#options = options;
  }

  /** In the background from now on; 0 stops it after the segment at hand. */
  start(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (bytesPerSecond > 0) this.#look();
  }

  /** Verifies everything once, as fast as `bytesPerSecond` allows; resolves with what was found. */
  async run(bytesPerSecond: number): Promise<ScrubReport> {
    await this.#running?.catch(() => undefined);
    return this.#begin(this.#options.table.segments(), bytesPerSecond);
  }

  progress(): ScrubProgress {
    const held = this.#options.table.segments().filter((it) => it.liveBytes > 0);
    const times = held.map((it) => it.verifiedAtMs);
    return {
      state: this.#running !== undefined ? 'running' : this.#bytesPerSecond > 0 ? 'waiting' : 'off',
      bytesPerSecond: this.#bytesPerSecond,
      ...this.#round,
      shards: this.#shards,
      lost: this.#lost,
      oldestVerifiedAtMs: times.length === 0 ? undefined : Math.min(...times),
    };
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#stop.abort();
    await this.#running?.catch(() => undefined);
  }

  #look(): void {
    const { clock, table, limits, onEvent } = this.#options;
    if (this.#stop.signal.aborted || this.#bytesPerSecond === 0) return;
    const again = () => {
      if (!this.#stop.signal.aborted) this.#timer = clock.after(LOOK_AGAIN_MS, () => this.#look());
    };
    const { scrubEveryMs } = limits;
    // A time that lies ahead is of a clock that was wrong: waited for, it would leave the segment alone for years.
    const due = table
      .segments()
      .filter((it) => it.liveBytes > 0 && Math.abs(clock.now() - it.verifiedAtMs) >= scrubEveryMs);
    if (due.length === 0 || this.#running !== undefined) {
      again();
      return;
    }
    this.#begin(due, this.#bytesPerSecond).then(again, (error: unknown) => {
      if (this.#stop.signal.aborted) return;
      onEvent('warn', `scrub broke off: ${error instanceof Error ? error.message : String(error)}`);
      again();
    });
  }

  #begin(segments: SegmentFigures[], bytesPerSecond: number): Promise<ScrubReport> {
    this.#running = this.#verify(segments, bytesPerSecond).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #verify(segments: SegmentFigures[], bytesPerSecond: number): Promise<ScrubReport> {
    const { clock, table, onEvent } = this.#options;
    const report: ScrubReport = { shards: 0, bytes: 0, lost: 0, damaged: 0 };
    const oldestFirst = segments.toSorted((a, b) => a.verifiedAtMs - b.verifiedAtMs || a.number - b.number);
    this.#round = { totalBytes: segments.reduce((sum, it) => sum + it.liveBytes, 0), doneBytes: 0 };
    this.#pace = { sinceMs: clock.monotonic(), bytes: 0 };
    for (const { number } of oldestFirst) {
      this.#stop.signal.throwIfAborted();
      // Compaction may have taken it meanwhile, and then it has hashed what was left.
      if (table.segment(number) === undefined) continue;
      const startedAtMs = clock.now();
      await this.#segment(number, bytesPerSecond, report);
      const figures = table.segment(number);
      if (figures !== undefined) figures.verifiedAtMs = startedAtMs;
      // When it fails, the times are kept with the next one.
      await this.#options.checkpoint().catch(() => undefined);
    }
    this.#round.doneBytes = this.#round.totalBytes;
    const level = report.lost + report.damaged > 0 ? 'warn' : 'info';
    const damage = report.damaged > 0 ? `, ${report.damaged} places of the log unreadable` : '';
    onEvent(level, `scrub: ${report.shards} shards hashed again, ${report.lost} lost${damage}`);
    return report;
  }

  async #segment(number: number, bytesPerSecond: number, report: ScrubReport): Promise<void> {
    const { disk, dir, salt, idOf, table } = this.#options;
    const to = table.segment(number)?.validBytes ?? 0;
    let damaged = 0;
    try {
      const file = await disk.open(segmentPath(dir, number), 'read');
      try {
        const options = { file, salt, segment: number, from: SEGMENT_HEADER_BYTES, to, durableTo: to, idOf };
        const result = await scanSegment(options, async (record) => {
          const entry = table.get(record.id);
          const isLive = entry?.segment === number && entry.offset === record.offset;
          if (record.kind === 'shard' && isLive) await this.#check(record.id, entry, report);
          await this.#nap(recordBytesOf(record), bytesPerSecond);
        });
        damaged = result.damaged;
      } finally {
        await file.close();
      }
    } catch (error) {
      if (!isMissing(error)) throw error;
      damaged = 1;
    }
    report.damaged += damaged;
    // Records that no scan finds, for their heads are damaged, or the whole file is gone: the index knows them.
    if (damaged > 0) await this.#byIndex(number, bytesPerSecond, report);
  }

  async #byIndex(number: number, bytesPerSecond: number, report: ScrubReport): Promise<void> {
    const { table } = this.#options;
    let cursor: ShardId | undefined;
    for (;;) {
      const ids = table.ids(cursor, 1000);
      for (const id of ids) {
        const entry = table.get(id);
        if (entry?.segment !== number) continue;
        await this.#check(id, entry, report);
        await this.#nap(entry.lengthBytes, bytesPerSecond);
      }
      cursor = ids.at(-1);
      if (cursor === undefined) return;
    }
  }

  async #check(id: ShardId, entry: IndexEntry, report: ScrubReport): Promise<void> {
    const { reader, writer, rewriteSoon } = this.#options;
    let unreadable = false;
    try {
      const found = await reader.inspect(id, entry);
      report.shards += 1;
      report.bytes += entry.lengthBytes;
      this.#shards += 1;
      this.#round.doneBytes += entry.headBytes + entry.lengthBytes;
      if (found.state === 'good') {
        if (!found.headIntact) rewriteSoon(id);
        return;
      }
    } catch (error) {
      unreadable = true;
      if (report.lost >= MAX_UNREADABLE) throw error;
    }
    if (!(await writer.lose(id, entry, unreadable))) return;
    report.lost += 1;
    this.#lost += 1;
  }

  /** Keeps the rate; wakes at once when the store closes. */
  async #nap(bytes: number, bytesPerSecond: number): Promise<void> {
    const { clock } = this.#options;
    this.#stop.signal.throwIfAborted();
    this.#pace.bytes += bytes;
    if (this.#pace.bytes < NAP_BYTES) return;
    const aheadMs = (this.#pace.bytes / bytesPerSecond) * 1000 - (clock.monotonic() - this.#pace.sinceMs);
    this.#pace = { sinceMs: clock.monotonic() + Math.max(0, aheadMs), bytes: 0 };
    if (aheadMs > 1) await clock.sleep(aheadMs, this.#stop.signal);
  }
}
