/**
 * What the store knows: the index, with the changes since its last checkpoint laid over it, and the sums (live bytes
 * per segment, bytes per owner) that follow from every change. Knows nothing of files.
 */
import type { OwnerId, ShardId } from '../types.ts';
import {
  type Checkpoint,
  INDEX_FORMAT,
  type IndexEntry,
  type SegmentFigures,
  type ShardIndex,
} from './index.ts';

/** A place in the log. */
export interface LogPosition {
  segment: number;
  offset: number;
}

export class ShardTable {
  readonly #index: ShardIndex;
  readonly #store: string;
  /** Changes since the last checkpoint began, and those it is writing just now. */
  #recent = new Map<ShardId, IndexEntry | null>();
  #frozen: Map<ShardId, IndexEntry | null> | undefined;
  readonly #segments = new Map<number, SegmentFigures>();
  readonly #owners = new Map<OwnerId, number>();
  #shards = 0;
  #liveBytes = 0;

  /** `store`: the store's salt as hex. `checkpoint` is the index's, already judged to fit the segment files. */
  constructor(index: ShardIndex, store: string, checkpoint: Checkpoint | undefined) {
    this.#index = index;
    this.#store = store;
    if (checkpoint === undefined) return;
    this.#shards = checkpoint.shards;
    for (const figures of checkpoint.segments) {
      this.#segments.set(figures.number, { ...figures });
      this.#liveBytes += figures.liveBytes;
    }
    for (const [owner, bytes] of checkpoint.owners) this.#owners.set(owner, bytes);
  }

  get shards(): number {
    return this.#shards;
  }

  get liveBytes(): number {
    return this.#liveBytes;
  }

  /** Entries changed since the last checkpoint began. */
  get changes(): number {
    return this.#recent.size;
  }

  owners(): OwnerId[] {
    return [...this.#owners.keys()];
  }

  ownerBytes(owner: OwnerId): number {
    return this.#owners.get(owner) ?? 0;
  }

  get(id: ShardId): IndexEntry | undefined {
    let change = this.#recent.get(id);
    if (change === undefined) change = this.#frozen?.get(id);
    return change === undefined ? this.#index.get(id) : (change ?? undefined);
  }

  /** `entry` undefined: the shard is gone. Updates every sum; applying the same change twice changes nothing more. */
  set(id: ShardId, entry: IndexEntry | undefined): void {
    const before = this.get(id);
    if (before !== undefined) this.#count(before, -1);
    if (entry !== undefined) this.#count(entry, 1);
    this.#recent.set(id, entry ?? null);
  }

  /** `set` of a shard that the caller knows is not there. */
  add(id: ShardId, entry: IndexEntry): void {
    this.#count(entry, 1);
    this.#recent.set(id, entry);
  }

  #count(entry: IndexEntry, sign: 1 | -1): void {
    const recordBytes = entry.headBytes + entry.lengthBytes;
    this.#shards += sign;
    this.#liveBytes += sign * recordBytes;
    // A segment that is not there (its file was lost) has no figures; its shards are lost with it.
    const figures = this.#segments.get(entry.segment);
    if (figures !== undefined) figures.liveBytes += sign * recordBytes;
    for (const owner of entry.owners) {
      const bytes = this.ownerBytes(owner) + sign * entry.lengthBytes;
      if (bytes === 0) this.#owners.delete(owner);
      else this.#owners.set(owner, bytes);
    }
  }

  /** Ids after `cursor` in order, at most `limit`. */
  ids(cursor: ShardId | undefined, limit: number): ShardId[] {
    const overlay = new Map<ShardId, boolean>();
    for (const changes of [this.#frozen, this.#recent]) {
      if (changes === undefined) continue;
      for (const [id, entry] of changes)
        if (cursor === undefined || id > cursor) overlay.set(id, entry !== null);
    }
    const ids = this.#index.ids(cursor, limit + overlay.size).filter((id) => !overlay.has(id));
    for (const [id, live] of overlay) if (live) ids.push(id);
    return ids.sort().slice(0, limit);
  }

  segments(): SegmentFigures[] {
    return [...this.#segments.values()];
  }

  segment(number: number): SegmentFigures | undefined {
    return this.#segments.get(number);
  }

  /** `createdAtMs`: nothing in it was written, so hashed, before. */
  addSegment(number: number, validBytes: number, createdAtMs: number): void {
    const figures = { number, validBytes, liveBytes: 0, noteBytes: 0, verifiedAtMs: createdAtMs };
    this.#segments.set(number, figures);
  }

  removeSegment(number: number): void {
    this.#segments.delete(number);
  }

  /**
   * Makes everything up to now durable in the index, `at` being the end of the log now. The caller sees to it that
   * one runs at a time. When the commit fails nothing is lost: the changes go to the next one.
   */
  async checkpoint(at: LogPosition): Promise<void> {
    const frozen = this.#recent;
    this.#frozen = frozen;
    this.#recent = new Map();
    const checkpoint: Checkpoint = {
      format: INDEX_FORMAT,
      store: this.#store,
      ...at,
      shards: this.#shards,
      segments: this.segments().map((figures) => ({ ...figures })),
      owners: [...this.#owners],
    };
    try {
      await this.#index.commit(frozen, checkpoint);
    } catch (error) {
      for (const [id, entry] of this.#recent) frozen.set(id, entry);
      this.#recent = frozen;
      throw error;
    } finally {
      this.#frozen = undefined;
    }
  }
}
