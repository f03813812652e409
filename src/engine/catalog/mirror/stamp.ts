/**
 * Hybrid logical clocks (Kulkarni, Demirbas et al., "Logical Physical Clocks", 2014): a stamp is near the wall clock, never goes back on a device, and is greater than
 * every stamp that device has seen. So of two changes by two devices the later one in cause, and nearly always in time, has the greater stamp.
 */

/** 12 hex digits of milliseconds since 1970 and 4 of a counter: sorts as text. */
export type Stamp = string;

export const NO_STAMP: Stamp = '0'.repeat(16);
const STAMP = /^[0-9a-f]{16}$/;
const COUNTS = 0x10000;
const MAX_MS = 2 ** 48 - 1;

export function isStamp(text: unknown): text is Stamp {
  return typeof text === 'string' && STAMP.test(text);
}

/** The stamp of a change made now by a device whose last (made or seen) was `last`. */
export function nextStamp(last: Stamp, nowMs: number): Stamp {
  const now = Math.min(Math.max(0, Math.trunc(nowMs)), MAX_MS);
  const lastMs = Number.parseInt(last.slice(0, 12), 16);
  const count = Number.parseInt(last.slice(12), 16);
  if (now > lastMs) return write(now, 0);
  return count + 1 < COUNTS ? write(lastMs, count + 1) : write(lastMs + 1, 0);
}

function write(ms: number, count: number): Stamp {
  return ms.toString(16).padStart(12, '0') + count.toString(16).padStart(4, '0');
}
