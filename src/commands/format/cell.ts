/** A record's value as text of one cell. */
import type { Column } from '../command.ts';
import { safeText } from './safe-text.ts';
import { formatBytes, formatDuration, formatPercent, formatRate, formatTime, shortId } from './units.ts';

/** Shown where a figure was not measured or does not apply. */
export const NO_VALUE = '–';

type Formatted = { format?: Column['format'] | undefined };

/** For people: figures with units, ids shortened unless `full`. */
export function cellText(value: unknown, column: Formatted, full = false): string {
  if (value === undefined || value === null || value === '') return NO_VALUE;
  switch (column.format) {
    case 'bytes':
      return typeof value === 'number' ? formatBytes(value) : plain(value);
    case 'rate':
      return typeof value === 'number' ? formatRate(value) : plain(value);
    case 'duration':
      return typeof value === 'number' ? formatDuration(value) : plain(value);
    case 'time':
      return typeof value === 'number' ? formatTime(value) : plain(value);
    case 'percent':
      return typeof value === 'number' ? formatPercent(value) : plain(value);
    case 'id':
      return full ? plain(value) : safeText(shortId(String(value)));
    case 'yesno':
      return value === true ? 'yes' : value === false ? 'no' : plain(value);
    default:
      return plain(value);
  }
}

/** For programs that read TAB-separated text: raw figures, whole ids, times in ISO 8601, nothing where there is none. */
export function rawText(value: unknown, column: Formatted): string {
  if (value === undefined || value === null) return '';
  if (column.format === 'time' && typeof value === 'number' && Number.isFinite(value)) {
    const date = new Date(value);
    return Number.isNaN(date.getTime()) ? '' : date.toISOString();
  }
  return Array.isArray(value) && value.length === 0 ? '' : plain(value);
}

function plain(value: unknown): string {
  if (Array.isArray(value)) {
    if (value.length === 0) return NO_VALUE;
    return value.every((item) => typeof item !== 'object')
      ? value.map((item) => safeText(String(item))).join(', ')
      : safeText(JSON.stringify(value));
  }
  if (isCode(value)) return `${value.k}+${value.m}`;
  return safeText(typeof value === 'object' ? JSON.stringify(value) : String(value));
}

function isCode(value: unknown): value is { k: number; m: number } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'k' in value &&
    'm' in value &&
    Object.keys(value).length === 2
  );
}
