/** Durations, moments and code profiles as people write them; sizes are config/units.ts. `undefined` where the text is none. */
import type { CodeProfile } from '../engine/types.ts';

const DURATION_UNITS: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** "300ms", "5m", "1h30m", "0" → milliseconds. A number without a unit is refused: seconds or milliseconds? */
export function parseDuration(text: string): number | undefined {
  const trimmed = text.trim().toLowerCase();
  if (trimmed === '0') return 0;
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+$/.test(trimmed)) return undefined;
  let totalMs = 0;
  for (const [, amount, unit] of trimmed.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g)) {
    totalMs += Number(amount) * (DURATION_UNITS[unit as string] ?? Number.NaN);
  }
  const rounded = Math.round(totalMs);
  return Number.isSafeInteger(rounded) ? rounded : undefined;
}

const DAY_OR_MOMENT =
  /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/;

/** "2026-11-01", "2026-11-01T12:00Z" → milliseconds since 1970. A date alone is its midnight here. */
export function parseMoment(text: string): number | undefined {
  if (!DAY_OR_MOMENT.test(text)) return undefined;
  // Without a time it would be taken for midnight in Greenwich.
  const atMs = Date.parse(text.length === 10 ? `${text}T00:00:00` : text.replace(' ', 'T'));
  return Number.isFinite(atMs) ? atMs : undefined;
}

/** "4+2" → { k: 4, m: 2 }; k and m at least 1, together at most 255 (GF(2^8)). */
export function parseCode(text: string): CodeProfile | undefined {
  const match = /^(\d{1,3})\+(\d{1,3})$/.exec(text.trim());
  if (match === null) return undefined;
  const k = Number(match[1]);
  const m = Number(match[2]);
  return k >= 1 && m >= 1 && k + m <= 255 ? { k, m } : undefined;
}
