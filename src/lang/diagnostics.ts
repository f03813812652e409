/** Diagnostics as text: `<stdin>:12:14: error[DM-2003]: …`, the line, and a caret under the place. */
import { DatameshError } from '../errors.ts';
import type { Diagnostic } from './types.ts';

export function errorId(diagnostic: Diagnostic): string {
  return new DatameshError(diagnostic.code, { what: diagnostic.message }).id;
}

export function didYouMean(diagnostic: Diagnostic): string {
  return diagnostic.suggestions.length === 0 ? '' : ` (did you mean ${diagnostic.suggestions.join(', ')}?)`;
}

/** The DatameshError of one diagnostic, for a one-shot command and for JSON. */
export function diagnosticError(diagnostic: Diagnostic): DatameshError {
  const { line, column } = diagnostic.span;
  const offered = diagnostic.suggestions;
  return new DatameshError(diagnostic.code, {
    what: diagnostic.message,
    mend: offered.length > 0 ? `did you mean ${offered.join(', ')}?` : diagnostic.mend,
    details: { line, column, ...(offered.length > 0 ? { suggestions: offered } : {}) },
  });
}

/** Lines longer than this are shown around the place only. */
const MAX_SHOWN = 100;

/** Three lines: the message, the line of the text, the caret. Control characters are shown as spaces. `columns`: how many of a terminal a text takes. */
export function formatDiagnostic(
  diagnostic: Diagnostic,
  text: string,
  file: string,
  columns: (text: string) => number,
): string {
  const { line, column, start, end } = diagnostic.span;
  const head = `${file}:${line}:${column}: error[${errorId(diagnostic)}]: ${diagnostic.message}${didYouMean(diagnostic)}`;
  const tail =
    diagnostic.suggestions.length === 0 && diagnostic.mend !== undefined ? `; ${diagnostic.mend}` : '';
  const from = column - 1 > MAX_SHOWN - 20 ? column - 1 - (MAX_SHOWN - 40) : 0;
  // Nothing else of the text is looked at: there may be a mistake on every line.
  const at = start - (column - 1) + from;
  const shown = text.slice(at, at + MAX_SHOWN).replace(/[\r\n][\s\S]*/, '');
  const clean = (part: string) =>
    part.replace(/[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, ' ');
  const before = clean(shown.slice(0, column - 1 - from));
  const marked = clean(shown.slice(column - 1 - from, column - 1 - from + (end - start)));
  const caret = ' '.repeat(columns(before)) + '^'.repeat(Math.max(1, columns(marked)));
  return `${clean(head + tail)}\n  ${clean(shown)}\n  ${caret}`;
}
