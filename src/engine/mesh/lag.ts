/**
 * Whether a peer is behind just now, which its usual latency tells too late: a request of it that is overdue at this moment, or one that
 * somebody else overtook lately. Pure but for the clock that the caller passes in.
 */

/** Half of a lag is forgotten in this time, so that the peer is tried again. */
const HALF_LIFE_MS = 2_000;
/** Overtaken again before it answered anything: it is tried again later each time. From 40 ms to a minute in five steps. */
const GROWTH = 4;
const MAX_LAG_MS = 60_000;
/** An answer within this many times the usual ends the lag. */
const RECOVERED_FACTOR = 2;

export class Lag {
  private overdue = 0;
  private lagMs = 0;
  private atMs = 0;
  /** Of the lag when it began, for its growth. */
  private fullMs = 0;

  /** A request has been waited for longer than usual; the function it gives back ends that, once. */
  late(): () => void {
    this.overdue++;
    let ended = false;
    return () => {
      if (!ended) this.overdue--;
      ended = true;
    };
  }

  overtaken(elapsedMs: number, nowMs: number): void {
    this.fullMs = Math.min(MAX_LAG_MS, Math.max(elapsedMs, this.fullMs * GROWTH));
    this.lagMs = this.fullMs;
    this.atMs = nowMs;
  }

  answered(latencyMs: number, usualMs: number | undefined): void {
    if (usualMs !== undefined && latencyMs > usualMs * RECOVERED_FACTOR) return;
    this.lagMs = 0;
    this.fullMs = 0;
  }

  /** What to reckon with at least: 0 when it keeps up, infinite while it owes an overdue answer. */
  ms(nowMs: number): number {
    if (this.overdue > 0) return Number.POSITIVE_INFINITY;
    if (this.lagMs === 0) return 0;
    return this.lagMs * 0.5 ** ((nowMs - this.atMs) / HALF_LIFE_MS);
  }
}
