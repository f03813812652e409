/** Times as people give them: a date, a moment, how long ago, or for how long. */
import { DatameshError } from '../../errors.ts';
import { parseDuration, parseMoment } from '../../lang/units.ts';

/** Milliseconds since 1970; a date alone is its midnight here. Throws `bad-value`. */
export function sinceOf(text: string | undefined, nowMs = Date.now()): number | undefined {
  return timeOf(text, (agoMs) => Math.max(0, nowMs - agoMs), 'how long ago (7d, 12h)');
}

/** The same of a time to come: a duration counts from now on. Throws `bad-value`. */
export function untilOf(text: string | undefined, nowMs = Date.now()): number | undefined {
  return timeOf(text, (inMs) => nowMs + inMs, 'for how long (7d, 12h)');
}

function timeOf(
  text: string | undefined,
  fromNow: (durationMs: number) => number,
  durationText: string,
): number | undefined {
  if (text === undefined) return undefined;
  const durationMs = parseDuration(text);
  if (durationMs !== undefined) return fromNow(durationMs);
  const atMs = parseMoment(text);
  if (atMs !== undefined) return Math.max(0, atMs);
  throw new DatameshError('bad-value', {
    what: `'${text.slice(0, 60)}' is no time`,
    mend: `give a date (2026-11-01), a moment (2026-11-01T12:00Z) or ${durationText}`,
  });
}
