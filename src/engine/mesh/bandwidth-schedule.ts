/** Limits of bandwidth by the hour of the day, on this machine's own clock and time zone. Pure but for the zone. */

export interface BandwidthLimits {
  /** Undefined: none. */
  upBytesPerSecond: number | undefined;
  downBytesPerSecond: number | undefined;
}

export interface ScheduledLimits extends BandwidthLimits {
  /** Minutes since midnight, 0–1439. A span whose end is not after its beginning goes over midnight; equal ones are the whole day. */
  fromMinute: number;
  toMinute: number;
}

/** What holds at `nowMs`: the first span that it lies in, else `otherwise`. */
export function limitsAt(
  nowMs: number,
  schedule: readonly ScheduledLimits[],
  otherwise: BandwidthLimits,
): BandwidthLimits {
  const at = new Date(nowMs);
  const minute = at.getHours() * 60 + at.getMinutes();
  return schedule.find((span) => covers(span, minute)) ?? otherwise;
}

function covers({ fromMinute, toMinute }: ScheduledLimits, minute: number): boolean {
  return fromMinute < toMinute
    ? minute >= fromMinute && minute < toMinute
    : minute >= fromMinute || minute < toMinute;
}
