/** A failure as people and programs read it: one line. */
import type { DatameshError } from '../../errors.ts';
import { safeJson } from './json.ts';
import { safeText } from './safe-text.ts';

/** `error[DM-8001]: no object is called 'x' (why); what to do`, without line breaks whatever the texts hold. */
export function errorLine(error: DatameshError, color = false): string {
  const head = `error[${error.id}]:`;
  const why = error.why === undefined ? '' : ` (${safeText(error.why)})`;
  const mend = error.mend === undefined ? '' : `; ${safeText(error.mend)}`;
  return `${color ? `\x1b[31m${head}\x1b[39m` : head} ${safeText(error.message)}${why}${mend}`;
}

export function errorJson(error: DatameshError): string {
  return safeJson({ type: 'error', ...error.toRecord() });
}
