import type { Clock } from '../../src/engine/effects/clock.ts';

export interface ManualClock extends Clock {
  /** Moves time on and runs what falls due, in order. */
  advance(ms: number): void;
}

/** A clock that stands still until it is moved. */
export function manualClock(): ManualClock {
  let nowMs = 0;
  let timers: { atMs: number; task: () => void }[] = [];
  const after: Clock['after'] = (delayMs, task) => {
    const timer = { atMs: nowMs + delayMs, task };
    timers.push(timer);
    return {
      cancel() {
        timers = timers.filter((one) => one !== timer);
      },
    };
  };
  return {
    now: () => 1_700_000_000_000 + nowMs,
    monotonic: () => nowMs,
    after,
    sleep: (delayMs) => new Promise((resolve) => after(delayMs, resolve)),
    advance(ms) {
      const end = nowMs + ms;
      for (;;) {
        const next = timers.filter(({ atMs }) => atMs <= end).sort((a, b) => a.atMs - b.atMs)[0];
        if (next === undefined) break;
        timers = timers.filter((one) => one !== next);
        nowMs = Math.max(nowMs, next.atMs);
        next.task();
      }
      nowMs = end;
    },
  };
}
