/** Which of a window's rates were really measured: right after the start there are none, and a minute's mean takes a minute. */
import type { RateWindow } from '../../engine/engine.ts';

/** Samples of a second, and points of ten seconds, that an average takes. */
const MINUTE_SAMPLES = 60;
const FIVE_MINUTE_POINTS = 30;

export function measuredRates(
  rate: RateWindow,
): Record<'now' | 'avg1m' | 'avg5m' | 'peak', number | undefined> {
  const when = (holds: boolean, value: number) => (holds ? value : undefined);
  const begun = rate.history.length > 0;
  return {
    now: when(begun, rate.now),
    avg1m: when(rate.history.length >= MINUTE_SAMPLES, rate.avg1m),
    avg5m: when(rate.history10m.length >= FIVE_MINUTE_POINTS, rate.avg5m),
    peak: when(begun, rate.peak),
  };
}
