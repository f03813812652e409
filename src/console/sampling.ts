/** The console's beat: drawing and sampling at their own pace, one sample at a time. */
import type { Clock, Timer } from '../engine/effects/clock.ts';
import type { Engine, Snapshot } from '../engine/engine.ts';
import { asDatameshError } from '../errors.ts';

export interface Beats {
  /** Runs `task` again and again; the pace is asked for anew each time. */
  every(delayMs: () => number, task: () => void): void;
  stop(): void;
}

export function createBeats(clock: Clock): Beats {
  const timers = new Set<Timer>();
  let stopped = false;
  return {
    every(delayMs, task) {
      const next = () => {
        const timer = clock.after(delayMs(), () => {
          timers.delete(timer);
          if (stopped) return;
          task();
          next();
        });
        timers.add(timer);
      };
      next();
    },
    stop() {
      stopped = true;
      for (const timer of timers) timer.cancel();
    },
  };
}

export interface SamplerDeps {
  engine(): Engine | undefined;
  paused(): boolean;
  onSample(snapshot: Snapshot): void;
  onFailure(message: string): void;
}

/** Takes one snapshot; a slow engine gets no second question while the first is open. */
export function createSampler(deps: SamplerDeps): () => Promise<void> {
  let asking = false;
  return async () => {
    const engine = deps.engine();
    if (engine === undefined || asking || deps.paused()) return;
    asking = true;
    try {
      const snapshot = await engine.snapshot();
      if (!deps.paused()) deps.onSample(snapshot);
    } catch (error) {
      deps.onFailure(asDatameshError(error).message);
    } finally {
      asking = false;
    }
  };
}
