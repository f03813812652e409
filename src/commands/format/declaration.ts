/** What a program may want to know of a command: `help COMMAND --json`, `COMMAND --help --json`. */
import type { Command, OutputRecord } from '../command.ts';

export function declaration(command: Command): OutputRecord {
  const { path, synonyms, group, summary, effects, needs, args, options, examples, exits, columns } = command;
  return {
    name: path.join(' '),
    synonyms: (synonyms ?? []).map((words) => words.join(' ')),
    group,
    summary,
    effects,
    needs,
    args,
    options,
    examples,
    exits: exits ?? [],
    fields: (columns ?? []).map((column) => column.key),
  };
}
