import type { Clock } from '../effects/clock.ts';

/**
 * A bandwidth cap: bytes are taken from a budget that refills at the cap; whoever overdraws it waits until the debt is
 * refilled, in order of arrival. One frame may be sent whole, so the cap holds over seconds, not over milliseconds.
 */
export class RateLimit {
  private availableAtMs = 0;
  private readonly clock: Clock;
  private bytesPerSecond: number | undefined;

  /** `bytesPerSecond` undefined or 0: no cap. */
  constructor(clock: Clock, bytesPerSecond: number | undefined) {
    this.clock = clock;
    this.set(bytesPerSecond);
  }

  /** From now on; a debt of before is forgiven. */
  set(bytesPerSecond: number | undefined): void {
    const next = bytesPerSecond === 0 ? undefined : bytesPerSecond;
    if (next !== this.bytesPerSecond) this.availableAtMs = 0;
    this.bytesPerSecond = next;
  }

  /** Undefined: no cap. */
  get cap(): number | undefined {
    return this.bytesPerSecond;
  }

  /** False: `take` never waits, and need not be asked. */
  get capped(): boolean {
    return this.bytesPerSecond !== undefined;
  }

  /** Throws when the signal ends the wait; the budget stays overdrawn. */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    if (this.bytesPerSecond === undefined || bytes === 0) return;
    const now = this.clock.monotonic();
    const startMs = Math.max(now, this.availableAtMs);
    this.availableAtMs = startMs + (bytes * 1000) / this.bytesPerSecond;
    if (startMs > now) await this.clock.sleep(startMs - now, signal);
  }
}

export interface Caps {
  up: RateLimit;
  down: RateLimit;
}
