/**
 * The shard store on a segment log. How the pieces hang together: record.ts and segment.ts are the format,
 * group-commit.ts writes, reader.ts reads, shard-table.ts knows (over an index.ts), recovery.ts opens,
 * compaction.ts gives space back, scrub.ts looks for rot.
 *
 * What it promises: a put or delete that resolved survives any crash; one that rejected may or may not have happened.
 */
import { dirname } from 'node:path';
import { DatameshError } from '../../errors.ts';
import type { Clock } from '../effects/clock.ts';
import type { Disk } from '../effects/disk.ts';
import { type Random, realRandom } from '../effects/random.ts';
import type { OwnerId, ShardId } from '../types.ts';
import { CheckpointSchedule } from './checkpoint-schedule.ts';
import { Compactor } from './compaction.ts';
import { GroupCommit } from './group-commit.ts';
import type { IndexEntry, ShardIndex } from './index.ts';
import { MAX_POOL_BYTES, MAX_SHARD_BYTES, STORE_LIMITS, type StoreLimits } from './limits.ts';
import { isDamagedIndex, saysDamaged } from './lmdb-damage.ts';
import { openLmdbIndex, removeLmdbIndex } from './lmdb-index.ts';
import { RecordReader } from './reader.ts';
import { type Recovered, type RecoveryReport, recover, tellRecovery } from './recovery.ts';
import { Scrubber, type ScrubProgress, type ScrubReport } from './scrub.ts';
import { openFormat } from './segment.ts';
import { SegmentFiles } from './segment-files.ts';
import type { ShardTable } from './shard-table.ts';
import { ShardWriter, samePlace } from './shard-writer.ts';
import { SpaceGuard } from './space-guard.ts';
import type { PutRecord, ReadInto, ShardStat, ShardStore, StoreUsage } from './store.ts';
import { diskError, indexUnwritten, isNoSpace } from './store-errors.ts';

export interface ShardStoreOptions {
  /** Absolute; made when missing. Only one process may have it open (effects/lock.ts on the data folder). */
  dir: string;
  disk: Disk;
  clock: Clock;
  /** For the salt of a new store. */
  random?: Random;
  /** BLAKE3-256, as text. */
  idOf: (bytes: Uint8Array) => ShardId;
  /** Bytes of live records at most. 0 = every put is refused. */
  quotaBytes: number;
  /** Share of the file system that puts must leave free, 0–0.9. */
  reserveFraction: number;
  limits?: Partial<StoreLimits>;
  /** LMDB in `dir`/index unless given. */
  openIndex?: (dir: string) => Promise<ShardIndex>;
  /** Forget the index and build it from the segments. */
  rebuildIndex?: boolean;
  /** A shard that was acknowledged turned out unreadable and counts as not held from now on. */
  onLost?: (id: ShardId) => void;
  /** What the operator should know: a scrub that ended or broke off, what opening found lost. */
  onEvent?: (level: 'info' | 'warn', text: string) => void;
}

/** What maintenance and tests need beyond ShardStore. */
export interface SegmentStore extends ShardStore {
  readonly recovery: RecoveryReport;
  /** Makes the index durable up to now. */
  checkpoint(): Promise<void>;
  /** Rewrites the emptiest closed segments until the files are near the live bytes; returns the bytes given back. */
  compact(): Promise<number>;
  /** Hashes everything again once; what is bad is taken out and reported to `onLost`. */
  scrub(bytesPerSecond?: number): Promise<ScrubReport>;
  /** Scrubs in the background: whatever was not verified for `scrubEveryMs`, at this rate. 0 stops it. */
  startScrub(bytesPerSecond: number): void;
  scrubProgress(): ScrubProgress;
  /** So much is free on the disk, as was just asked: on a full one the ballast is given up. */
  spaceLeft(freeBytes: number): void;
}

/** Opens the store, replaying what the index does not know yet. Throws `format-too-new`, `disk-full`. */
export async function openShardStore(options: ShardStoreOptions): Promise<SegmentStore> {
  const { dir, disk, idOf } = options;
  const limits = { ...STORE_LIMITS, ...options.limits };
  await disk.makeDir(dir, 0o700);
  await disk.syncDir(dirname(dir));
  const salt = await openFormat(disk, dir, options.random ?? realRandom());
  const indexDir = `${dir}/index`;
  const tell = (level: 'warn', text: string) => options.onEvent?.(level, text);
  const open = async (rebuild: boolean): Promise<LogStore> => {
    // An index that cannot even be opened must not stand in the way of the one to be built.
    if (rebuild && options.openIndex === undefined) await removeLmdbIndex(disk, indexDir);
    await disk.makeDir(indexDir, 0o700);
    const index = await (options.openIndex ?? openLmdbIndex)(indexDir);
    try {
      const recovered = await recover({ dir, disk, salt, index, idOf, limits, rebuild });
      tellRecovery(recovered, dir, tell);
      const store = new LogStore(options, limits, salt, index, recovered);
      await store.start();
      return store;
    } catch (error) {
      await index.close();
      throw error;
    }
  };
  const rebuilt = () => {
    tell('warn', 'the index of the shards is damaged and is built anew from the segments');
    return open(true);
  };
  try {
    if (options.rebuildIndex === true) return await open(true);
    if (options.openIndex === undefined && (await isDamagedIndex(disk, indexDir))) return await rebuilt();
    return await open(false).catch((error: unknown) => {
      if (options.openIndex === undefined && saysDamaged(error)) return rebuilt();
      throw error;
    });
  } catch (error) {
    throw diskError(error, dir);
  }
}

class LogStore implements SegmentStore {
  readonly recovery: RecoveryReport;
  readonly #options: ShardStoreOptions;
  readonly #limits: StoreLimits;
  readonly #index: ShardIndex;
  readonly #recovered: Recovered;
  readonly #salt: Uint8Array;
  readonly #table: ShardTable;
  readonly #files: SegmentFiles;
  readonly #reader: RecordReader;
  readonly #guard: SpaceGuard;
  readonly #schedule: CheckpointSchedule;
  #log!: GroupCommit;
  #writer!: ShardWriter;
  #compactor!: Compactor;
  #scrubber!: Scrubber;
  #checkpointing: Promise<void> | undefined;
  #closed = false;

  constructor(
    options: ShardStoreOptions,
    limits: StoreLimits,
    salt: Uint8Array,
    index: ShardIndex,
    recovered: Recovered,
  ) {
    this.#options = options;
    this.#limits = limits;
    this.#index = index;
    this.#recovered = recovered;
    this.#salt = salt;
    this.#table = recovered.table;
    this.recovery = recovered.report;
    this.#files = new SegmentFiles(options.disk, options.dir, limits.openSegments);
    this.#reader = new RecordReader(this.#files, salt, options.idOf);
    this.#guard = new SpaceGuard({ ...options, limits, liveBytes: () => this.#table.liveBytes });
    this.#schedule = new CheckpointSchedule(limits, options.clock);
  }

  async start(): Promise<void> {
    const { dir, disk, clock } = this.#options;
    await this.#guard.open();
    this.#log = await GroupCommit.open({
      dir,
      disk,
      clock,
      salt: this.#salt,
      limits: this.#limits,
      ...this.#recovered,
      onSegment: (number) => this.#table.addSegment(number, this.#log.end.offset, clock.now()),
      onBatch: (segment, validBytes) => this.#onBatch(segment, validBytes),
      onNoSpace: () => this.#guard.dropBallast(),
    });
    this.#writer = new ShardWriter({
      dir,
      clock,
      table: this.#table,
      log: this.#log,
      reader: this.#reader,
      guard: this.#guard,
      onLost: this.#options.onLost,
    });
    this.#compactor = new Compactor({
      dir,
      disk,
      clock,
      limits: this.#limits,
      salt: this.#salt,
      idOf: this.#options.idOf,
      table: this.#table,
      log: this.#log,
      writer: this.#writer,
      files: this.#files,
      unreadable: this.#recovered.unreadable,
      checkpoint: () => this.checkpoint(),
    });
    this.#scrubber = new Scrubber({
      dir,
      disk,
      clock,
      limits: this.#limits,
      salt: this.#salt,
      idOf: this.#options.idOf,
      table: this.#table,
      reader: this.#reader,
      writer: this.#writer,
      rewriteSoon: (id) => this.#compactor.rewriteSoon(id),
      checkpoint: () => this.checkpoint(),
      onEvent: (level, text) => this.#options.onEvent?.(level, text),
    });
    if (this.#table.changes >= this.#limits.checkpointChanges) await this.checkpoint();
  }

  put(record: PutRecord): Promise<'stored' | 'already-there'> {
    try {
      this.#mustBeOpen();
      this.#verify(record);
      return this.#writer.put(record);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Throws unless the bytes are those of the id, and within the bounds. */
  #verify(record: PutRecord): void {
    const { id, bytes, pool = '' } = record;
    if (bytes.length > MAX_SHARD_BYTES) {
      throw new DatameshError('input-too-large', {
        what: `a shard of ${bytes.length} bytes is over ${MAX_SHARD_BYTES}`,
      });
    }
    if (Buffer.byteLength(pool) > MAX_POOL_BYTES) {
      throw new DatameshError('input-too-large', {
        what: `the pool's name is over ${MAX_POOL_BYTES} bytes: ${pool}`,
      });
    }
    const found = this.#options.idOf(bytes);
    if (found !== id) {
      throw new DatameshError('hash-mismatch', {
        what: `the bytes sent for shard ${id} have the hash ${found}`,
        mend: 'send the shard again',
      });
    }
  }

  async get(id: ShardId, readInto?: ReadInto): Promise<Uint8Array | undefined> {
    let into: Uint8Array | undefined;
    let asked = false;
    for (;;) {
      this.#mustBeOpen();
      const entry = this.#table.get(id);
      if (entry === undefined) return undefined;
      if (!asked) into = typeof readInto === 'function' ? readInto(entry.lengthBytes) : readInto;
      asked = true;
      if (into !== undefined && into.length < entry.lengthBytes)
        throw new RangeError(`shard ${id} has ${entry.lengthBytes} bytes, the buffer ${into.length}`);
      const found = await this.#read(id, entry, into);
      if (found.state === 'good') {
        if (!found.headIntact) this.#compactor.rewriteSoon(id);
        return found.bytes;
      }
      // Compaction may have moved it meanwhile; otherwise it is read once more, under its lock, and given up.
      const now = this.#table.get(id);
      if (now === undefined || samePlace(now, entry)) {
        await this.#writer.lose(id, entry);
        if (this.#table.get(id) === undefined) return undefined;
      }
    }
  }

  async #read(id: ShardId, entry: IndexEntry, into: Uint8Array | undefined) {
    try {
      return await (into === undefined
        ? this.#reader.read(id, entry)
        : this.#reader.readInto(id, entry, into));
    } catch (error) {
      throw new DatameshError('failed', {
        what: `shard ${id} could not be read from ${this.#options.dir}: ${(error as Error).message}`,
        why: 'the device or file system reported an error',
        mend: 'look at the system log for errors of the device',
        cause: error,
      });
    }
  }

  async getRange(id: ShardId, offset: number, lengthBytes: number): Promise<Uint8Array | undefined> {
    this.#mustBeOpen();
    const entry = this.#table.get(id);
    if (entry === undefined) return undefined;
    const bytes = await this.#reader.readRange(entry, offset, lengthBytes);
    const now = this.#table.get(id);
    if (bytes !== undefined || now === undefined || samePlace(now, entry)) return bytes;
    return this.getRange(id, offset, lengthBytes);
  }

  has(id: ShardId): boolean {
    return this.#table.get(id) !== undefined;
  }

  async delete(id: ShardId, owner: OwnerId): Promise<boolean> {
    this.#mustBeOpen();
    const deleted = await this.#writer.delete(id, owner);
    if (deleted) this.#compactor.wake();
    return deleted;
  }

  stat(id: ShardId): ShardStat | undefined {
    const entry = this.#table.get(id);
    if (entry === undefined) return undefined;
    const { lengthBytes, writtenAtMs, owners, pool } = entry;
    const verifiedAtMs = Math.max(writtenAtMs, this.#table.segment(entry.segment)?.verifiedAtMs ?? 0);
    return { id, lengthBytes, owners: [...owners], pool, writtenAtMs, verifiedAtMs };
  }

  list(cursor: ShardId | undefined, limit: number): ShardId[] {
    return this.#table.ids(cursor, limit);
  }

  owners(): OwnerId[] {
    return this.#table.owners();
  }

  ownerBytes(owner: OwnerId): number {
    return this.#table.ownerBytes(owner);
  }

  usage(): StoreUsage {
    const { shards, liveBytes } = this.#table;
    return {
      shards,
      liveBytes,
      diskBytes: this.#table.segments().reduce((sum, it) => sum + it.validBytes, 0),
    };
  }

  checkpoint(): Promise<void> {
    const before = this.#checkpointing;
    const mine = (before ?? Promise.resolve())
      .catch(() => undefined)
      .then(async () => {
        this.#schedule.began();
        await this.#table.checkpoint(this.#log.end);
        this.#schedule.made();
      });
    this.#checkpointing = mine;
    const done = () => {
      if (this.#checkpointing === mine) this.#checkpointing = undefined;
    };
    mine.then(done, done);
    return mine;
  }

  compact(): Promise<number> {
    this.#mustBeOpen();
    return this.#compactor.run();
  }

  scrub(bytesPerSecond = Number.POSITIVE_INFINITY): Promise<ScrubReport> {
    this.#mustBeOpen();
    return this.#scrubber.run(bytesPerSecond);
  }

  startScrub(bytesPerSecond: number): void {
    this.#mustBeOpen();
    this.#scrubber.start(bytesPerSecond);
  }

  scrubProgress(): ScrubProgress {
    return this.#scrubber.progress();
  }

  spaceLeft(freeBytes: number): void {
    this.#guard.leaveRoom(freeBytes).catch(() => undefined);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#scrubber.close();
    await this.#compactor.close();
    await this.#writer.idle();
    await this.#log.close();
    // Without it the next opening reads a little more of the log; nothing else.
    await this.checkpoint().catch(() => undefined);
    await this.#files.close();
    await this.#index.close();
  }

  #onBatch(segment: number, validBytes: number): void {
    const figures = this.#table.segment(segment);
    if (figures === undefined) return;
    this.#schedule.wrote(validBytes - figures.validBytes);
    figures.validBytes = validBytes;
    // A failed one is tried again later; meanwhile reopening reads more of the log.
    if (this.#checkpointing !== undefined || !this.#schedule.due(this.#table.changes)) return;
    if (this.#guard.short) this.#guard.recheck();
    else if (this.#schedule.mayTry) this.checkpoint().catch((error) => this.#checkpointFailed(error));
  }

  #checkpointFailed(error: unknown): void {
    if (this.#schedule.failed()) this.#options.onEvent?.('warn', indexUnwritten(error));
    if (isNoSpace(error)) this.#guard.dropBallast().catch(() => undefined);
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new DatameshError('failed', { what: 'the shard store is closed' });
  }
}
