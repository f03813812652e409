/** When the index is committed. Pure but for the clock it is given. */
import type { Clock } from '../effects/clock.ts';
import type { StoreLimits } from './limits.ts';

type Limits = Pick<
  StoreLimits,
  | 'checkpointChanges'
  | 'checkpointBytes'
  | 'checkpointRetryMs'
  | 'smallCheckpointChanges'
  | 'smallCheckpointEveryMs'
>;

export class CheckpointSchedule {
  readonly #limits: Limits;
  readonly #clock: Pick<Clock, 'monotonic'>;
  #bytes = 0;
  #beganAtMs: number;
  #notBeforeMs = 0;
  #failing = false;

  constructor(limits: Limits, clock: Pick<Clock, 'monotonic'>) {
    this.#limits = limits;
    this.#clock = clock;
    this.#beganAtMs = clock.monotonic();
  }

  /** Bytes that the log grew by. */
  wrote(bytes: number): void {
    this.#bytes += bytes;
  }

  began(): void {
    this.#bytes = 0;
    this.#beganAtMs = this.#clock.monotonic();
  }

  /** Whether it is the first in a row. */
  failed(): boolean {
    this.#notBeforeMs = this.#clock.monotonic() + this.#limits.checkpointRetryMs;
    const isFirst = !this.#failing;
    this.#failing = true;
    return isFirst;
  }

  made(): void {
    this.#failing = false;
  }

  /** With so many changes since the last one began. */
  due(changes: number): boolean {
    const { checkpointChanges, checkpointBytes, smallCheckpointChanges, smallCheckpointEveryMs } =
      this.#limits;
    if (changes >= checkpointChanges || this.#bytes >= checkpointBytes) return true;
    if (changes < smallCheckpointChanges || changes >= 2 * smallCheckpointChanges) return false;
    return this.#clock.monotonic() - this.#beganAtMs >= smallCheckpointEveryMs;
  }

  /** False for a while after one that failed: the next would fail as well. */
  get mayTry(): boolean {
    return this.#clock.monotonic() >= this.#notBeforeMs;
  }
}
