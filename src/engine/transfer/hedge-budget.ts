/**
 * How many requests reads may make beyond those they need, so that hedging never becomes a load of its own: a token bucket that is
 * filled by the requests themselves, not by time. However it is used, extra ≤ share × asked + burst. (Dean and Barroso, "The Tail at
 * Scale", 2013: hedge after the 95th percentile, and no more than a few per cent.)
 */

export class HedgeBudget {
  private tokens: number;
  private readonly share: number;
  private readonly burst: number;

  /** @param share of the ordinary requests, e.g. 0.05; @param burst tokens at the start, and the most that are saved up */
  constructor(share: number, burst: number) {
    this.share = share;
    this.burst = burst;
    this.tokens = burst;
  }

  /** An ordinary request was made. */
  asked(): void {
    this.tokens = Math.min(this.burst, this.tokens + this.share);
  }

  /** Whether one extra request may be made now; counts it when it may. */
  take(): boolean {
    if (this.tokens < 1) return false;
    this.tokens--;
    return true;
  }
}
