import type { OutputRecord } from '../command.ts';

/** One line of JSON. Bytes become hex and big numbers text, so it never throws; nothing in it acts on a terminal. */
export function safeJson(value: unknown): string {
  const text = JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === 'bigint') return part.toString();
    if (part instanceof Uint8Array) return Buffer.from(part).toString('hex');
    return part;
  });
  // JSON escapes C0 controls itself; DEL, C1 and the line separators are legal in it.
  return text.replace(
    /[\x7f-\x9f\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** One record as one line, with only `fields` when given. */
export function jsonLine(record: OutputRecord, fields?: readonly string[]): string {
  if (fields === undefined) return safeJson(record);
  return safeJson(Object.fromEntries(fields.map((field) => [field, record[field] ?? null])));
}
