/** Quantiles of the last latencies of one peer: exact over a small ring, so nothing grows and nothing is estimated. */

/** 64 samples: the 95th percentile is the fourth largest. */
const SAMPLES = 64;
/** An older sample says nothing of now; a peer that was slow once must be tried again one day. */
const MAX_AGE_MS = 5 * 60_000;

export interface LatencyQuantiles {
  p50: number | undefined;
  p95: number | undefined;
}

export class LatencyWindow {
  private readonly valuesMs: number[] = [];
  private readonly timesMs: number[] = [];
  private next = 0;

  add(latencyMs: number, nowMs: number): void {
    this.valuesMs[this.next] = latencyMs;
    this.timesMs[this.next] = nowMs;
    this.next = (this.next + 1) % SAMPLES;
  }

  /** Nearest-rank quantiles of the samples of the last five minutes; undefined without any. */
  quantiles(nowMs: number): LatencyQuantiles {
    const fresh = this.valuesMs
      .filter((_, i) => nowMs - this.timesMs[i]! <= MAX_AGE_MS)
      .sort((a, b) => a - b);
    const at = (share: number) => fresh[Math.ceil(share * fresh.length) - 1];
    return { p50: at(0.5), p95: at(0.95) };
  }
}
