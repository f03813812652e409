/** Ctrl-C and SIGTERM: the first asks everything to stop, the second ends the process at once. */
import { EXIT } from '../errors.ts';

export interface Signals {
  readonly signal: AbortSignal;
  /** Status for the signal that came; undefined when none did. */
  status(): number | undefined;
  /** Asks everything to stop for another reason, with this status. */
  stop(status: number): void;
  dispose(): void;
}

/** One Ctrl-C may arrive twice: from the terminal, and passed on by a parent that got it as well. */
const DOUBLE_MS = 200;

export function watchSignals(): Signals {
  const controller = new AbortController();
  let status: number | undefined;
  let firstAt = 0;
  const on = (code: number) => () => {
    if (status !== undefined) {
      if (performance.now() - firstAt < DOUBLE_MS) return;
      process.exit(status);
    }
    firstAt = performance.now();
    status = code;
    controller.abort();
  };
  const handlers = [
    ['SIGINT', on(EXIT.interrupted)],
    ['SIGTERM', on(EXIT.terminated)],
    // The terminal is gone: 128 + 1.
    ['SIGHUP', on(129)],
  ] as const;
  for (const [name, handler] of handlers) process.on(name, handler);
  return {
    signal: controller.signal,
    status: () => status,
    stop(code) {
      status ??= code;
      controller.abort();
    },
    dispose() {
      for (const [name, handler] of handlers) process.off(name, handler);
    },
  };
}
