/** Rates from byte counters: one sample a second into ring buffers of fixed size. */
import type { RateWindow } from '../engine.ts';

const HISTORY = 60;
/** Five minutes of one-second samples, for the averages. */
const LONG = 300;

export class RateMeter {
  private readonly samples: number[] = [];
  private lastTotal: number | undefined;
  private lastAtMs: number | undefined;
  private peak = 0;
  private total = 0;

  /** `totalBytes` since start, at monotonic time `atMs`. */
  sample(totalBytes: number, atMs: number): void {
    if (this.lastTotal !== undefined && this.lastAtMs !== undefined && atMs > this.lastAtMs) {
      const rate = ((totalBytes - this.lastTotal) * 1000) / (atMs - this.lastAtMs);
      this.samples.push(rate);
      if (this.samples.length > LONG) this.samples.shift();
      this.peak = Math.max(this.peak, rate);
    }
    this.lastTotal = totalBytes;
    this.lastAtMs = atMs;
    this.total = totalBytes;
  }

  get now(): number {
    return this.samples.at(-1) ?? 0;
  }

  view(): RateWindow {
    return {
      now: this.now,
      avg1m: mean(this.samples.slice(-60)),
      avg5m: mean(this.samples),
      peak: this.peak,
      totalBytes: this.total,
      history: this.samples.slice(-HISTORY),
    };
  }
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The last 60 samples of something that may be unknown, oldest first. */
export class History {
  private readonly values: (number | undefined)[] = [];

  push(value: number | undefined): void {
    this.values.push(value);
    if (this.values.length > HISTORY) this.values.shift();
  }

  view(): (number | undefined)[] {
    return [...this.values];
  }
}
