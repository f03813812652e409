import { LRUCache } from 'lru-cache';
import type { Clock } from '../effects/clock.ts';

const STEP_MS = 50;

export interface Rate {
  perSecond: number;
  /** Taken at once by somebody who was quiet. */
  burst: number;
}

/**
 * Token buckets by key, for what strangers may do how often. At most `maxKeys` are remembered; the least recently seen is
 * forgotten first, so a stranger with many names gains no more than a burst for each.
 */
export class TokenBuckets {
  private readonly buckets: LRUCache<string, { tokens: number; atMs: number }>;
  private readonly clock: Clock;
  private readonly rate: Rate;

  constructor(clock: Clock, rate: Rate, maxKeys: number) {
    this.clock = clock;
    this.rate = rate;
    this.buckets = new LRUCache({ max: maxKeys });
  }

  /** False when `key` has used up its share; nothing is taken then. */
  take(key: string, amount = 1): boolean {
    const { perSecond, burst } = this.rate;
    const nowMs = this.clock.monotonic();
    let bucket = this.buckets.get(key);
    if (bucket === undefined) this.buckets.set(key, (bucket = { tokens: burst, atMs: nowMs }));
    bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) * perSecond) / 1000);
    bucket.atMs = nowMs;
    if (bucket.tokens < amount) return false;
    bucket.tokens -= amount;
    return true;
  }

  /** Waits until the share of `key` covers `amount`, which is no more than the burst. */
  async paid(key: string, amount: number): Promise<void> {
    while (!this.take(key, amount)) await this.clock.sleep(STEP_MS);
  }
}
