/** The options among a command's words: long and short, bundled, `--name=value`, repeated. */
import type { Command, OptionSpec } from '../commands/command.ts';
import { suggest } from '../config/suggest.ts';
import type { ErrorCode } from '../errors.ts';
import { GLOBAL_OPTIONS, type GlobalFlags, type GlobalOptionSpec } from './global-options.ts';
import type { Span } from './types.ts';
import { parseValue } from './values.ts';

export interface BindWord {
  text: string;
  span: Span;
}

export type Report = (
  code: ErrorCode,
  message: string,
  span: Span,
  mend?: string,
  suggestions?: string[],
) => void;

export interface BindState {
  readonly words: readonly BindWord[];
  /** The next word to read. */
  at: number;
  flags: GlobalFlags;
  values: Record<string, unknown>;
  given: Set<string>;
  report: Report;
}

type AnyOption = OptionSpec | GlobalOptionSpec;

/** A lone dash is stdin or stdout and a negative number is a value. */
export function isOption(word: BindWord | undefined): boolean {
  return word !== undefined && word.text.length > 1 && word.text.startsWith('-') && !/^-\d/.test(word.text);
}

/** Reads the option at `state.at` and its value. Before the command is known only the options of all commands count. */
export function readOption(state: BindState, command: Command | undefined): void {
  const word = state.words[state.at++] as BindWord;
  if (word.text.startsWith('--')) {
    const equals = word.text.indexOf('=');
    const name = word.text.slice(2, equals < 0 ? undefined : equals);
    const inline = equals < 0 ? undefined : word.text.slice(equals + 1);
    const option = findOption(command, (candidate) => candidate.name === name);
    if (option === undefined) reportUnknown(state, command, `--${name}`, word);
    else takeOption(state, option, `--${name}`, inline, word);
    return;
  }
  // Short ones may be bundled, the last with its value: -fq, -n7, -n 7.
  const letters = [...word.text.slice(1)];
  for (const [i, letter] of letters.entries()) {
    const option = findOption(command, (candidate) => candidate.short === letter);
    if (option === undefined) {
      reportUnknown(state, command, i === 0 ? word.text : `-${letter}`, word);
      return;
    }
    if (option.type !== undefined) {
      const attached = letters
        .slice(i + 1)
        .join('')
        .replace(/^=/, '');
      takeOption(state, option, `-${letter}`, attached === '' ? undefined : attached, word);
      return;
    }
    takeOption(state, option, `-${letter}`, undefined, word);
  }
}

function findOption(
  command: Command | undefined,
  test: (option: AnyOption) => boolean,
): AnyOption | undefined {
  return command?.options.find(test) ?? GLOBAL_OPTIONS.find(test);
}

function takeOption(
  state: BindState,
  option: AnyOption,
  shown: string,
  inline: string | undefined,
  word: BindWord,
): void {
  const read = readValue(state, option, shown, inline, word);
  if (read === undefined) return;
  const { value } = read;
  if ('apply' in option) {
    if (value !== false) state.flags = option.apply(state.flags, value);
  } else if (option.repeatable) {
    state.values[option.name] = [...((state.values[option.name] as unknown[] | undefined) ?? []), value];
  } else if (state.given.has(option.name)) {
    state.report('bad-value', `option '${shown}' is given twice`, word.span, 'give it once');
  } else {
    state.given.add(option.name);
    state.values[option.name] = value;
  }
}

/** The option's value; undefined when there is something wrong with it, which is then reported. */
function readValue(
  state: BindState,
  option: AnyOption,
  shown: string,
  inline: string | undefined,
  word: BindWord,
): { value: unknown } | undefined {
  if (option.type === undefined) {
    if (inline === undefined) return { value: true };
    if ('optionalValue' in option && option.optionalValue) return { value: inline };
    if (inline === 'true' || inline === 'false') return { value: inline === 'true' };
    state.report('bad-value', `option '${shown}' takes no value`, word.span, `write ${shown} alone`);
    return undefined;
  }
  let text = inline;
  let { span } = word;
  if (text === undefined) {
    const next = state.words[state.at];
    if (next === undefined || isOption(next)) {
      const { name } = option;
      state.report(
        'missing-argument',
        `option '${shown}' needs a value`,
        word.span,
        `see --${name} in the command's --help`,
      );
      return undefined;
    }
    text = next.text;
    span = next.span;
    state.at++;
  }
  const parsed = parseValue(text, option.type, `'${shown}'`);
  if (parsed.ok) return { value: parsed.value };
  state.report('bad-value', parsed.message, span, parsed.mend, parsed.suggestions);
  return undefined;
}

function reportUnknown(state: BindState, command: Command | undefined, shown: string, word: BindWord): void {
  const names = [...(command?.options ?? []), ...GLOBAL_OPTIONS].map((option) => option.name);
  const typed = shown.replace(/^-+/, '');
  const near = typed.length === 1 ? [] : suggest(typed, names).map((name) => `--${name}`);
  const where = command === undefined ? '' : ` for '${command.path.join(' ')}'`;
  const help = command === undefined ? "see 'datamesh help'" : `see '${command.path.join(' ')} --help'`;
  const mend = help + (command === undefined ? '' : asArgument(command, word.text));
  state.report('unknown-option', `unknown option '${shown}'${where}`, word.span, mend, near);
}

/** How to give what looks like an option as an object or a file of that name, to a command that takes such. Whether there is one is not looked at here. */
function asArgument({ args }: Command, text: string): string {
  const takes = (kind: string) => args.some(({ type }) => type.kind === kind);
  if (takes('object')) return '; a name that begins so comes after --';
  return takes('path') ? `; a file of that name is ./${text}, or comes after --` : '';
}
