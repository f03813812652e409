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

/** Most causes shown: a chain that runs in a circle must end. */
const MAX_CAUSES = 8;

/** What lies under an error, for --verbose: a line per cause; with `stacks`, for --log-level debug, where they arose. */
export function causeLines(error: Error, stacks: boolean): string[] {
  const lines: string[] = [];
  let at: unknown = stacks ? error : error.cause;
  for (let depth = 0; at instanceof Error && depth < MAX_CAUSES; depth++) {
    const text = stacks ? (at.stack ?? at.message) : `${at.name}: ${at.message}`;
    lines.push(
      ...text.split('\n').map((line, i) => `  ${i === 0 && depth > 0 ? 'caused by ' : ''}${safeText(line)}`),
    );
    at = at.cause;
  }
  return lines;
}
