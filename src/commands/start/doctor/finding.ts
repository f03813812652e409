/** What one check of `doctor` found. */
import type { Config } from '../../../config/schema.ts';
import type { Context } from '../../command.ts';

export interface Finding {
  check: string;
  state: 'ok' | 'warn' | 'fail';
  /** What was seen. */
  detail: string;
  /** What makes it right, with the command if there is one. */
  mend?: string;
}

export interface Patient {
  context: Context;
  /** Undefined when it is missing or invalid; the checks that need it then say so by being left out. */
  config: Config | undefined;
}

export type Check = (patient: Patient) => Promise<Finding | Finding[]>;
