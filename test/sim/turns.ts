/**
 * Lets everything that promises have made ready run to its end between two events of the virtual time. Promise jobs are run
 * by Node before each turn of its loop, so one real turn drains them; the turns that production code waits for itself
 * (effects/turn.ts) come from a queue of ours instead of the loop, in the order they were asked for. After `settle` nothing
 * can happen any more but by the next event.
 */

/** A loop of promises that never comes to rest is a defect: this many rounds within one event are no honest work. */
const MAX_ROUNDS = 100_000;

export class Turns {
  #waiting: (() => void)[] = [];
  readonly #realTurn = globalThis.setImmediate;

  /** Takes over `setImmediate` of this process, which belongs to the simulator alone. */
  install(): void {
    const queue = (task: (...given: unknown[]) => void, ...given: unknown[]) => {
      this.#waiting.push(() => task(...given));
      return {} as NodeJS.Immediate;
    };
    globalThis.setImmediate = queue as typeof setImmediate;
  }

  async settle(): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      await new Promise<void>((resolve) => this.#realTurn(resolve));
      if (this.#waiting.length === 0) return;
      for (const task of this.#waiting.splice(0)) task();
    }
    throw new Error('promises go round for ever within one moment');
  }
}
