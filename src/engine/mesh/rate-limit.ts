import { DatameshError } from '../../errors.ts';
import type { Clock } from '../effects/clock.ts';

/** Bodies up to this are questions and answers; and shards of small objects. */
const SMALL_BYTES = 64 * 1024;

export interface Passing {
  signal?: AbortSignal | undefined;
  /** See `RequestOptions.urgent`. */
  urgent?: boolean | undefined;
  /** See `RequestOptions.waiting`. */
  waiting?: ((ms: number) => void) | undefined;
}

/**
 * A bandwidth cap: bytes are taken from a budget that refills at the cap; whoever overdraws it waits until the debt is
 * refilled, in order of arrival. One frame may be sent whole, so the cap holds over seconds, not over milliseconds.
 */
export class RateLimit {
  private availableAtMs = 0;
  /** The same, if there were only small messages. */
  private smallAtMs = 0;
  /** If there were only urgent ones. */
  private urgentAtMs = 0;
  private readonly clock: Clock;
  private bytesPerSecond: number | undefined;
  /** Those who wait by the present limit. */
  private readonly waiting = new Set<AbortController>();

  /** `bytesPerSecond` undefined or 0: no cap. */
  constructor(clock: Clock, bytesPerSecond: number | undefined) {
    this.clock = clock;
    this.set(bytesPerSecond);
  }

  /** From now on, also for those who wait; a debt of before is forgiven. */
  set(bytesPerSecond: number | undefined): void {
    const next = bytesPerSecond === 0 ? undefined : bytesPerSecond;
    if (next === this.bytesPerSecond) return;
    this.availableAtMs = this.smallAtMs = this.urgentAtMs = 0;
    this.bytesPerSecond = next;
    for (const each of this.waiting) each.abort();
  }

  /** Undefined: no cap. */
  get cap(): number | undefined {
    return this.bytesPerSecond;
  }

  /** False: `take` never waits, and need not be asked. */
  get capped(): boolean {
    return this.bytesPerSecond !== undefined;
  }

  /**
   * `take` for messages of a wire: an urgent one waits for such alone, a small one for those and other small ones, and the large ones pay for them. Behind megabytes of
   * shards, be each of them small, a hello would come so late that its peer is taken for dead. Throws `cancelled`.
   */
  async pass(bytes: number, { signal, urgent = false, waiting }: Passing = {}): Promise<void> {
    try {
      if (bytes > SMALL_BYTES && !urgent) return await this.take(bytes, signal, waiting);
      while (this.bytesPerSecond !== undefined && bytes > 0) {
        const now = this.clock.monotonic();
        const costMs = (bytes * 1000) / this.bytesPerSecond;
        this.availableAtMs = Math.max(now, this.availableAtMs) + costMs;
        const startMs = Math.max(now, urgent ? this.urgentAtMs : this.smallAtMs);
        this.smallAtMs = Math.max(now, this.smallAtMs) + costMs;
        if (urgent) this.urgentAtMs = startMs + costMs;
        if (await this.waited(startMs - now, signal, waiting)) return;
      }
    } catch (error) {
      throw new DatameshError('cancelled', { what: 'cancelled', cause: error });
    }
  }

  /** `pass` for a request. Resolves early when `ended` says that the way to its peer is gone, which the request then finds out by itself. Throws `cancelled`. */
  async passWhile(bytes: number, ended: AbortSignal, { signal, urgent, waiting }: Passing): Promise<void> {
    try {
      const either = signal === undefined ? ended : AbortSignal.any([signal, ended]);
      await this.pass(bytes, { signal: either, urgent, waiting });
    } catch (error) {
      if (signal?.aborted || !ended.aborted) throw error;
    }
  }

  /** Throws when the signal ends the wait; the budget stays overdrawn. */
  async take(bytes: number, signal?: AbortSignal, waiting?: Passing['waiting']): Promise<void> {
    while (this.bytesPerSecond !== undefined && bytes > 0) {
      const now = this.clock.monotonic();
      const startMs = Math.max(now, this.availableAtMs);
      this.availableAtMs = startMs + (bytes * 1000) / this.bytesPerSecond;
      if (await this.waited(startMs - now, signal, waiting)) return;
    }
  }

  /** False when another limit was set meanwhile: to be reckoned anew, in the same order. Throws when the signal ends it. */
  private async waited(
    ms: number,
    signal: AbortSignal | undefined,
    waiting: Passing['waiting'],
  ): Promise<boolean> {
    if (ms <= 0) return true;
    waiting?.(ms);
    const changed = new AbortController();
    this.waiting.add(changed);
    try {
      await this.clock.sleep(
        ms,
        signal === undefined ? changed.signal : AbortSignal.any([signal, changed.signal]),
      );
      return true;
    } catch (error) {
      if (signal?.aborted || !changed.signal.aborted) throw error;
      return false;
    } finally {
      this.waiting.delete(changed);
    }
  }
}

export interface Caps {
  up: RateLimit;
  down: RateLimit;
}
