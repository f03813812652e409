/** What is wrong with a configuration as read from a file: unknown keys, wrong values, values that contradict each other. */
import { DatameshError } from '../errors.ts';
import { CONFIG_FIELDS, CONFIG_KEYS, CONFIG_VERSION, MAX_SHARDS, valueAt } from './fields.ts';
import type { Config } from './schema.ts';
import { didYouMean } from './suggest.ts';
import { fieldProblem } from './values.ts';

export interface ConfigProblem {
  /** The field, or '' for the file as a whole. */
  key: string;
  /** What is wrong, without the key. */
  problem: string;
}

/** Problems of a file that may leave fields out. `version` must be there: it says how to read the rest. */
export function fileProblems(file: Record<string, unknown>): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  if (file.version !== CONFIG_VERSION) {
    problems.push({
      key: 'version',
      problem: `must be ${CONFIG_VERSION}, not ${JSON.stringify(file.version)}`,
    });
  }
  for (const key of leafKeys(file)) {
    if (key === 'version' || CONFIG_KEYS.includes(key)) continue;
    const near = didYouMean(key, CONFIG_KEYS);
    problems.push({ key, problem: `is not a known key${near === '' ? '' : ` (${near})`}` });
  }
  for (const field of CONFIG_FIELDS) {
    const value = valueAt(file, field.key);
    const problem = value === undefined ? undefined : fieldProblem(field, value);
    if (problem !== undefined) problems.push({ key: field.key, problem });
  }
  return problems;
}

/** Before anything else of the file is looked at: a newer version's keys would all seem to be mistakes. */
export function needKnownVersion(file: Record<string, unknown>, path: string): void {
  if (typeof file.version !== 'number' || file.version <= CONFIG_VERSION) return;
  throw new DatameshError('format-too-new', {
    what: `the configuration ${path} was written by a newer datamesh (version ${file.version})`,
    mend: 'use that version, or a newer one',
    details: { path },
  });
}

/** Contradictions between the fields of a whole configuration whose single fields are right. */
export function crossProblems(config: Config): ConfigProblem[] {
  const { k, m } = config.redundancy;
  if (k + m <= MAX_SHARDS) return [];
  return [{ key: 'redundancy.m', problem: `k + m is ${k + m}, at most ${MAX_SHARDS} shards are possible` }];
}

export function needValid(problems: ConfigProblem[], path: string): void {
  if (problems.length === 0) return;
  const lines = problems.map(({ key, problem }) => `${key} ${problem}`);
  throw new DatameshError('config-invalid', {
    what: `the configuration ${path} is invalid: ${lines.join('; ')}`,
    mend: 'correct it with: datamesh config set KEY VALUE, datamesh config unset KEY, or datamesh config edit',
    details: { path, problems },
  });
}

/** Dotted paths of everything in the file; empty groups are nothing. */
function leafKeys(node: Record<string, unknown>, prefix = ''): string[] {
  return Object.entries(node).flatMap(([name, value]) => {
    const key = prefix + name;
    // Two levels are all there is: what lies deeper belongs to an unknown key and is named by it.
    const isGroup = prefix === '' && typeof value === 'object' && value !== null && !Array.isArray(value);
    return isGroup ? leafKeys(value as Record<string, unknown>, `${key}.`) : [key];
  });
}
