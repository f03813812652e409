/** What makes a step of a script the same step when the script is read again. */
import { createHash } from 'node:crypto';
import type { ParsedCommand } from '../lang/types.ts';

/** One key a command: of its place and of what it resolves to, variables put in. Two equal lines have two keys. */
export function stepKeys(commands: readonly ParsedCommand[]): string[] {
  return commands.map(({ command, values, options, filters, when, redirect }, at) => {
    // How it is shown is no part of what it does.
    const { dryRun, configFile, dataDir } = options;
    const meaning = {
      at,
      path: command.path,
      values,
      options: { dryRun, configFile: configFile ?? null, dataDir: dataDir ?? null },
      filters: filters.map((filter) => ({
        ...filter,
        ...('pattern' in filter ? { pattern: String(filter.pattern) } : {}),
      })),
      when,
      redirect: redirect ?? null,
    };
    return createHash('sha256').update(JSON.stringify(meaning)).digest('hex').slice(0, 32);
  });
}
