/** Keeps the caps of a node's wires at what its options say for this hour. */
import type { Clock, Timer } from '../effects/clock.ts';
import { limitsAt } from '../mesh/bandwidth-schedule.ts';
import type { Caps } from '../mesh/rate-limit.ts';
import type { EngineOptions } from '../options.ts';
import type { Closers } from './closers.ts';

/** Spans begin and end at whole minutes. */
const LOOK_EVERY_MS = 10_000;

/** The function that comes back applies changed options at once. */
export function keepBandwidth(
  options: EngineOptions,
  clock: Clock,
  caps: Caps | undefined,
  closers: Closers,
): () => void {
  if (caps === undefined) return () => {};
  let timer: Timer | undefined;
  const apply = () => {
    const { schedule = [], ...otherwise } = options.bandwidth;
    const now = limitsAt(clock.now(), schedule, otherwise);
    caps.up.set(now.upBytesPerSecond);
    caps.down.set(now.downBytesPerSecond);
    timer?.cancel();
    // Without spans nothing changes by itself.
    timer = schedule.length === 0 ? undefined : clock.after(LOOK_EVERY_MS, apply);
  };
  apply();
  closers.add(() => timer?.cancel());
  return apply;
}
