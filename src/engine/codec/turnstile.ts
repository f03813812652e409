/** Lets a number of callers in at once, the others in the order they came. */

interface Waiting {
  enter(): void;
}

export class Turnstile {
  readonly #waiting = new Set<Waiting>();
  #free: number;

  constructor(places: number) {
    this.#free = places;
  }

  /** Waits for a place; the result gives it back, once. Rejects with the signal's reason when that comes first. */
  async enter(signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#wait(signal);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const [next] = this.#waiting;
      if (next === undefined) this.#free++;
      else next.enter();
    };
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = () => {
        this.#waiting.delete(waiting);
        signal?.removeEventListener('abort', cancel);
      };
      const cancel = () => {
        done();
        reject(signal!.reason);
      };
      const waiting: Waiting = {
        enter() {
          done();
          resolve();
        },
      };
      this.#waiting.add(waiting);
      signal?.addEventListener('abort', cancel);
    });
  }
}
