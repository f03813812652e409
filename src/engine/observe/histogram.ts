/** Counts of observations by size, as Prometheus' histograms have them: cumulative when shown, plain inside. */

/** Upper ends in seconds: from a disk whose cache survives a power cut to one that stalls for seconds. */
export const SYNC_BUCKETS_SECONDS = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
];

/** From a small object in a local mesh (a few ms) to a large one over a slow line. */
export const TRANSFER_BUCKETS_SECONDS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800,
];

export interface HistogramView {
  /** Cumulative, for each upper end in order; what is beyond the last is in `count` alone. */
  buckets: { le: number; count: number }[];
  sum: number;
  count: number;
}

export class Histogram {
  private readonly upperEnds: readonly number[];
  private readonly counts: number[];
  private total = 0;
  private observed = 0;

  /** @param upperEnds ascending, each within its bucket */
  constructor(upperEnds: readonly number[]) {
    this.upperEnds = upperEnds;
    this.counts = upperEnds.map(() => 0);
  }

  observe(value: number): void {
    this.total += value;
    this.observed++;
    const at = this.upperEnds.findIndex((end) => value <= end);
    if (at >= 0) this.counts[at]!++;
  }

  view(): HistogramView {
    let count = 0;
    const buckets = this.upperEnds.map((le, at) => ({ le, count: (count += this.counts[at]!) }));
    return { buckets, sum: this.total, count: this.observed };
  }
}
