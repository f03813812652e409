/** Which console a terminal gets: the full screen, or the line REPL with the reason why. Pure. */
import { MIN_COLUMNS, MIN_ROWS } from './layout.ts';

export type Surface =
  | { kind: 'screen' }
  /** `reason` is told to the person when it is not their own wish. */
  | { kind: 'line'; reason: string | undefined }
  | { kind: 'none'; what: string };

export interface SurfaceFacts {
  stdinIsTty: boolean;
  stdoutIsTty: boolean;
  columns: number;
  rows: number;
  env: Readonly<Record<string, string | undefined>>;
  plain: boolean;
}

/** For screen readers: they read what is added, and lose the place where something is drawn over. */
export function wantsAppendOnly(env: SurfaceFacts['env']): boolean {
  return env.ACCESSIBLE !== undefined && env.ACCESSIBLE !== '' && env.ACCESSIBLE !== '0';
}

export function chooseSurface(facts: SurfaceFacts): Surface {
  const { env, columns, rows } = facts;
  if (facts.plain || wantsAppendOnly(env)) return { kind: 'line', reason: undefined };
  if (!facts.stdinIsTty) return { kind: 'none', what: 'standard input is not a terminal' };
  if (!facts.stdoutIsTty) return { kind: 'none', what: 'standard output is not a terminal' };
  if (env.TERM === 'dumb') return { kind: 'line', reason: 'TERM is dumb' };
  if (columns < MIN_COLUMNS || rows < MIN_ROWS) {
    return {
      kind: 'line',
      reason: `this terminal is ${columns}x${rows}, the panels need ${MIN_COLUMNS}x${MIN_ROWS}`,
    };
  }
  return { kind: 'screen' };
}
