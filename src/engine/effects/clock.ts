/** Time as the engine sees it. The simulator drives a virtual one. */

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Wall clock, milliseconds since the Unix epoch. May jump; never used to decide a deletion. */
  now(): number;
  /** Milliseconds from an arbitrary origin; never goes back. For durations and deadlines. */
  monotonic(): number;
  /** Runs `task` once after `delayMs`. A real clock's timers do not keep the process alive unless `keepAlive`. */
  after(delayMs: number, task: () => void, options?: { keepAlive?: boolean }): Timer;
  /** Resolves after `delayMs`; rejects with an AbortError as soon as `signal` fires. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** A signal that fires after `delayMs` of this clock. */
export function deadline(clock: Clock, delayMs: number): AbortSignal {
  const controller = new AbortController();
  clock.after(delayMs, () => controller.abort(new DOMException('timed out', 'TimeoutError')));
  return controller.signal;
}

export function realClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after(delayMs, task, options) {
      const handle = setTimeout(task, delayMs);
      if (!options?.keepAlive) handle.unref();
      return { cancel: () => clearTimeout(handle) };
    },
    sleep(delayMs, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(abortError());
        const onAbort = () => {
          clearTimeout(handle);
          reject(abortError());
        };
        const handle = setTimeout(() => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        }, delayMs);
        signal?.addEventListener('abort', onAbort, { once: true });
      });
    },
  };
}

function abortError(): Error {
  return new DOMException('aborted', 'AbortError');
}
