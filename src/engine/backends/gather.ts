/**
 * Small requests to one peer, gathered: what is asked for while another request to it is under way goes with the next one, so that under load a message
 * carries many, and alone it leaves at once. Every item keeps its own signal and its own result.
 */
import { DatameshError } from '../../errors.ts';
import type { Clock, Timer } from '../effects/clock.ts';
import { nextTurn } from '../effects/turn.ts';

/** Items of one message: their answers come together, so no more than a moment's work of the peer. */
export const MAX_GATHERED = 64;
/** An item waits no longer than this for a request under way: a far peer's answers take longer than it, a near one's only when it is busy. */
const MAX_WAIT_MS = 15;

export interface GatherCall {
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  /** See `RequestOptions.waiting`. */
  waiting?: ((ms: number) => void) | undefined;
}

interface Item<T, R> {
  value: T;
  call: GatherCall;
  settle(result: R | Error): void;
  over: boolean;
  /** Called when it is cancelled while it is on its way. */
  gaveUp: (() => void) | undefined;
}

export interface Gathered<T> {
  values: readonly T[];
  timeoutMs: number;
  /** Fires when nobody waits for any of them any more. */
  signal: AbortSignal;
  waiting(ms: number): void;
}

export class Gatherer<T, R> {
  private readonly clock: Clock;
  private readonly send: (batch: Gathered<T>) => Promise<readonly (R | Error)[]>;
  private readonly graceMs: number;
  /** Whether `value` may travel with those before it. */
  private readonly joins: (value: T, before: readonly T[]) => boolean;
  private readonly queue: Item<T, R>[] = [];
  private underWay = 0;
  private scheduled = false;
  private timer: Timer | undefined;

  /**
   * @param graceMs what is cancelled when it is on its way waits so long for its answer
   * @param send a result for each value, in order; may reject for all of them
   */
  constructor(
    clock: Clock,
    graceMs: number,
    joins: (value: T, before: readonly T[]) => boolean,
    send: (batch: Gathered<T>) => Promise<readonly (R | Error)[]>,
  ) {
    this.clock = clock;
    this.graceMs = graceMs;
    this.joins = joins;
    this.send = send;
  }

  /** Cancelled before it is sent, it is not sent. */
  ask(value: T, call: GatherCall): Promise<R> {
    const { signal } = call;
    if (signal?.aborted) return Promise.reject(cancelled());
    return new Promise((resolve, reject) => {
      let grace: Timer | undefined;
      const item: Item<T, R> = {
        value,
        call,
        over: false,
        gaveUp: undefined,
        settle(result) {
          if (item.over) return;
          item.over = true;
          grace?.cancel();
          signal?.removeEventListener('abort', onAbort);
          if (signal?.aborted) reject(cancelled());
          else if (result instanceof Error) reject(result);
          else resolve(result);
        },
      };
      const onAbort = () => {
        const at = this.queue.indexOf(item);
        if (at >= 0) this.queue.splice(at, 1);
        item.gaveUp?.();
        if (at >= 0 || this.graceMs === 0) item.settle(cancelled());
        else grace = this.clock.after(this.graceMs, () => item.settle(cancelled()));
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.queue.push(item);
      this.schedule();
    });
  }

  /** What comes in one turn of the event loop goes together in any case. */
  private schedule(): void {
    if (this.scheduled || this.queue.length === 0) return;
    if (this.underWay > 0 && this.queue.length < MAX_GATHERED) {
      this.timer ??= this.clock.after(MAX_WAIT_MS, () => this.flush());
      return;
    }
    this.scheduled = true;
    void nextTurn().then(() => {
      this.scheduled = false;
      this.flush();
    });
  }

  private flush(): void {
    this.timer?.cancel();
    this.timer = undefined;
    const items: Item<T, R>[] = [];
    const values: T[] = [];
    while (items.length < MAX_GATHERED && this.queue.length > 0) {
      const next = this.queue[0]!;
      if (items.length > 0 && !this.joins(next.value, values)) break;
      this.queue.shift();
      items.push(next);
      values.push(next.value);
    }
    if (items.length > 0) void this.carry(items, values);
    this.schedule();
  }

  private async carry(items: readonly Item<T, R>[], values: readonly T[]): Promise<void> {
    this.underWay++;
    const stopper = new AbortController();
    let waiting = items.length;
    const gaveUp = () => {
      if (--waiting === 0) stopper.abort();
    };
    for (const item of items) item.gaveUp = gaveUp;
    try {
      const timeoutMs = Math.max(...items.map(({ call }) => call.timeoutMs));
      const results = await this.send({
        values,
        timeoutMs,
        signal: stopper.signal,
        waiting(ms) {
          for (const { call } of items) call.waiting?.(ms);
        },
      });
      for (const [at, item] of items.entries()) item.settle(results[at] as R | Error);
    } catch (error) {
      for (const item of items) item.settle(error instanceof Error ? error : new Error(String(error)));
    } finally {
      for (const item of items) item.gaveUp = undefined;
      this.underWay--;
      this.schedule();
    }
  }
}

function cancelled(): DatameshError {
  return new DatameshError('cancelled', { what: 'cancelled' });
}
