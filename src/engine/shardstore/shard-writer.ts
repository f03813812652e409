/**
 * Every change of a shard: the check, the record appended, the table brought up to it. One change of a shard at a
 * time, so that the order of its records in the log is the order of what was decided.
 */
import { DatameshError } from '../../errors.ts';
import type { Clock } from '../effects/clock.ts';
import type { OwnerId, ShardId } from '../types.ts';
import type { GroupCommit, Waiting } from './group-commit.ts';
import { IdLocks } from './id-locks.ts';
import type { IndexEntry } from './index.ts';
import { MAX_OWNERS } from './limits.ts';
import type { RecordReader } from './reader.ts';
import { headBytesOf } from './record.ts';
import type { LogPosition, ShardTable } from './shard-table.ts';
import type { SpaceGuard } from './space-guard.ts';
import type { PutRecord } from './store.ts';
import { diskError } from './store-errors.ts';

export interface ShardWriterOptions {
  dir: string;
  clock: Clock;
  table: ShardTable;
  log: GroupCommit;
  reader: RecordReader;
  guard: SpaceGuard;
  onLost: ((id: ShardId) => void) | undefined;
}

const NO_BYTES = new Uint8Array(0);

export class ShardWriter {
  readonly #options: ShardWriterOptions;
  readonly #locks = new IdLocks();
  #lastOwners: readonly OwnerId[] = [];

  constructor(options: ShardWriterOptions) {
    this.#options = options;
  }

  /** Stores a shard whose hash is verified, or adds the owner to one that is there and readable. */
  put(record: PutRecord): Promise<'stored' | 'already-there'> {
    const { table, guard } = this.#options;
    const recordBytes = headBytesOf(1, record.pool) + record.bytes.length;
    // What nearly every put is: a new shard, and room for it. Nothing is awaited before the log has the record.
    const isNew = this.#locks.isFree(record.id) && table.get(record.id) === undefined;
    if (isNew && guard.admitNow(recordBytes)) return this.#putNew(record, recordBytes);
    return this.#putLocked(record);
  }

  /** The caller has seen that nobody holds the lock and that the shard is not there, and admitted the record. */
  #putNew(put: PutRecord, recordBytes: number): Promise<'stored'> {
    const { clock, log } = this.#options;
    const shard = new NewShard(
      this.#options,
      this.#locks,
      put,
      recordBytes,
      clock.now(),
      this.#ownersOf(put.owner),
    );
    this.#locks.hold(put.id, shard.stored);
    log.enqueue(shard);
    return shard.stored;
  }

  /** Shared by the shards of one owner that are put in a row: a list each would double what the table holds of them. */
  #ownersOf(owner: OwnerId): readonly OwnerId[] {
    if (this.#lastOwners[0] !== owner) this.#lastOwners = [owner];
    return this.#lastOwners;
  }

  #putLocked({ id, bytes, owner, pool = '' }: PutRecord): Promise<'stored' | 'already-there'> {
    return this.#change(id, async () => {
      const { table, reader, guard, clock } = this.#options;
      const entry = table.get(id);
      if (entry !== undefined) {
        if ((await reader.inspect(id, entry)).state === 'good') {
          await this.#claim(id, entry, owner);
          return 'already-there';
        }
        await this.#giveUp(id);
      }
      const release = await guard.admit(headBytesOf(1, pool) + bytes.length);
      try {
        await this.#appendShard(id, bytes, { owners: [owner], pool, writtenAtMs: clock.now() });
      } finally {
        release();
      }
      return 'stored';
    });
  }

  async #claim(id: ShardId, entry: IndexEntry, owner: OwnerId): Promise<void> {
    const { log, guard } = this.#options;
    if (entry.owners.includes(owner)) return log.fence();
    if (entry.owners.length >= MAX_OWNERS) {
      throw new DatameshError('quota-full', {
        what: `shard ${id} is claimed by ${MAX_OWNERS} owners already`,
      });
    }
    const owners = [...entry.owners, owner];
    const release = await guard.admit(headBytesOf(owners.length));
    try {
      await this.#appendNote(id, owners);
    } finally {
      release();
    }
  }

  /** Takes the owner's claim away, and the shard with the last one. False when the owner has none. */
  delete(id: ShardId, owner: OwnerId): Promise<boolean> {
    return this.#change(id, async () => {
      const entry = this.#options.table.get(id);
      if (entry === undefined || !entry.owners.includes(owner)) {
        await this.#options.log.fence();
        return false;
      }
      await this.#appendNote(
        id,
        entry.owners.filter((other) => other !== owner),
      );
      return true;
    });
  }

  /**
   * Quarantine: unless the shard has moved since it was read at `entry`, or reads well now, it is gone from here on.
   * `unreadable`: an error of the device counts as bad, too. True when it is gone.
   */
  lose(id: ShardId, entry: IndexEntry, unreadable = false): Promise<boolean> {
    return this.#change(id, async () => {
      const { table, reader } = this.#options;
      const now = table.get(id);
      if (now === undefined || !samePlace(now, entry)) return false;
      try {
        if ((await reader.inspect(id, now)).state === 'good') return false;
      } catch (error) {
        if (!unreadable) throw error;
      }
      await this.#giveUp(id);
      return true;
    });
  }

  async #giveUp(id: ShardId): Promise<void> {
    try {
      await this.#appendNote(id, []);
    } catch {
      // The note could not be written. Not held, either way; after a restart the next reader finds the same again.
      this.#options.table.set(id, undefined);
    }
    this.#options.onLost?.(id);
  }

  /** Appends the shard anew, further on in the log. `from`: only while it still lies in that segment. */
  async copy(id: ShardId, from?: number): Promise<void> {
    const { table, reader } = this.#options;
    const bad = await this.#change(id, async () => {
      const entry = table.get(id);
      if (entry === undefined || (from !== undefined && entry.segment !== from)) return undefined;
      return await reader.borrow(id, entry, async (found) => {
        if (found.state === 'bad') return entry;
        await this.#appendShard(id, found.bytes, entry);
        return undefined;
      });
    });
    if (bad !== undefined) await this.lose(id, bad);
  }

  /** Says again who owns the shard now, or that it is gone, unless a record in `from` or later says so with its bytes. */
  repeatNote(id: ShardId, from: number): Promise<void> {
    return this.#change(id, async () => {
      const entry = this.#options.table.get(id);
      if (entry !== undefined && entry.segment >= from) return;
      await this.#appendNote(id, entry?.owners ?? []);
    });
  }

  /** Resolves when every change begun so far has ended. */
  idle(): Promise<void> {
    return this.#locks.idle();
  }

  #appendShard(
    id: ShardId,
    bytes: Uint8Array,
    about: Pick<IndexEntry, 'owners' | 'pool' | 'writtenAtMs'>,
  ): Promise<void> {
    const { table, log } = this.#options;
    const { owners, pool, writtenAtMs } = about;
    const lengthBytes = bytes.length;
    const headBytes = headBytesOf(owners.length, pool);
    return log.append({ kind: 'shard', id, owners, pool, lengthBytes, writtenAtMs, bytes }, (at) => {
      table.set(id, { ...at, headBytes, lengthBytes, writtenAtMs, owners, pool });
    });
  }

  /** `owners` empty: the shard is gone. */
  #appendNote(id: ShardId, owners: readonly OwnerId[]): Promise<void> {
    const { table, log, clock } = this.#options;
    const kind = owners.length === 0 ? 'gone' : 'owners';
    const writtenAtMs = clock.now();
    const note = { kind, id, owners, pool: '', lengthBytes: 0, writtenAtMs, bytes: NO_BYTES } as const;
    return log.append(note, (at: LogPosition) => {
      const figures = table.segment(at.segment);
      if (figures !== undefined) figures.noteBytes += headBytesOf(owners.length);
      const entry = table.get(id);
      if (entry !== undefined) table.set(id, kind === 'gone' ? undefined : { ...entry, owners });
    });
  }

  async #change<T>(id: ShardId, task: () => Promise<T>): Promise<T> {
    try {
      return await this.#locks.run(id, task);
    } catch (error) {
      throw diskError(error, this.#options.dir);
    }
  }
}

/** A new shard on its way to the log: one object instead of a closure for each of its ends. */
class NewShard implements Waiting {
  readonly kind = 'shard';
  readonly id: ShardId;
  readonly owners: readonly OwnerId[];
  readonly pool: string;
  readonly lengthBytes: number;
  readonly writtenAtMs: number;
  readonly bytes: Uint8Array;
  readonly recordBytes: number;
  readonly stored: Promise<'stored'>;
  readonly #writer: ShardWriterOptions;
  readonly #locks: IdLocks;
  #resolve!: (outcome: 'stored') => void;
  #reject!: (error: unknown) => void;

  constructor(
    writer: ShardWriterOptions,
    locks: IdLocks,
    { id, bytes, pool = '' }: PutRecord,
    recordBytes: number,
    writtenAtMs: number,
    owners: readonly OwnerId[],
  ) {
    this.#writer = writer;
    this.#locks = locks;
    this.id = id;
    this.owners = owners;
    this.pool = pool;
    this.lengthBytes = bytes.length;
    this.writtenAtMs = writtenAtMs;
    this.bytes = bytes;
    this.recordBytes = recordBytes;
    this.stored = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  apply({ segment, offset }: LogPosition): void {
    const { lengthBytes, writtenAtMs, owners, pool } = this;
    const headBytes = this.recordBytes - lengthBytes;
    this.#writer.table.add(this.id, { segment, offset, headBytes, lengthBytes, writtenAtMs, owners, pool });
  }

  resolve(): void {
    this.#end();
    this.#resolve('stored');
  }

  reject(error: unknown): void {
    this.#end();
    this.#reject(diskError(error, this.#writer.dir));
  }

  #end(): void {
    this.#writer.guard.release(this.recordBytes);
    this.#locks.free(this.id, this.stored);
  }
}

export function samePlace(a: IndexEntry, b: IndexEntry): boolean {
  return a.segment === b.segment && a.offset === b.offset;
}
