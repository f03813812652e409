/**
 * Mouse reports in SGR form (xterm, "Mouse Tracking": CSI < button ; column ; row M, and m when the button is let go), taken out of what the
 * terminal sends before Ink reads it: Ink drops sequences that are no keys.
 */
import type { ReadStream } from 'node:tty';

export interface MouseReport {
  kind: 'wheel-up' | 'wheel-down' | 'press' | 'other';
  /** Both from 1. */
  column: number;
  row: number;
}

const REPORT = /\u001b\[<(\d{1,3});(\d{1,5});(\d{1,5})([Mm])/g;
/** The begin of one, or of some other sequence, at the end of a chunk. ESC alone is a key and is not waited with. */
const BEGUN = /\u001b\[(?:<[\d;]{0,15})?$/;
/** Shift, Alt and Ctrl are bits of the button. */
const MODIFIERS = 4 | 8 | 16;

/** The chunk in its order; what has only begun at its end is `rest`, to stand before the next one. */
export function splitReports(chunk: string): { parts: (string | MouseReport)[]; rest: string } {
  const rest = BEGUN.exec(chunk)?.[0] ?? '';
  const whole = chunk.slice(0, chunk.length - rest.length);
  const parts: (string | MouseReport)[] = [];
  let from = 0;
  for (const found of whole.matchAll(REPORT)) {
    if (found.index > from) parts.push(whole.slice(from, found.index));
    const [text, button, column, row, end] = found;
    const kind = end === 'm' ? 'other' : kindOf(Number(button) & ~MODIFIERS);
    parts.push({ kind, column: Number(column), row: Number(row) });
    from = found.index + text.length;
  }
  if (from < whole.length) parts.push(whole.slice(from));
  return { parts, rest };
}

function kindOf(button: number): MouseReport['kind'] {
  if (button === 64) return 'wheel-up';
  if (button === 65) return 'wheel-down';
  return button === 0 ? 'press' : 'other';
}

export interface MouseTap {
  /** While it gives false, everything is passed on as it came. */
  wanted(): boolean;
  report(report: MouseReport): void;
}

/** The same stream, whose `read` gives what was typed; reports go to the tap, between the keys where they came. */
export function tapMouse(stdin: ReadStream, tap: MouseTap): ReadStream {
  let queue: (string | MouseReport)[] = [];
  let begun = '';
  const read = (size?: number): unknown => {
    for (;;) {
      const next = queue.shift();
      if (typeof next === 'string') return next;
      if (next !== undefined) {
        tap.report(next);
        continue;
      }
      const chunk: unknown = stdin.read(size);
      if (typeof chunk !== 'string' || (begun === '' && !tap.wanted())) return chunk;
      const { parts, rest } = splitReports(begun + chunk);
      queue = parts;
      begun = rest;
    }
  };
  return new Proxy(stdin, {
    get(target, name) {
      if (name === 'read') return read;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
