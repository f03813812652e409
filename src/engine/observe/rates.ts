/** Rates from byte counters: one sample a second into ring buffers of fixed size. */
import type { RateWindow } from '../engine.ts';

const HISTORY = 60;
/** Five minutes of one-second samples, for the averages. */
const LONG = 300;
const MINUTE_MS = 60_000;

/** The longer windows of the bandwidth panel: points of ten seconds and of five minutes. */
const POINT_10_MIN_MS = 10_000;
const POINTS_10_MIN = 60;
const POINT_24_H_MS = 300_000;
const POINTS_24_H = 288;

export class RateMeter {
  private readonly samples: number[] = [];
  /** What each of them is the rate of: a second, and more where the node was too busy to look. */
  private readonly spansMs: number[] = [];
  private readonly tenMinutes: Points | undefined;
  private readonly day: Points | undefined;
  private lastTotal: number | undefined;
  private lastAtMs: number | undefined;
  private peak = 0;
  private total = 0;

  /** @param kept `all`: the longer windows too, which the meters of single peers have no use for */
  constructor(kept: 'minutes' | 'all' = 'minutes') {
    if (kept === 'minutes') return;
    this.tenMinutes = new Points(POINT_10_MIN_MS, POINTS_10_MIN);
    this.day = new Points(POINT_24_H_MS, POINTS_24_H);
  }

  /** `totalBytes` since start, at monotonic time `atMs`. */
  sample(totalBytes: number, atMs: number): void {
    if (this.lastTotal !== undefined && this.lastAtMs !== undefined && atMs > this.lastAtMs) {
      const rate = ((totalBytes - this.lastTotal) * 1000) / (atMs - this.lastAtMs);
      this.samples.push(rate);
      this.spansMs.push(atMs - this.lastAtMs);
      if (this.samples.length > LONG) {
        this.samples.shift();
        this.spansMs.shift();
      }
      this.peak = Math.max(this.peak, rate);
    }
    this.lastTotal = totalBytes;
    this.lastAtMs = atMs;
    this.total = totalBytes;
    this.tenMinutes?.sample(totalBytes, atMs);
    this.day?.sample(totalBytes, atMs);
  }

  get now(): number {
    return this.samples.at(-1) ?? 0;
  }

  view(): RateWindow {
    return {
      now: this.now,
      avg1m: this.mean(MINUTE_MS),
      avg5m: this.mean(5 * MINUTE_MS),
      peak: this.peak,
      totalBytes: this.total,
      history: this.samples.slice(-HISTORY),
      history10m: this.tenMinutes?.view() ?? [],
      history24h: this.day?.view() ?? [],
    };
  }

  /** Bytes by time over the newest samples that make up `overMs`, or over all while they are fewer. */
  private mean(overMs: number): number {
    let [bytes, ms] = [0, 0];
    for (let at = this.samples.length - 1; at >= 0 && ms < overMs; at--) {
      bytes += (this.samples[at]! * this.spansMs[at]!) / 1000;
      ms += this.spansMs[at]!;
    }
    return ms === 0 ? 0 : (bytes * 1000) / ms;
  }
}

/** Mean rates of longer stretches, the newest `kept` of them; the one under way is not among them. */
class Points {
  private readonly rates: number[] = [];
  private from: { totalBytes: number; atMs: number } | undefined;
  private readonly everyMs: number;
  private readonly kept: number;

  constructor(everyMs: number, kept: number) {
    this.everyMs = everyMs;
    this.kept = kept;
  }

  sample(totalBytes: number, atMs: number): void {
    this.from ??= { totalBytes, atMs };
    const elapsedMs = atMs - this.from.atMs;
    if (elapsedMs < this.everyMs) return;
    this.rates.push(((totalBytes - this.from.totalBytes) * 1000) / elapsedMs);
    if (this.rates.length > this.kept) this.rates.shift();
    this.from = { totalBytes, atMs };
  }

  view(): number[] {
    return [...this.rates];
  }
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
