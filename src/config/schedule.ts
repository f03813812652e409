/** Entries of `bandwidth.schedule`, "08:00-18:00=1MiB/s:4MiB/s": from, to, limit for sending, limit for receiving; 0 = none. */
import type { ScheduledLimits } from '../engine/mesh/bandwidth-schedule.ts';
import type { Check } from './checks.ts';
import { parseRate } from './units.ts';

const ENTRY = /^(\d{2}):(\d{2})-(\d{2}):(\d{2})=([^:]+):([^:]+)$/;

export function parseSpan(entry: string): ScheduledLimits | undefined {
  const match = ENTRY.exec(entry);
  if (match === null) return undefined;
  const [fromHour, fromMin, toHour, toMin] = match.slice(1, 5).map(Number) as [
    number,
    number,
    number,
    number,
  ];
  const [up, down] = [parseRate(match[5]!), parseRate(match[6]!)];
  if (up === undefined || down === undefined) return undefined;
  if (Math.max(fromHour, toHour) > 23 || Math.max(fromMin, toMin) > 59) return undefined;
  return {
    fromMinute: fromHour * 60 + fromMin,
    toMinute: toHour * 60 + toMin,
    upBytesPerSecond: up || undefined,
    downBytesPerSecond: down || undefined,
  };
}

export const checkSpan: Check<string> = (entry) =>
  parseSpan(entry) === undefined
    ? `"${entry.slice(0, 80)}" is no span; it looks like 08:00-18:00=1MiB/s:4MiB/s (sending:receiving, 0 = no limit)`
    : undefined;
