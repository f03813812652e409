/** Words to a command and its values. Every problem of a line is listed, not only the first. */
import type { ArgSpec, Command, OptionSpec } from '../commands/command.ts';
import type { Registry } from '../commands/registry.ts';
import type { ErrorCode } from '../errors.ts';
import { DEFAULT_FLAGS, GLOBAL_OPTIONS, type GlobalFlags, type GlobalOptionSpec } from './global-options.ts';
import { suggest } from './suggest.ts';
import type { Diagnostic, Span } from './types.ts';
import { parseValue } from './values.ts';

export interface BindWord {
  text: string;
  span: Span;
}

export interface Bound {
  command: Command;
  values: Record<string, unknown>;
  options: GlobalFlags;
}

export interface BindResult {
  bound: Bound | undefined;
  diagnostics: Diagnostic[];
}

/** `end` is the place just after the last word, where something missing is reported. */
export function bind(
  words: readonly BindWord[],
  registry: Registry,
  end: Span,
  base: GlobalFlags = DEFAULT_FLAGS,
): BindResult {
  const diagnostics: Diagnostic[] = [];
  const report = (
    code: ErrorCode,
    message: string,
    span: Span,
    mend?: string,
    suggestions: string[] = [],
  ) => {
    diagnostics.push({ code, message, suggestions, span, ...(mend === undefined ? {} : { mend }) });
  };
  const state: BindState = { words: [...words], at: 0, flags: base, values: {}, given: new Set(), report };

  while (state.at < state.words.length && isOption(state.words[state.at])) {
    if (state.words[state.at]?.text === '--') break;
    readOption(state, undefined);
  }
  const rest = state.words.slice(state.at);
  const lookup = registry.find(rest.map((word) => word.text));
  if (lookup === undefined) {
    const help = state.flags.help || rest.some((word) => word.text === '--help' || word.text === '-h');
    const helpCommand = help ? registry.find(['help']) : undefined;
    if (helpCommand && (rest.length === 0 || registry.next(pathWords(rest)).length > 0)) {
      const values = { words: pathWords(rest) };
      return {
        bound: { command: helpCommand.command, values, options: { ...state.flags, help: false } },
        diagnostics,
      };
    }
    reportUnknown(rest, registry, end, report);
    return { bound: undefined, diagnostics };
  }

  const { command, length } = lookup;
  state.at += length;
  const positional: BindWord[] = [];
  let optionsEnded = false;
  while (state.at < state.words.length) {
    const word = state.words[state.at] as BindWord;
    if (!optionsEnded && word.text === '--') {
      optionsEnded = true;
      state.at++;
    } else if (!optionsEnded && isOption(word)) {
      readOption(state, command);
    } else {
      positional.push(word);
      state.at++;
    }
  }
  if (state.flags.help) {
    return { bound: { command, values: {}, options: state.flags }, diagnostics: [] };
  }
  bindArguments(command, positional, registry, end, state);
  for (const option of command.options) {
    if (option.default === undefined || state.values[option.name] !== undefined) continue;
    const parsed = parseValue(option.default, option.type ?? { kind: 'string' }, `--${option.name}`);
    if (parsed.ok) state.values[option.name] = option.repeatable ? [parsed.value] : parsed.value;
  }
  if (diagnostics.length > 0) return { bound: undefined, diagnostics };
  return { bound: { command, values: state.values, options: state.flags }, diagnostics };
}

interface BindState {
  words: BindWord[];
  at: number;
  flags: GlobalFlags;
  values: Record<string, unknown>;
  given: Set<string>;
  report: (code: ErrorCode, message: string, span: Span, mend?: string, suggestions?: string[]) => void;
}

type AnyOption = OptionSpec | GlobalOptionSpec;

/** A lone dash is stdin or stdout and a negative number is a value. */
function isOption(word: BindWord | undefined): boolean {
  return word !== undefined && word.text.length > 1 && word.text.startsWith('-') && !/^-\d/.test(word.text);
}

function pathWords(words: readonly BindWord[]): string[] {
  return words.filter((word) => !isOption(word)).map((word) => word.text);
}

function findOption(
  command: Command | undefined,
  test: (option: AnyOption) => boolean,
): AnyOption | undefined {
  return command?.options.find(test) ?? GLOBAL_OPTIONS.find(test);
}

function readOption(state: BindState, command: Command | undefined): void {
  const word = state.words[state.at++] as BindWord;
  if (word.text.startsWith('--')) {
    const equals = word.text.indexOf('=');
    const name = word.text.slice(2, equals < 0 ? undefined : equals);
    const inline = equals < 0 ? undefined : word.text.slice(equals + 1);
    const option = findOption(command, (candidate) => candidate.name === name);
    if (option === undefined) return unknownOption(state, command, `--${name}`, word.span);
    return takeOption(state, option, `--${name}`, inline, word);
  }
  // Short ones may be bundled, the last with its value: -fq, -n7, -n 7.
  const letters = [...word.text.slice(1)];
  for (let i = 0; i < letters.length; i++) {
    const letter = letters[i] as string;
    const option = findOption(command, (candidate) => candidate.short === letter);
    if (option === undefined)
      return unknownOption(state, command, i === 0 ? word.text : `-${letter}`, word.span);
    if (option.type !== undefined) {
      const attached = letters
        .slice(i + 1)
        .join('')
        .replace(/^=/, '');
      return takeOption(state, option, `-${letter}`, attached === '' ? undefined : attached, word);
    }
    takeOption(state, option, `-${letter}`, undefined, word);
  }
}

function takeOption(
  state: BindState,
  option: AnyOption,
  shown: string,
  inline: string | undefined,
  word: BindWord,
): void {
  const optionalValue = 'optionalValue' in option && option.optionalValue === true;
  let value: unknown = true;
  if (option.type !== undefined) {
    let text = inline;
    let span = word.span;
    if (text === undefined) {
      const next = state.words[state.at];
      if (next === undefined || (isOption(next) && next.text !== '-')) {
        state.report(
          'missing-argument',
          `option '${shown}' needs a value`,
          word.span,
          `write ${shown} ${placeholder(option)}`,
        );
        return;
      }
      text = next.text;
      span = next.span;
      state.at++;
    }
    const parsed = parseValue(text, option.type, `'${shown}'`);
    if (!parsed.ok) return state.report('bad-value', parsed.message, span, parsed.mend, parsed.suggestions);
    value = parsed.value;
  } else if (inline !== undefined && optionalValue) {
    value = inline;
  } else if (inline !== undefined) {
    if (inline !== 'true' && inline !== 'false') {
      return state.report('bad-value', `option '${shown}' takes no value`, word.span, `write ${shown} alone`);
    }
    value = inline === 'true';
    if (value === false && 'apply' in option) return;
  }
  if ('apply' in option) {
    state.flags = option.apply(state.flags, value);
    return;
  }
  if (option.repeatable) {
    state.values[option.name] = [...((state.values[option.name] as unknown[] | undefined) ?? []), value];
    return;
  }
  if (state.given.has(option.name)) {
    return state.report('bad-value', `option '${shown}' is given twice`, word.span, 'give it once');
  }
  state.given.add(option.name);
  state.values[option.name] = value;
}

export function placeholder(option: OptionSpec): string {
  const type = option.type;
  if (type === undefined) return '';
  if (type.kind === 'enum') return type.values.join('|');
  if (type.kind === 'path') return 'FILE';
  return type.kind === 'string' ? 'TEXT' : type.kind.toUpperCase();
}

function unknownOption(state: BindState, command: Command | undefined, shown: string, span: Span): void {
  const names = [...(command?.options ?? []), ...GLOBAL_OPTIONS].map((option) => `--${option.name}`);
  const typed = shown.replace(/^-+/, '');
  const found =
    typed.length === 1
      ? []
      : suggest(
          typed,
          names.map((name) => ({ match: name.slice(2), offer: name })),
        );
  const where = command === undefined ? '' : ` for '${command.path.join(' ')}'`;
  const mend = command === undefined ? "see 'datamesh help'" : `see '${command.path.join(' ')} --help'`;
  state.report('unknown-option', `unknown option '${shown}'${where}`, span, mend, found);
  // The value that an unknown option may have taken is not an argument; without knowing, only `--x=y` is safe.
}

function bindArguments(
  command: Command,
  positional: BindWord[],
  registry: Registry,
  end: Span,
  state: BindState,
): void {
  let at = 0;
  for (const arg of command.args) {
    const taken = arg.variadic ? positional.slice(at) : positional.slice(at, at + 1);
    at += taken.length;
    if (taken.length === 0) {
      if (arg.variadic) state.values[arg.name] = [];
      if (arg.required) {
        const shown = arg.name.toUpperCase();
        state.report(
          'missing-argument',
          `'${command.path.join(' ')}' needs ${shown}`,
          end,
          `${shown}: ${arg.summary}`,
        );
      }
      continue;
    }
    const values = taken.map((word) => argumentValue(arg, word, state));
    state.values[arg.name] = arg.variadic ? values : values[0];
  }
  const extra = positional[at];
  if (extra === undefined) return;
  const path = command.path.join(' ');
  const children = registry.next(command.path).map((entry) => entry.word);
  if (children.length > 0) {
    const found = suggest(extra.text, children);
    state.report(
      'unknown-command',
      `unknown command '${path} ${extra.text}'`,
      extra.span,
      `known are ${children.join(', ')}`,
      found,
    );
    return;
  }
  const count = command.args.length;
  const takes = count === 0 ? 'no argument' : count === 1 ? 'one argument' : `at most ${count} arguments`;
  state.report(
    'bad-value',
    `'${path}' takes ${takes}; '${extra.text}' is too many`,
    extra.span,
    'quote a name that holds spaces',
  );
}

function argumentValue(arg: ArgSpec, word: BindWord, state: BindState): unknown {
  if (word.text === '-' && !(arg.type.kind === 'path' && arg.type.dash) && arg.type.kind === 'path') {
    state.report('bad-value', `${arg.name.toUpperCase()} cannot be '-' here`, word.span, 'give a file');
    return undefined;
  }
  const parsed = parseValue(word.text, arg.type, arg.name.toUpperCase());
  if (parsed.ok) return parsed.value;
  state.report('bad-value', parsed.message, word.span, parsed.mend, parsed.suggestions);
  return undefined;
}

function reportUnknown(
  words: readonly BindWord[],
  registry: Registry,
  end: Span,
  report: BindState['report'],
): void {
  // Walk down as far as the words lead, so that 'keys lsit' is compared with the commands under 'keys' only.
  const walked: string[] = [];
  for (const word of words) {
    const next = registry.next([...walked, word.text]);
    if (next.length === 0) break;
    walked.push(word.text);
  }
  const choices = registry.next(walked);
  const unknown = words[walked.length];
  const shown = choices.map((choice) => choice.word);
  if (unknown === undefined || isOption(unknown)) {
    const message =
      walked.length === 0 ? 'a command is missing' : `'${walked.join(' ')}' needs a command after it`;
    const mend = walked.length === 0 ? "see 'help'" : `one of ${shown.join(', ')}`;
    report('missing-argument', message, unknown?.span ?? end, mend);
    return;
  }
  const typed = unknown.text;
  const found = suggest(typed, shown);
  const name = [...walked, typed].join(' ');
  report(
    'unknown-command',
    `unknown command '${name}'`,
    unknown.span,
    walked.length === 0 ? "see 'help'" : `one of ${shown.join(', ')}`,
    found,
  );
}
