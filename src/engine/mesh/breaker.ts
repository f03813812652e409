/**
 * The circuit breaker of one peer. When to open and how long to stay open are cockatiel's (a sliding window of calls, a run of
 * failures, exponential back-off); the three states are kept here, since cockatiel's own policy reads the wall clock, holds
 * further callers back while it probes, and a read must rather ask somebody else. See docs/decisions/circuit-breaker.md.
 */
import {
  CircuitState,
  ConsecutiveBreaker,
  CountBreaker,
  ExponentialBackoff,
  type IBackoff,
  noJitterGenerator,
} from 'cockatiel';
import type { Clock } from '../effects/clock.ts';
import type { Random } from '../effects/random.ts';

export type BreakerState = 'closed' | 'open' | 'half-open';

/** Failures in a row that open it: what a dead peer gives within one stripe. */
const MAX_CONSECUTIVE = 4;
/** Or more than half of the last 20 calls, of which there must be 6: a peer that fails on and off. */
const WINDOW = { threshold: 0.5, size: 20, minimumNumberOfCalls: 6 };
/** Open for 1 s at first, doubled at every failed probe up to 30 s, with ± 25 % so that peers are not probed in step. */
const FIRST_OPEN_MS = 1_000;
const MAX_OPEN_MS = 30_000;
const JITTER = 0.25;
const BACKOFF = new ExponentialBackoff({
  generator: noJitterGenerator,
  initialDelay: FIRST_OPEN_MS,
  maxDelay: MAX_OPEN_MS,
});
/** A probe whose answer never came must not block the next one for ever. */
const PROBE_MS = 5_000;

export class Breaker {
  private run = new ConsecutiveBreaker(MAX_CONSECUTIVE);
  private window = new CountBreaker(WINDOW);
  /** Of the present run of openings. */
  private backoff: IBackoff<unknown> | undefined;
  private openUntilMs: number | undefined;
  private probeUntilMs: number | undefined;
  private readonly clock: Clock;
  private readonly random: Random;

  constructor(clock: Clock, random: Random) {
    this.clock = clock;
    this.random = random;
  }

  get state(): BreakerState {
    if (this.openUntilMs === undefined) return 'closed';
    return this.clock.monotonic() < this.openUntilMs ? 'open' : 'half-open';
  }

  /** Closed; or half-open, and no probe is under way. */
  get allows(): boolean {
    if (this.openUntilMs === undefined) return true;
    const nowMs = this.clock.monotonic();
    return nowMs >= this.openUntilMs && (this.probeUntilMs === undefined || nowMs >= this.probeUntilMs);
  }

  /** A request is being sent: the first of a half-open breaker is its probe. */
  asked(): void {
    if (this.state === 'half-open') this.probeUntilMs = this.clock.monotonic() + PROBE_MS;
  }

  /** `slow` counts in the window and is no failure in a row: it answered. */
  record(outcome: 'good' | 'slow' | 'bad'): void {
    const state = this.state;
    // The answers of requests that were under way when it opened.
    if (state === 'open') return;
    if (state === 'half-open') {
      if (outcome === 'good') this.close();
      else this.open();
      return;
    }
    if (outcome === 'good') {
      this.run.success();
      this.window.success(CircuitState.Closed);
      return;
    }
    if (outcome === 'slow') this.run.success();
    const inARow = outcome === 'bad' && this.run.failure();
    const tooMany = this.window.failure(CircuitState.Closed);
    if (inARow || tooMany) this.open();
  }

  private open(): void {
    this.backoff = (this.backoff ?? BACKOFF).next(undefined);
    const jitter = 1 + JITTER * (2 * this.random.fraction() - 1);
    this.openUntilMs = this.clock.monotonic() + this.backoff.duration * jitter;
    this.probeUntilMs = undefined;
  }

  private close(): void {
    this.openUntilMs = undefined;
    this.probeUntilMs = undefined;
    this.run = new ConsecutiveBreaker(MAX_CONSECUTIVE);
    this.window = new CountBreaker(WINDOW);
    this.backoff = undefined;
  }
}
