/** Requests of one put that are under way, also those whose stripe has ended without them. */
import type { Clock } from '../effects/clock.ts';
import { CANCELLED_WAIT_MS } from './limits.ts';

export class Asking {
  readonly #running = new Set<Promise<unknown>>();

  add(request: Promise<unknown>): void {
    this.#running.add(request);
    const end = () => this.#running.delete(request);
    request.then(end, end);
  }

  /** When all have ended, or after CANCELLED_WAIT_MS. */
  ended(clock: Clock): Promise<void> {
    if (this.#running.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = clock.after(CANCELLED_WAIT_MS, resolve);
      void Promise.allSettled(this.#running).then(() => {
        timer.cancel();
        resolve();
      });
    });
  }
}
