/** Quantiles of the last latencies of one kind: exact over a small window, so nothing grows and nothing is estimated. */

/** 64 samples: the 95th percentile is the fourth largest. */
const SAMPLES = 64;
/** An older sample says nothing of now; a peer that was slow once must be tried again one day. */
const MAX_AGE_MS = 5 * 60_000;

export interface LatencyQuantiles {
  p50: number | undefined;
  p95: number | undefined;
}

/** Adding and asking move at most one window of numbers in memory: cheap enough for every request. */
export class LatencyWindow {
  /** Rings of the same places: what came, and when. */
  private readonly valuesMs: Float64Array;
  private readonly timesMs: Float64Array;
  /** The same values in order; the first `count` of them. */
  private readonly sortedMs: Float64Array;
  private oldest = 0;
  private count = 0;

  constructor(samples = SAMPLES) {
    this.valuesMs = new Float64Array(samples);
    this.timesMs = new Float64Array(samples);
    this.sortedMs = new Float64Array(samples);
  }

  add(latencyMs: number, nowMs: number): void {
    if (this.count === this.valuesMs.length) this.dropOldest();
    const at = (this.oldest + this.count) % this.valuesMs.length;
    this.valuesMs[at] = latencyMs;
    this.timesMs[at] = nowMs;
    const place = this.placeOf(latencyMs);
    this.sortedMs.copyWithin(place + 1, place, this.count);
    this.sortedMs[place] = latencyMs;
    this.count++;
  }

  /** Samples of the last five minutes. */
  fresh(nowMs: number): number {
    while (this.count > 0 && nowMs - this.timesMs[this.oldest]! > MAX_AGE_MS) this.dropOldest();
    return this.count;
  }

  /** Nearest-rank quantiles of the samples of the last five minutes; undefined without any. */
  quantiles(nowMs: number): LatencyQuantiles {
    return quantilesOf(this.sorted(nowMs));
  }

  /** A view of the fresh samples in order, valid until the next call. */
  sorted(nowMs: number): Float64Array {
    return this.sortedMs.subarray(0, this.fresh(nowMs));
  }

  private dropOldest(): void {
    const place = this.placeOf(this.valuesMs[this.oldest]!);
    this.sortedMs.copyWithin(place, place + 1, this.count);
    this.oldest = (this.oldest + 1) % this.valuesMs.length;
    this.count--;
  }

  /** The first place whose value is not smaller. */
  private placeOf(value: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.sortedMs[middle]! < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Nearest rank, of values in order. */
export function quantilesOf(sortedMs: ArrayLike<number>): LatencyQuantiles {
  const at = (share: number) => sortedMs[Math.ceil(share * sortedMs.length) - 1];
  return { p50: at(0.5), p95: at(0.95) };
}
