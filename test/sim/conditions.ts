/** What the network does to messages just now: who cannot reach whom, what is lost, how long the rest takes. */
import type { SimRandom } from './random.ts';

/** Longest time a duplicate comes after its original. */
const MAX_ECHO_MS = 3_000;
const BYTES_PER_MS = 100_000;
/** However slow the way: a kernel gives up on a connection that takes much longer. */
const MAX_DELAY_MS = 10_000;

export interface Fate {
  /** Delays of each arrival; none = lost. */
  arrivalsMs: number[];
}

export class Conditions {
  /** Share of messages that vanish: their sender learns of it by its own deadline alone. */
  loss = 0;
  /** Share of requests that arrive a second time. */
  duplication = 0;
  /** Median one-way delay. */
  delayMs = 1;
  /** How many times slower everything from and to these hosts is. */
  readonly slow = new Map<string, number>();
  readonly #random: SimRandom;
  #cuts: { from: ReadonlySet<string>; to: ReadonlySet<string>; bothWays: boolean }[] = [];

  constructor(random: SimRandom) {
    this.#random = random;
  }

  cut(from: readonly string[], to: readonly string[], bothWays: boolean): void {
    this.#cuts.push({ from: new Set(from), to: new Set(to), bothWays });
  }

  get isCut(): boolean {
    return this.#cuts.length > 0;
  }

  /** Ends every partition, loss, duplication and slowness. */
  heal(): void {
    this.#cuts = [];
    this.loss = 0;
    this.duplication = 0;
    this.slow.clear();
  }

  mend(): void {
    this.#cuts = [];
  }

  blocked(from: string, to: string): boolean {
    return this.#cuts.some(
      (cut) =>
        (cut.from.has(from) && cut.to.has(to)) || (cut.bothWays && cut.from.has(to) && cut.to.has(from)),
    );
  }

  fate(from: string, to: string, bytes: number, mayRepeat: boolean): Fate {
    const random = this.#random;
    const factor = Math.max(this.slow.get(from) ?? 1, this.slow.get(to) ?? 1);
    const quickMs = this.delayMs * (0.7 + random.around(0.3)) + bytes / BYTES_PER_MS;
    const delayMs = Math.min(MAX_DELAY_MS, quickMs * factor);
    // Drawn before they are needed, so that one fault more or less leaves the other draws as they were.
    const lost = random.chance(this.loss);
    const repeats = random.chance(this.duplication);
    if (this.blocked(from, to) || lost) return { arrivalsMs: [] };
    if (!mayRepeat || !repeats) return { arrivalsMs: [delayMs] };
    return { arrivalsMs: [delayMs, delayMs + random.fraction() * MAX_ECHO_MS] };
  }
}
