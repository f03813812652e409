import { suggest } from '../../config/suggest.ts';
import { DatameshError } from '../../errors.ts';
import type { Command, Context, OutputRecord } from '../command.ts';
import { declaration } from '../format/declaration.ts';
import { commandHelp, overview } from '../format/help.ts';
import type { Registry } from '../registry.ts';
import { HELP_FIELDS } from './fields.ts';
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
  options: [
    {
      name: 'schema',
      summary: "JSON Schema of a command's records, of 'batch' lines, of an 'error' or of a 'plan'",
    },
  ],
  examples: [
    { line: 'datamesh help', note: 'all commands by group' },
    { line: 'datamesh help put', note: 'one command, as with put --help' },
    { line: 'datamesh help exit-codes', note: "a topic; 'help topics' lists them" },
  ],
  effects: 'reads',
  fields: HELP_FIELDS,
  needs: 'nothing',
  async run(context, values) {
    const registry = (await import('../all.ts')).wholeRegistry();
    const words = (values.words as string[] | undefined) ?? [];
    if (values.schema === true) await showSchema(context, registry, words);
    else showHelp(context, registry, words);
  },
};

async function showSchema({ out, options }: Context, registry: Registry, words: readonly string[]) {
  const { publishedSchemas } = await import('../format/schema.ts');
  const schemas = publishedSchemas(registry.commands);
  const found = registry.find(words);
  const command = found?.length === words.length ? found.command : undefined;
  const schema = schemas.get((command?.path ?? words).join('-'));
  if (schema === undefined) {
    const name = words.join(' ');
    throw new DatameshError(command === undefined ? 'unknown-command' : 'bad-value', {
      what: command === undefined ? `there is no schema '${name}'` : `'${name}' prints no records`,
      mend: `there are schemas of ${[...schemas.keys()].join(', ')}`,
    });
  }
  if (options.json) out.record({ ...schema });
  else await out.bytes(Buffer.from(`${JSON.stringify(schema, null, 2)}\n`));
}

/** Writes the help that `words` ask for. Throws `unknown-command` with suggestions. */
export function showHelp(context: Context, registry: Registry, words: readonly string[]): void {
  const { out, options, env } = context;
  const { lines, records } = helpOn(registry, words, terminalWidth(env));
  if (options.json) for (const record of records) out.record(record);
  else for (const line of lines) out.note(line);
}

interface HelpAnswer {
  lines: string[];
  records: OutputRecord[];
}

function helpOn(registry: Registry, words: readonly string[], width: number): HelpAnswer {
  const listed = registry.commands.filter((command) => !command.hidden);
  if (words.length === 0) return { lines: overview(registry, width), records: listed.map(declaration) };
  const name = words.join(' ');
  const topic = TOPICS.find((candidate) => candidate.name === name);
  const told = topic && { lines: topic.lines(), records: [{ name, text: topic.lines().join('\n') }] };
  const lookup = registry.find(words);
  if (lookup?.length === words.length) {
    // Some commands have a topic of their name: what they run is a language.
    return {
      lines: [...commandHelp(lookup.command, width), ...(told === undefined ? [] : ['', ...told.lines])],
      records: [declaration(lookup.command), ...(told?.records ?? [])],
    };
  }
  if (name === 'topics') {
    return {
      lines: TOPICS.map((topic) => `  ${topic.name.padEnd(14)}  ${topic.summary}`),
      records: TOPICS.map((topic) => ({ name: topic.name, summary: topic.summary })),
    };
  }
  if (told !== undefined) return told;
  const below = listed.filter((command) => words.every((word, i) => command.path[i] === word));
  if (below.length > 0) {
    const lines = below.map((command) => `  ${command.path.join(' ').padEnd(18)}  ${command.summary}`);
    return { lines, records: below.map(declaration) };
  }
  const synonyms = registry.names().filter((entry) => !entry.command.hidden);
  const near = suggest(name, [...synonyms.map((entry) => entry.name), ...TOPICS.map((entry) => entry.name)]);
  throw new DatameshError('unknown-command', {
    what: `there is no command or topic '${name}'`,
    mend:
      near.length > 0 ? `did you mean ${near.join(', ')}?` : "see 'datamesh help' and 'datamesh help topics'",
    details: { suggestions: near },
  });
}

function terminalWidth(env: Context['env']): number {
  return process.stdout.columns ?? (Number(env.COLUMNS) || 80);
}
