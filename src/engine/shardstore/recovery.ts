/** Opening: brings the index up to the end of the log, or builds it anew from the segments alone. */
import type { Disk, DiskFile } from '../effects/disk.ts';
import { bytesToHex, type ShardId } from '../types.ts';
import { isOurs, lackingSegments } from './checkpoint-fit.ts';
import type { ShardIndex } from './index.ts';
import type { StoreLimits } from './limits.ts';
import { recordBytesOf } from './record.ts';
import { type ScannedRecord, scanSegment } from './scan.ts';
import {
  listSegments,
  lookAtSegment,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  STORE_FORMAT,
  segmentPath,
} from './segment.ts';
import { type LogPosition, ShardTable } from './shard-table.ts';
import { isUnreadable } from './store-errors.ts';

/** One piece of what is written anew: the whole is a batch or little more. */
const REWRITE_BYTES = 4 * 1024 * 1024;

export interface RecoveryOptions {
  dir: string;
  disk: Disk;
  salt: Uint8Array;
  index: ShardIndex;
  idOf: (bytes: Uint8Array) => ShardId;
  limits: StoreLimits;
  /** Forget the index and read every segment. */
  rebuild: boolean;
}

export interface RecoveryReport {
  rebuilt: boolean;
  /** Shards that the index knew of which the segments are no more as it knew them; undefined where there was none, or they fit. */
  shardsBefore: number | undefined;
  replayedRecords: number;
  /** Places in durable parts of the log that could not be read. */
  damaged: number;
  /** Bytes after the last whole record, never acknowledged, cut off. */
  tornBytes: number;
}

export interface Recovered {
  table: ShardTable;
  /** A clean end to go on from, if there is one. */
  resume: LogPosition | undefined;
  newest: { number: number; validBytes: number };
  nextNumber: number;
  report: RecoveryReport;
  /** Segments that the device refused in part or whole: they are left as they are. */
  unreadable: number[];
  /** Paths where a segment would lie, and something else does. */
  foreign: string[];
}

export async function recover(options: RecoveryOptions): Promise<Recovered> {
  const { dir, disk, index, salt } = options;
  const store = bytesToHex(salt);
  const numbers = await listSegments(disk, dir);
  const found = index.checkpoint();
  const ours = isOurs(found, store) ? found : undefined;
  const fits =
    !options.rebuild && ours !== undefined && (await lackingSegments(disk, dir, numbers, ours)).length === 0;
  if (!fits) await index.clear();
  // Throws here, and not at the first put, where the index is damaged at its root.
  else index.ids(undefined, 1);
  const checkpoint = fits ? ours : undefined;
  const table = new ShardTable(index, store, checkpoint);
  const report: RecoveryReport = {
    rebuilt: !fits && numbers.length > 0,
    shardsBefore: fits || options.rebuild ? undefined : ours?.shards,
    replayedRecords: 0,
    damaged: 0,
    tornBytes: 0,
  };
  const from: LogPosition = checkpoint ?? { segment: 0, offset: 0 };
  const replay = new Replay(options, table, report);
  await replay.run(
    numbers.filter((number) => number >= from.segment),
    from,
  );
  // The newest segment's own entry may so far be only in memory, like its bytes.
  await disk.syncDir(dir);
  return {
    table,
    resume: replay.resume,
    newest: replay.newest,
    nextNumber: freeNumber(Math.max(from.segment, ...replay.ours, 0) + 1, numbers),
    report,
    unreadable: replay.unreadable,
    foreign: replay.foreign,
  };
}

/** What is foreign keeps its name, and those above it are not lost to it. */
function freeNumber(from: number, taken: number[]): number {
  let number = from;
  while (taken.includes(number)) number += 1;
  return number;
}

/** What of it the operator should know. */
export function tellRecovery(
  { table, report: { shardsBefore, damaged }, unreadable, foreign }: Recovered,
  dir: string,
  tell: (level: 'warn', text: string) => void,
): void {
  if (shardsBefore !== undefined) {
    tell(
      'warn',
      `segments are missing or cut short, so the index was built anew from what is there: ${table.shards} shards, where ${shardsBefore} were held; look at the disk (smartctl -a, dmesg)`,
    );
  }
  if (damaged > 0)
    tell('warn', `${damaged} places of the segments cannot be read: what was there counts as lost`);
  for (const number of unreadable) {
    tell(
      'warn',
      `the disk cannot read all of ${segmentPath(dir, number)}: what is missing counts as lost and is rebuilt from other nodes, the file stays as it is; look at the disk (smartctl -a, dmesg)`,
    );
  }
  for (const path of foreign)
    tell('warn', `${path} is no segment of this store and is left alone: move it somewhere else`);
}

class Replay {
  resume: LogPosition | undefined;
  newest = { number: 0, validBytes: 0 };
  /** All but the foreign. */
  readonly ours: number[] = [];
  readonly unreadable: number[] = [];
  readonly foreign: string[] = [];
  readonly #options: RecoveryOptions;
  readonly #table: ShardTable;
  readonly #report: RecoveryReport;

  constructor(options: RecoveryOptions, table: ShardTable, report: RecoveryReport) {
    this.#options = options;
    this.#table = table;
    this.#report = report;
  }

  async run(numbers: number[], from: LogPosition): Promise<void> {
    const { dir, disk, salt } = this.#options;
    const headers = new Map<number, SegmentHeader>();
    const fences = new Map<number, number>();
    for (const number of numbers) {
      const header = await lookAtSegment(disk, dir, number, salt);
      if (header === 'foreign') {
        this.foreign.push(segmentPath(dir, number));
        continue;
      }
      this.ours.push(number);
      if (header === 'headless') continue;
      headers.set(number, header);
      fences.set(header.previous, header.previousValidBytes);
    }
    /** The newest segment that was made whole: nothing before it is a tail. */
    const lastWhole = Math.max(0, ...headers.keys());
    for (const number of this.ours) {
      const start = number === from.segment ? from.offset : SEGMENT_HEADER_BYTES;
      const sealed = fences.has(number) || number < lastWhole;
      await this.#segment(number, start, sealed, fences.get(number), headers.get(number));
    }
  }

  /** Nothing is appended to it or cut off from it: what the device gives again another day should be what it was. */
  #isUnreadable(number: number): void {
    this.unreadable.push(number);
    this.resume = undefined;
  }

  async #segment(
    number: number,
    start: number,
    sealed: boolean,
    fence: number | undefined,
    header: SegmentHeader | undefined,
  ) {
    const whole = header !== undefined;
    const { dir, disk, salt, idOf, limits } = this.#options;
    const path = segmentPath(dir, number);
    const file = await openReadable(disk, path);
    if (file === undefined) {
      this.#isUnreadable(number);
      return;
    }
    let records = 0;
    let isStub = false;
    try {
      const sizeBytes = await file.sizeBytes();
      const to = Math.min(sizeBytes, fence ?? sizeBytes);
      const known = this.#table.segment(number) !== undefined;
      if (!known) this.#table.addSegment(number, 0, header?.createdAtMs ?? 0);
      const from = Math.min(start, to);
      const durableTo = sealed ? to : from;
      const result = await scanSegment(
        { file, salt, segment: number, from, to, durableTo, idOf },
        (record, proved) => {
          records += 1;
          applyRecord(this.#table, number, record);
          // Only what is surely durable may enter the index; the end of the last segment waits for its sync.
          if (!proved || this.#table.changes < limits.checkpointChanges) return undefined;
          const at = { segment: number, offset: record.offset + recordBytesOf(record) };
          return this.#table.checkpoint(at);
        },
      );
      if (!whole && !known && records === 0) {
        this.#table.removeSegment(number);
        // The rest of one whose making was cut short: it never held a record.
        isStub = sizeBytes <= SEGMENT_HEADER_BYTES && !result.unreadable;
        if (result.unreadable) this.#isUnreadable(number);
        else if (!isStub) this.foreign.push(path);
      } else {
        this.#table.segment(number)!.validBytes = result.validBytes;
        this.newest = { number, validBytes: result.validBytes };
        this.resume = undefined;
        if (result.unreadable) this.#isUnreadable(number);
        else {
          if (result.validBytes < sizeBytes) await file.truncate(result.validBytes);
          if (!sealed) await rewrite(file, result.provedBytes, result.validBytes);
          if (!sealed || result.validBytes < sizeBytes) await file.datasync();
          const ours = header?.format === STORE_FORMAT;
          if (!sealed && ours && result.validBytes < limits.segmentBytes) {
            this.resume = { segment: number, offset: result.validBytes };
          }
        }
      }
      this.#report.replayedRecords += records;
      this.#report.damaged += result.damaged;
      this.#report.tornBytes += sealed ? 0 : sizeBytes - result.validBytes;
    } finally {
      await file.close();
    }
    if (isStub) await disk.remove(path);
  }
}

async function openReadable(disk: Disk, path: string): Promise<DiskFile | undefined> {
  try {
    return await disk.open(path, 'update');
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
}

/**
 * Writes the end of the newest segment over itself. What is about to be served, and acknowledged as there already, may
 * so far be only in the page cache, and after a datasync that failed under the process before this one the kernel
 * takes those pages for clean: only written anew do they reach the disk with the next datasync.
 */
async function rewrite(file: DiskFile, provedBytes: number, validBytes: number): Promise<void> {
  const from = provedBytes <= SEGMENT_HEADER_BYTES ? 0 : provedBytes;
  for (let at = from; at < validBytes; at += REWRITE_BYTES) {
    const bytes = new Uint8Array(Math.min(REWRITE_BYTES, validBytes - at));
    const count = await file.read(bytes, at);
    await file.write([bytes.subarray(0, count)], at);
  }
}

/** What a record means: the last one of an id is its state. */
export function applyRecord(table: ShardTable, segment: number, record: ScannedRecord): void {
  const { id, offset, headBytes, lengthBytes, writtenAtMs, owners, pool } = record;
  if (record.kind === 'shard') {
    table.set(id, { segment, offset, headBytes, lengthBytes, writtenAtMs, owners, pool });
    return;
  }
  table.segment(segment)!.noteBytes += recordBytesOf(record);
  const entry = table.get(id);
  if (entry === undefined) return;
  table.set(id, record.kind === 'gone' ? undefined : { ...entry, owners });
}
