/** Virtual time: a queue of events that drives everything, and the clocks that nodes see of it. */
import type { Clock, Timer } from '../../src/engine/effects/clock.ts';
import type { Trace } from './trace.ts';
import type { Turns } from './turns.ts';

/** Whose event it is: those of a dead process are dropped, those of one that stands still wait. */
export interface Owner {
  readonly label: string;
  alive: boolean;
  frozenUntilMs: number;
}

interface Event {
  atMs: number;
  order: number;
  owner: Owner | undefined;
  kind: string;
  task: (() => void) | undefined;
}

/** Wall clock at the start of every run. */
export const EPOCH_MS = 1_800_000_000_000;
/** A real timer fires after a millisecond at the earliest. */
const MIN_DELAY_MS = 1;

export class Timeline {
  nowMs = 0;
  /** Events run so far. */
  events = 0;
  readonly #heap: Event[] = [];
  #order = 0;
  readonly #turns: Turns;
  readonly #trace: Trace;

  constructor(turns: Turns, trace: Trace) {
    this.#turns = turns;
    this.#trace = trace;
  }

  /** Events that wait, the cancelled ones included. */
  get waiting(): number {
    return this.#heap.length;
  }

  after(delayMs: number, owner: Owner | undefined, kind: string, task: () => void): Timer {
    const atMs = this.nowMs + Math.max(0, delayMs);
    const event: Event = { atMs, order: this.#order++, owner, kind, task };
    this.#push(event);
    return {
      cancel() {
        event.task = undefined;
      },
    };
  }

  /** Runs what falls due within `durationMs`, or until `done` says so after an event. */
  async run(durationMs: number, done: () => boolean = () => false): Promise<void> {
    const endMs = this.nowMs + durationMs;
    // Whoever called may have started something.
    await this.#turns.settle();
    while (!done()) {
      const next = this.#heap[0];
      if (next === undefined || next.atMs > endMs) {
        this.nowMs = endMs;
        return;
      }
      this.#pop();
      const { owner, task } = next;
      if (task === undefined || owner?.alive === false) continue;
      if (owner !== undefined && owner.frozenUntilMs > next.atMs) {
        next.atMs = owner.frozenUntilMs;
        this.#push(next);
        continue;
      }
      this.nowMs = next.atMs;
      this.events++;
      this.#trace.event(next.atMs, owner?.label ?? '', next.kind);
      task();
      await this.#turns.settle();
    }
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** The clock of one process. `skewMs` is its machine's: how far its wall clock is off. */
export function clockOf(timeline: Timeline, owner: Owner, skewMs: () => number): Clock {
  const after: Clock['after'] = (delayMs, task) =>
    timeline.after(Math.max(MIN_DELAY_MS, delayMs), owner, 'timer', task);
  return {
    now: () => Math.floor(EPOCH_MS + timeline.nowMs + skewMs()),
    monotonic: () => timeline.nowMs,
    after,
    sleep(delayMs, signal) {
      return new Promise((resolve, reject) => {
        const abort = () => {
          timer.cancel();
          reject(new DOMException('aborted', 'AbortError'));
        };
        if (signal?.aborted) return reject(new DOMException('aborted', 'AbortError'));
        const timer = after(delayMs, () => {
          signal?.removeEventListener('abort', abort);
          resolve();
        });
        signal?.addEventListener('abort', abort, { once: true });
      });
    },
  };
}
