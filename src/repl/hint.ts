/** The hint line: the usage of the command being typed and its next argument, from the command's own declaration. */
import type { ArgSpec, Command, OptionSpec, ValueType } from '../commands/command.ts';

export interface Hint {
  /** "put <file> [name] --tag <text>" */
  usage: string;
  /** Span of `usage` that is to be typed next, for emphasis; undefined when nothing is missing. */
  next: { start: number; end: number } | undefined;
  /** What the next argument is, else what the command does. */
  note: string;
}

/** undefined when the line names no command yet. */
export function hintFor(text: string, commands: readonly Command[]): Hint | undefined {
  const words = wordsOf(text);
  const command = findCommand(words.list, commands);
  if (command === undefined) return undefined;
  const named = matchedLength(words.list, command);
  const rest = words.list.slice(named);
  const option = openOption(rest, command, words.open);
  const given = positionals(rest, command);
  // The word being typed still belongs to its argument.
  const at = words.open && given > 0 ? given - 1 : given;
  const target = option === undefined ? argumentAt(command, at) : undefined;
  return build(command, target, option);
}

function build(command: Command, target: ArgSpec | undefined, option: OptionSpec | undefined): Hint {
  let usage = command.path.join(' ');
  let next: Hint['next'];
  for (const arg of command.args) {
    const text = argText(arg);
    if (arg === target) next = { start: usage.length + 1, end: usage.length + 1 + text.length };
    usage += ` ${text}`;
  }
  const shown = option === undefined ? command.options.slice(0, 4) : [option];
  for (const each of shown) {
    const text = optionText(each);
    if (each === option) next = { start: usage.length + 1, end: usage.length + 1 + text.length };
    usage += ` ${text}`;
  }
  const subject = option ?? target;
  const kind = subject?.type === undefined ? '' : typeText(subject.type);
  const note = subject === undefined ? command.summary : subject.summary + (kind === '' ? '' : ` (${kind})`);
  return { usage, next, note };
}

function argText(arg: ArgSpec): string {
  const inner = arg.name + (arg.variadic ? '…' : '');
  return arg.required ? `<${inner}>` : `[${inner}]`;
}

function optionText(option: OptionSpec): string {
  return option.type === undefined ? `[--${option.name}]` : `[--${option.name} <${valueName(option.type)}>]`;
}

function valueName(type: ValueType): string {
  return type.kind === 'enum' ? type.values.join('|') : type.kind;
}

function typeText(type: ValueType): string {
  switch (type.kind) {
    case 'size':
      return 'e.g. 10GiB';
    case 'duration':
      return 'e.g. 30s';
    case 'enum':
      return type.values.join(' · ');
    case 'code':
      return 'e.g. 4+2';
    case 'integer':
      return 'a number';
    case 'place':
      return 'a peer, zone:NAME or rack:NAME';
    case 'multiaddr':
      return '/ip4/…/tcp/…/p2p/…';
    default:
      return '';
  }
}

/** Words of the last command on the line; quotes keep spaces together. `open`: the caret still stands in the last one. */
function wordsOf(text: string): { list: string[]; open: boolean } {
  const last = text.split(/;|&&|\|\||\n/).at(-1) ?? '';
  const list = last.match(/(?:[^\s"']|"[^"]*"?|'[^']*'?)+/g) ?? [];
  return { list, open: list.length > 0 && !/\s$/.test(last) };
}

function namesOf(command: Command): (readonly string[])[] {
  return [command.path, ...(command.synonyms ?? [])];
}

function matchedLength(words: readonly string[], command: Command): number {
  const lengths = namesOf(command)
    .filter((name) => name.every((word, at) => words[at] === word))
    .map((name) => name.length);
  return Math.max(0, ...lengths);
}

/** The command whose name is the longest beginning of `words`. */
export function findCommand(words: readonly string[], commands: readonly Command[]): Command | undefined {
  let best: Command | undefined;
  for (const command of commands) {
    const length = matchedLength(words, command);
    if (length > 0 && length > (best === undefined ? 0 : matchedLength(words, best))) best = command;
  }
  return best;
}

function positionals(words: readonly string[], command: Command): number {
  let count = 0;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (!word.startsWith('-') || word === '-') count++;
    else if (!word.includes('=') && optionOf(word, command)?.type !== undefined) at++;
  }
  return count;
}

function optionOf(word: string, command: Command): OptionSpec | undefined {
  const name = word.replace(/^-+/, '').split('=')[0];
  return command.options.find((option) => option.name === name || option.short === name);
}

/** The option whose value is being typed. */
function openOption(words: readonly string[], command: Command, open: boolean): OptionSpec | undefined {
  const candidate = open ? words.at(-2) : words.at(-1);
  const last = words.at(-1) ?? '';
  const inline = open && last.startsWith('--') && last.includes('=') ? last : undefined;
  const word = inline ?? candidate;
  if (word === undefined || !word.startsWith('-') || word === '-') return undefined;
  const option = optionOf(word, command);
  return option?.type === undefined ? undefined : option;
}

function argumentAt(command: Command, at: number): ArgSpec | undefined {
  const last = command.args.at(-1);
  return command.args[at] ?? (last?.variadic ? last : undefined);
}
