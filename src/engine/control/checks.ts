/** Checks of what comes in over the control API: a value of the right shape, or `bad-value` naming the field. */
import { DatameshError } from '../../errors.ts';
import type { CodeProfile } from '../types.ts';

export type Check<T> = (value: unknown, field: string) => T;

/** An object with these fields and no others; absent optional fields stay absent. */
export function fields<T extends object>(
  value: unknown,
  checks: { [K in keyof Required<T>]: Check<T[K]> },
): T {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid('request', 'an object');
  const given = value as Record<string, unknown>;
  const unknown = Object.keys(given).find((key) => !Object.hasOwn(checks, key));
  if (unknown !== undefined) throw invalid(unknown, 'no field of this request');
  const read: Record<string, unknown> = {};
  for (const [key, check] of Object.entries<Check<unknown>>(checks)) {
    const it = check(given[key], key);
    if (it !== undefined) read[key] = it;
  }
  return read as T;
}

export function optional<T>(check: Check<T>): Check<T | undefined> {
  return (value, field) => (value === undefined ? undefined : check(value, field));
}

export function text(maxCharacters: number): Check<string> {
  return (value, field) => {
    if (typeof value !== 'string' || value.length > maxCharacters) {
      throw invalid(field, `text of at most ${maxCharacters} characters`);
    }
    return value;
  };
}

export function whole(min: number, max = Number.MAX_SAFE_INTEGER): Check<number> {
  return (value, field) => {
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
      throw invalid(field, `a whole number from ${min} to ${max}`);
    }
    return value;
  };
}

export const share: Check<number> = (value, field) => {
  if (typeof value !== 'number' || !(value >= 0 && value <= 1)) throw invalid(field, 'a number from 0 to 1');
  return value;
};

export const flag: Check<boolean> = (value, field) => {
  if (typeof value !== 'boolean') throw invalid(field, 'true or false');
  return value;
};

export function oneOf<const T extends string>(...values: T[]): Check<T> {
  return (value, field) => {
    const hit = values.find((it) => it === value);
    if (hit === undefined) throw invalid(field, `one of ${values.join(', ')}`);
    return hit;
  };
}

export function list<T>(check: Check<T>, maxItems: number): Check<T[]> {
  return (value, field) => {
    if (!Array.isArray(value) || value.length > maxItems)
      throw invalid(field, `a list of at most ${maxItems}`);
    return value.map((it) => check(it, field));
  };
}

function invalid(field: string, wanted: string): DatameshError {
  return new DatameshError('bad-value', { what: `"${field}" must be ${wanted}`, details: { field } });
}

export const code: Check<CodeProfile> = (value) =>
  fields<CodeProfile>(value, { k: whole(1, 255), m: whole(0, 254) });
