/**
 * Shards that reads fetched and verified lately, by id: content-addressed, so never stale. What is cached is sealed as it came, and takes a
 * decoding and an opening like any other. Counts what it was asked for.
 */
import { LRUCache } from 'lru-cache';
import type { Clock, Timer } from '../effects/clock.ts';
import type { ShardId } from '../types.ts';
import { CACHED_READ_SHARE } from './limits.ts';

/** Of an entry, beside its bytes. */
const ENTRY_BYTES = 256;

export interface ShardCacheOptions {
  clock: Clock;
  /** 0: nothing is cached. */
  maxBytes: number;
  /** A shard is forgotten after this time, used or not: memory is given back when nobody reads. */
  ttlMs: number;
}

export class ShardCache {
  hits = 0;
  misses = 0;
  private readonly entries: LRUCache<ShardId, Uint8Array> | undefined;
  private readonly clock: Clock;
  private readonly maxBytes: number;
  private readonly ttlMs: number;
  private timer: Timer | undefined;

  constructor({ clock, maxBytes, ttlMs }: ShardCacheOptions) {
    this.clock = clock;
    this.maxBytes = maxBytes;
    this.ttlMs = ttlMs;
    if (maxBytes <= 0) return;
    this.entries = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: (bytes) => bytes.length + ENTRY_BYTES,
      ttl: ttlMs,
      // Asked every time: the library's own reckoning of coarse time needs a timer. It takes 0 for "never".
      ttlResolution: 0,
      perf: { now: () => clock.monotonic() + 1 },
    });
  }

  get bytes(): number {
    return this.entries?.calculatedSize ?? 0;
  }

  /** Whether a read of so many bytes may put its shards here: a large one would drive everything else out, and is seldom repeated. */
  welcomes(readBytes: number): boolean {
    return this.entries !== undefined && readBytes <= this.maxBytes * CACHED_READ_SHARE;
  }

  get(id: ShardId): Uint8Array | undefined {
    if (this.entries === undefined) return undefined;
    return this.entries.get(id);
  }

  /** What a read of one stripe found of the k shards it needs. */
  count(found: number, needed: number): void {
    if (this.entries === undefined) return;
    this.hits += found;
    this.misses += needed - found;
  }

  /** Takes a copy of verified bytes. */
  add(id: ShardId, bytes: Uint8Array): void {
    if (this.entries?.has(id) !== false) return;
    this.entries.set(id, Uint8Array.from(bytes));
    this.timer ??= this.clock.after(this.ttlMs, () => this.purge());
  }

  forget(id: ShardId): void {
    this.entries?.delete(id);
  }

  private purge(): void {
    this.timer = undefined;
    this.entries?.purgeStale();
    if (this.bytes > 0) this.timer = this.clock.after(this.ttlMs, () => this.purge());
  }
}
