/**
 * When stripes have less memory again. What a large put had made for itself stayed for as long as the node ran (ten slots of 24 MiB where chunks are long). Every
 * five minutes it is asked how many slots were lent at once in the last ten: up to three stay if they were used at all, more only if they were for a hundredth of the time.
 */
import type { Clock, Timer } from '../effects/clock.ts';
import { AT_ONCE } from './slot-demand.ts';

const WINDOW_MS = 300_000;
/** Of the time: whoever is in need of one more then waits for it (slot-demand.ts), 300 ms once in ten minutes. */
const RARE_SHARE = 0.01;

export class SlotUpkeep {
  readonly #clock: Clock;
  readonly #trim: (keep: number) => void;
  #timer: Timer | undefined;
  #lent = 0;
  #sinceMs = 0;
  /** Milliseconds for which so many were lent; of this window and the one before. */
  #held: number[] = [];
  #heldBefore: number[] = [];

  /** @param trim is to keep so many slots, lent ones included */
  constructor(clock: Clock, trim: (keep: number) => void) {
    this.#clock = clock;
    this.#trim = trim;
  }

  /** So many are lent from now on. */
  lent(count: number): void {
    this.#account();
    this.#lent = count;
    if (count > 0) this.#timer ??= this.#clock.after(WINDOW_MS, () => this.#windowEnded());
  }

  close(): void {
    this.#timer?.cancel();
  }

  #account(): void {
    const nowMs = this.#clock.monotonic();
    this.#held[this.#lent] = (this.#held[this.#lent] ?? 0) + nowMs - this.#sinceMs;
    this.#sinceMs = nowMs;
  }

  #windowEnded(): void {
    this.#account();
    const keep = this.#needed();
    this.#trim(keep);
    [this.#heldBefore, this.#held] = [this.#held, []];
    this.#timer = keep === 0 ? undefined : this.#clock.after(WINDOW_MS, () => this.#windowEnded());
  }

  #needed(): number {
    const most = Math.max(this.#held.length, this.#heldBefore.length) - 1;
    let heldMs = 0;
    for (let count = most; count > 0; count--) {
      heldMs += (this.#held[count] ?? 0) + (this.#heldBefore[count] ?? 0);
      if (count <= AT_ONCE ? heldMs > 0 : heldMs > RARE_SHARE * 2 * WINDOW_MS) return count;
    }
    return 0;
  }
}
