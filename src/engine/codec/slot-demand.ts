/**
 * When stripes may have more memory. A slot once made stays until it is seen to be hardly used, minutes later (slot-upkeep.ts), and a node under a light load meets four, five, six stripes at a time once in ten
 * minutes: it would keep memory for all of them for ever. So beyond the first few, who finds every slot that is large enough lent waits for one to come back, and is given a
 * new one only when stripes have waited long enough of late: those of a large put wait side by side, and have their slots after its first tenth of a second.
 */
import type { Clock } from '../effects/clock.ts';
import type { StripeSlots } from './stripe-slots.ts';
import { unlessAborted } from './unless-aborted.ts';

/** As many at a time wait for nothing: what a file of 8 MiB has. A third, that the third stripe of a larger one may wait for, made nodes under a light load grow for hours (docs/decisions/host-memory.md). */
export const AT_ONCE = 2;
/** Milliseconds, of all stripes together. */
const PATIENCE_MS = 300;
/** Of what was waited, so much is forgotten in a millisecond: waiting for less than a tenth of the time is no reason for more memory. */
const FORGOTTEN_SHARE = 0.1;

export class SlotDemand {
  readonly #waiting = new Set<() => void>();
  readonly #clock: Clock;
  #waitedMs = 0;
  #atMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#atMs = clock.monotonic();
  }

  /** One came back: all who wait look again. */
  freed(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /** Of a stripe that is to have a slot: undefined when it may take one, else what it waits for, and then asks again. Rejects with the signal's reason. */
  wait(slots: StripeSlots, stripeBytes: number, signal?: AbortSignal): Promise<void> | undefined {
    if (slots.lentCount < AT_ONCE || !slots.isWorthWaiting(stripeBytes)) return undefined;
    const leftMs = PATIENCE_MS - this.#level();
    if (leftMs > 0) return this.#wait(leftMs, signal);
    this.#waitedMs = 0;
    return undefined;
  }

  #level(): number {
    const nowMs = this.#clock.monotonic();
    this.#waitedMs = Math.max(0, this.#waitedMs - FORGOTTEN_SHARE * (nowMs - this.#atMs));
    this.#atMs = nowMs;
    return this.#waitedMs;
  }

  async #wait(longestMs: number, signal: AbortSignal | undefined): Promise<void> {
    const sinceMs = this.#clock.monotonic();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#clock.after(longestMs, resolve, { keepAlive: true });
    this.#waiting.add(resolve);
    try {
      await unlessAborted(promise, signal);
    } finally {
      timer.cancel();
      this.#waiting.delete(resolve);
      this.#waitedMs = this.#level() + this.#clock.monotonic() - sinceMs;
    }
  }
}
