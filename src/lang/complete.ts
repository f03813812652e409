/**
 * Completion from the declarations: commands, options, enum values, and what the sources know (objects, peers, keys,
 * files). The console and the shells' completion share it. Prefix hits come before fuzzy ones.
 */
import type { ArgSpec, Command, OptionSpec, ValueType } from '../commands/command.ts';
import type { Registry } from '../commands/registry.ts';
import { quoteWord } from './argv.ts';
import { FILTER_NAMES } from './filters.ts';
import { fuzzyScore } from './fuzzy.ts';
import { GLOBAL_OPTIONS } from './global-options.ts';
import { sourceText } from './position.ts';
import { type Token, tokenize } from './tokenizer.ts';

export interface CompletionItem {
  /** The whole word, unquoted. */
  value: string;
  /** What to put in place of the typed word: quoted where it must be, and a space after it when the word is whole. */
  insert: string;
  summary: string;
  kind: 'command' | 'option' | 'value' | 'object' | 'peer' | 'path' | 'variable';
}

export interface Completion {
  /** UTF-16 offsets of the word that is completed. */
  start: number;
  end: number;
  items: CompletionItem[];
}

export interface Suggestion {
  value: string;
  summary?: string;
  /** More of the word is to come, such as after a folder's slash. */
  partial?: boolean;
}

/** Each may be slow or fail; a failure completes nothing. `prefix` may be used to ask for less. */
export interface CompletionSources {
  objects?(prefix: string, signal: AbortSignal): Promise<Suggestion[]>;
  peers?(prefix: string, signal: AbortSignal): Promise<Suggestion[]>;
  /** `zone:` and `rack:` labels. */
  places?(prefix: string, signal: AbortSignal): Promise<Suggestion[]>;
  keyNames?(prefix: string, signal: AbortSignal): Promise<Suggestion[]>;
  configKeys?(prefix: string, signal: AbortSignal): Promise<Suggestion[]>;
  paths?(prefix: string, signal: AbortSignal): Promise<Suggestion[]>;
  variables?(): string[];
}

export interface CompleteOptions {
  registry: Registry;
  sources: CompletionSources;
  signal?: AbortSignal;
  /** Most items returned. */
  limit?: number;
}

const DEFAULT_LIMIT = 100;

/** Completes the word under `cursor` in a line of the command language. */
export async function complete(line: string, cursor: number, options: CompleteOptions): Promise<Completion> {
  const source = sourceText(line.slice(0, cursor));
  const { tokens } = tokenize(source);
  const last = tokens.at(-1);
  const typing = last?.kind === 'word' && last.span.end >= cursor ? last : undefined;
  const start = typing?.span.start ?? cursor;
  const before = typing ? tokens.slice(0, -1) : tokens;
  const raw = source.text.slice(start);

  const variable = /\$\{?([A-Za-z_][A-Za-z0-9_]*)?$/.exec(raw);
  if (variable && !raw.startsWith("'")) return completeVariable(variable, start, cursor, options);

  const { words, filter } = currentCommand(before);
  const partial = typing ? textOf(typing) : '';
  const items = filter
    ? words.length === 0
      ? rank(
          partial,
          FILTER_NAMES.map((value) => ({ value, summary: 'filter' })),
          'command',
        )
      : []
    : await completeWord(words, partial, options);
  return { start, end: cursor, items: items.slice(0, options.limit ?? DEFAULT_LIMIT) };
}

/** Completes the last of `words` of a shell's command line (without the program's name). Values come unquoted. */
export async function completeWords(
  words: readonly string[],
  options: CompleteOptions,
): Promise<CompletionItem[]> {
  const items = await completeWord(words.slice(0, -1), words.at(-1) ?? '', options);
  return items.slice(0, options.limit ?? DEFAULT_LIMIT);
}

function completeVariable(
  match: RegExpExecArray,
  start: number,
  cursor: number,
  { sources }: CompleteOptions,
): Completion {
  const braced = match[0].startsWith('${');
  const items = rank(
    match[1] ?? '',
    (sources.variables?.() ?? []).map((value) => ({ value })),
    'variable',
  ).map((item) => ({
    ...item,
    insert: braced ? `\${${item.value}}` : `$${item.value}`,
  }));
  return { start: start + match.index, end: cursor, items };
}

/** The words since the last operator; `filter` when it was a pipe. */
function currentCommand(tokens: readonly Token[]): { words: string[]; filter: boolean } {
  let from = tokens.length;
  while (from > 0 && tokens[from - 1]?.kind === 'word') from--;
  const operator = tokens[from - 1];
  const words = tokens.slice(from).map((token) => (token.kind === 'word' ? textOf(token) : ''));
  return { words, filter: operator?.kind === 'operator' && operator.operator === '|' };
}

function textOf(token: Extract<Token, { kind: 'word' }>): string {
  return token.parts
    .map((part) => (part.kind === 'text' ? part.text : part.name === 'env:HOME' ? '~' : ''))
    .join('');
}

async function completeWord(
  words: readonly string[],
  partial: string,
  options: CompleteOptions,
): Promise<CompletionItem[]> {
  const { registry } = options;
  const lookup = registry.find(words);
  const command = lookup?.command;
  if (command?.takesLine === true && lookup !== undefined) {
    // What is behind it is a line of its own; a watch may begin with a time.
    const inner = words.slice(lookup.length);
    return completeWord(/^\d/.test(inner[0] ?? '') ? inner.slice(1) : inner, partial, options);
  }
  const items: CompletionItem[] = [];

  const waiting = openOption(words, command);
  if (waiting?.type) return ofType(waiting.type, partial, options);
  const optionsEnded = command !== undefined && words.slice(lookup?.length).includes('--');
  if (partial.startsWith('-') && !optionsEnded) {
    const inline = /^--([a-z-]+)=(.*)$/s.exec(partial);
    if (!inline) return completeOptionNames(words, partial, command);
    const option = [...(command?.options ?? []), ...GLOBAL_OPTIONS].find((each) => each.name === inline[1]);
    if (!option?.type) return [];
    const values = await ofType(option.type, inline[2] ?? '', options);
    return values.map((item) => ({
      ...item,
      value: `--${inline[1]}=${item.value}`,
      insert: `--${inline[1]}=${item.insert}`,
    }));
  }
  const plain = words.filter((word) => !word.startsWith('-'));
  if (command === undefined || plain.length === lookup?.length) {
    const next = registry.next(command ? command.path : plain);
    items.push(
      ...rank(
        partial,
        next.map(({ word, command: found, synonym }) => ({
          value: word,
          summary: found ? `${found.summary}${synonym ? ` (${found.path.join(' ')})` : ''}` : '',
        })),
        'command',
      ),
    );
  }
  if (command && lookup) {
    const argument = argumentAt(command, positionals(words.slice(lookup.length), command));
    if (argument) items.push(...(await ofType(argument.type, partial, options)));
  }
  return items;
}

/** The option whose value comes next: the last word when it is an option that takes one. */
function openOption(words: readonly string[], command: Command | undefined): OptionSpec | undefined {
  const last = words.at(-1);
  if (last === undefined || !last.startsWith('-') || last.includes('=') || last === '--') return undefined;
  const options: readonly OptionSpec[] = [...(command?.options ?? []), ...GLOBAL_OPTIONS];
  const found = last.startsWith('--')
    ? options.find((option) => option.name === last.slice(2))
    : options.find((option) => option.short === last.at(-1));
  return found?.type ? found : undefined;
}

function completeOptionNames(
  words: readonly string[],
  partial: string,
  command: Command | undefined,
): CompletionItem[] {
  const used = new Set(
    words.filter((word) => word.startsWith('--')).map((word) => word.slice(2).split('=')[0]),
  );
  const own = (command?.options ?? []).filter((option) => option.repeatable || !used.has(option.name));
  const names = new Set(own.map((option) => option.name));
  const shared = GLOBAL_OPTIONS.filter((option) => !used.has(option.name) && !names.has(option.name));
  const toSuggestion = (option: OptionSpec) => ({ value: `--${option.name}`, summary: option.summary });
  // The command's own options come first: those of all commands are long known.
  return [
    ...rank(partial, own.map(toSuggestion), 'option'),
    ...rank(partial, shared.map(toSuggestion), 'option'),
  ];
}

/** Arguments given so far, options and their values left out. */
function positionals(words: readonly string[], command: Command): number {
  let count = 0;
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string;
    if (word.length > 1 && word.startsWith('-')) {
      if (openOption([word], command)) i++;
    } else count++;
  }
  return count;
}

function argumentAt(command: Command, index: number): ArgSpec | undefined {
  const last = command.args.at(-1);
  return command.args[index] ?? (last?.variadic ? last : undefined);
}

async function ofType(
  type: ValueType,
  partial: string,
  { registry, sources, signal }: CompleteOptions,
): Promise<CompletionItem[]> {
  const ask = async (source: CompletionSources['objects']): Promise<Suggestion[]> => {
    try {
      return (await source?.(partial, signal ?? new AbortController().signal)) ?? [];
    } catch {
      // Completion never gets in the way of typing.
      return [];
    }
  };
  switch (type.kind) {
    case 'enum':
      return rank(
        partial,
        type.values.map((value) => ({ value })),
        'value',
      );
    case 'object':
      return rank(partial, await ask(sources.objects), 'object');
    case 'peer':
      return rank(partial, await ask(sources.peers), 'peer');
    case 'place':
      return rank(partial, [...(await ask(sources.peers)), ...(await ask(sources.places))], 'peer');
    case 'key-name':
      return rank(partial, await ask(sources.keyNames), 'value');
    case 'config-key':
      return rank(partial, await ask(sources.configKeys), 'value');
    case 'path':
      return rank(partial, await ask(sources.paths), 'path');
    case 'command':
      return rank(
        partial,
        registry.next([]).map(({ word, command }) => ({ value: word, summary: command?.summary ?? '' })),
        'command',
      );
    case 'code':
      return rank(
        partial,
        ['2+1', '4+2', '10+6', '1+2'].map((value) => ({ value })),
        'value',
      );
    default:
      return [];
  }
}

function rank(
  partial: string,
  candidates: readonly Suggestion[],
  kind: CompletionItem['kind'],
): CompletionItem[] {
  const scored = candidates.flatMap((candidate) => {
    const score = fuzzyScore(partial, candidate.value);
    return score === undefined ? [] : [{ candidate, score }];
  });
  scored.sort((a, b) => a.score - b.score || (a.candidate.value < b.candidate.value ? -1 : 1));
  return scored.map(({ candidate: { value, summary, partial: more } }) => ({
    value,
    insert: inserted(value, kind, more === true),
    summary: summary ?? '',
    kind,
  }));
}

/** The word as it is typed. What goes on after a folder's slash keeps its quote open. */
function inserted(value: string, kind: CompletionItem['kind'], more: boolean): string {
  // A quoted tilde would not stand for the home folder.
  const home = kind === 'path' && value.startsWith('~/') ? '~/' : '';
  const quoted = home !== '' && value === home ? home : home + quoteWord(value.slice(home.length));
  return more ? quoted.replace(/['"]$/, '') : `${quoted} `;
}
