import { DatameshError } from '../../errors.ts';
import { suggest } from '../../lang/suggest.ts';
import type { Command, Context } from '../command.ts';
import { commandHelp, overview } from '../format/help.ts';
import type { Registry } from '../registry.ts';
import { TOPICS } from './help-topics.ts';

export const helpCommand: Command = {
  path: ['help'],
  group: 'start',
  summary: 'Show the commands, or help for one of them or for a topic',
  args: [
    {
      name: 'words',
      type: { kind: 'command' },
      summary: "A command, a topic, or 'topics'",
      required: false,
      variadic: true,
    },
  ],
  options: [],
  examples: [
    { line: 'datamesh help', note: 'all commands by group' },
    { line: 'datamesh help put', note: 'one command, as with put --help' },
    { line: 'datamesh help exit-codes', note: "a topic; 'help topics' lists them" },
  ],
  effects: 'reads',
  needs: 'nothing',
  async run(context, values) {
    const { allCommands, createRegistry } = await import('../registry.ts');
    const registry = createRegistry(allCommands());
    const words = values.words as string[] | undefined;
    showHelp(context, registry, words ?? []);
  },
};

/** Writes the help that `words` ask for. Throws `unknown-command` with suggestions. */
export function showHelp({ out, options, env }: Context, registry: Registry, words: readonly string[]): void {
  const width = terminalWidth(env);
  const print = (lines: readonly string[]) => lines.forEach((line) => out.note(line));
  if (words.length === 0) {
    if (options.json)
      return registry.commands
        .filter((command) => !command.hidden)
        .forEach((command) => out.record(declaration(command)));
    return print(overview(registry, width));
  }
  const name = words.join(' ');
  const lookup = registry.find(words);
  if (lookup?.length === words.length) {
    return options.json ? out.record(declaration(lookup.command)) : print(commandHelp(lookup.command, width));
  }
  if (name === 'topics') {
    if (options.json)
      return TOPICS.forEach((topic) => out.record({ name: topic.name, summary: topic.summary }));
    return print(TOPICS.map((topic) => `  ${topic.name.padEnd(14)}  ${topic.summary}`));
  }
  const topic = TOPICS.find((candidate) => candidate.name === name);
  if (topic)
    return options.json ? out.record({ name, text: topic.lines().join('\n') }) : print(topic.lines());
  const below = registry.next(words);
  if (below.length > 0) {
    const commands = registry.commands.filter(
      (command) => !command.hidden && words.every((word, i) => command.path[i] === word),
    );
    if (options.json) return commands.forEach((command) => out.record(declaration(command)));
    return print(commands.map((command) => `  ${command.path.join(' ').padEnd(18)}  ${command.summary}`));
  }
  const known = [
    ...registry
      .names()
      .filter((entry) => !entry.command.hidden)
      .map((entry) => entry.name),
    ...TOPICS.map((entry) => entry.name),
  ];
  const found = suggest(name, known);
  throw new DatameshError('unknown-command', {
    what: `there is no command or topic '${name}'`,
    mend:
      found.length > 0
        ? `did you mean ${found.join(', ')}?`
        : "see 'datamesh help' and 'datamesh help topics'",
    details: { suggestions: found },
  });
}

function terminalWidth(env: Context['env']): number {
  return process.stdout.columns ?? (Number(env.COLUMNS) || 80);
}

/** What a program may want to know of a command. */
function declaration(command: Command) {
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
