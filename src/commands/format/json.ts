import type { OutputRecord } from '../command.ts';

/** One record as one line of JSON, with only `fields` when given. Bytes become hex, big numbers text, so it never throws. */
export function jsonLine(record: OutputRecord, fields?: readonly string[]): string {
  const chosen =
    fields === undefined ? record : Object.fromEntries(fields.map((field) => [field, record[field] ?? null]));
  // C1 controls and separators are legal in JSON but act on a terminal; C0 ones JSON escapes itself.
  return JSON.stringify(chosen, (_, value: unknown) => {
    if (typeof value === 'bigint') return value.toString();
    if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
    return value;
  }).replace(/[\x7f-\x9f\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
