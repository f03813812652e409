/** Words to a command and its values. Every problem of a line is listed, not only the first. */
import type { ArgSpec, Command } from '../commands/command.ts';
import type { Registry } from '../commands/registry.ts';
import { suggest } from '../config/suggest.ts';
import { type BindState, type BindWord, isOption, type Report, readOption } from './bind-options.ts';
import { checkColumns } from './field-check.ts';
import { DEFAULT_FLAGS, type GlobalFlags } from './global-options.ts';
import type { Diagnostic, Span } from './types.ts';
import { parseValue } from './values.ts';

export interface Bound {
  command: Command;
  values: Record<string, unknown>;
  options: GlobalFlags;
}

export interface BindResult {
  /** Undefined when there are diagnostics. */
  bound: Bound | undefined;
  /** Which command its first words name, where it is not bound and they name one. */
  meant?: Command;
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
  const report: Report = (code, message, span, mend, suggestions = []) => {
    diagnostics.push({ code, message, suggestions, span, ...(mend === undefined ? {} : { mend }) });
  };
  const state: BindState = { words, at: 0, flags: base, values: {}, given: new Set(), report };

  while (isOption(words[state.at]) && words[state.at]?.text !== '--') readOption(state, undefined);
  const rest = words.slice(state.at);
  const lookup = registry.find(rest.map((word) => word.text));
  if (lookup === undefined) {
    const help = helpFor(rest, state.flags, registry);
    if (help === undefined) reportUnknown(rest, registry, end, report);
    return { bound: diagnostics.length === 0 ? help : undefined, diagnostics };
  }

  const { command, length } = lookup;
  state.at += length;
  if (command.takesLine === true) {
    const line = words.slice(state.at).map((word) => word.text);
    if (line.length === 1 && (line[0] === '--help' || line[0] === '-h'))
      return { bound: { command, values: {}, options: { ...state.flags, help: true } }, diagnostics: [] };
    return { bound: { command, values: { line: line.join(' ') }, options: state.flags }, diagnostics };
  }
  const positional: BindWord[] = [];
  let optionsEnded = false;
  while (state.at < words.length) {
    const word = words[state.at] as BindWord;
    if (!optionsEnded && isOption(word) && word.text !== '--') {
      readOption(state, command);
      continue;
    }
    if (!optionsEnded && word.text === '--') optionsEnded = true;
    else positional.push(word);
    state.at++;
  }
  // Who asks for help is not told what else is missing.
  if (state.flags.help) return { bound: { command, values: {}, options: state.flags }, diagnostics: [] };
  const unknownOption = diagnostics.some(({ code }) => code === 'unknown-option');
  const typed = rest.slice(0, length).map((word) => word.text);
  bindArguments(command, typed, positional, registry, end, state, unknownOption);
  checkCompany(command, state, end);
  for (const option of command.options) {
    if (option.default === undefined || state.values[option.name] !== undefined) continue;
    const parsed = parseValue(option.default, option.type ?? { kind: 'string' }, `--${option.name}`);
    if (parsed.ok) state.values[option.name] = option.repeatable ? [parsed.value] : parsed.value;
  }
  const { columns } = state.flags;
  if (columns !== undefined && columns !== base.columns) {
    const at = words.find(({ text }) => /^--(?:json=|columns\b)/.test(text));
    diagnostics.push(...checkColumns(command, columns, at?.span ?? end));
  }
  if (diagnostics.length > 0) return { bound: undefined, meant: command, diagnostics };
  return { bound: { command, values: state.values, options: state.flags }, diagnostics };
}

/** Before defaults are filled in: what counts is what was written. */
function checkCompany(command: Command, { values, report }: BindState, end: Span): void {
  const given = (name: string) => values[name] !== undefined && values[name] !== false;
  for (const { name, needs, excludes = [] } of command.options.filter((option) => given(option.name))) {
    if (needs !== undefined && !given(needs))
      report('bad-value', `--${name} needs --${needs}`, end, `add --${needs}, or leave out --${name}`);
    for (const other of excludes.filter(given))
      report('bad-value', `--${name} and --${other} exclude each other`, end, 'leave out one of them');
  }
}

/** `--help` alone, or after words that only begin commands (`keys --help`), is the help command. */
function helpFor(rest: readonly BindWord[], flags: GlobalFlags, registry: Registry): Bound | undefined {
  if (!flags.help && !rest.some((word) => word.text === '--help' || word.text === '-h')) return undefined;
  const command = registry.find(['help'])?.command;
  const words = rest.filter((word) => !isOption(word)).map((word) => word.text);
  if (command === undefined || (rest.length > 0 && registry.next(words).length === 0)) return undefined;
  return { command, values: { words }, options: { ...flags, help: false } };
}

function bindArguments(
  command: Command,
  typed: readonly string[],
  positional: readonly BindWord[],
  registry: Registry,
  end: Span,
  state: BindState,
  unknownOption: boolean,
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
    const values = taken.map((word) => argumentValue(arg, word, state.report));
    state.values[arg.name] = arg.variadic ? values : values[0];
  }
  const extra = positional[at];
  if (extra !== undefined) reportExtra(command, typed, extra, registry, state.report, unknownOption);
}

function argumentValue(arg: ArgSpec, word: BindWord, report: Report): unknown {
  const what = arg.name.toUpperCase();
  if (word.text === '-' && arg.type.kind === 'path' && !arg.type.dash) {
    report('bad-value', `${what} cannot be '-' here`, word.span, 'give a file');
    return undefined;
  }
  const parsed = parseValue(word.text, arg.type, what);
  if (parsed.ok) return parsed.value;
  report('bad-value', parsed.message, word.span, parsed.mend, parsed.suggestions);
  return undefined;
}

function reportExtra(
  command: Command,
  typed: readonly string[],
  extra: BindWord,
  registry: Registry,
  report: Report,
  unknownOption: boolean,
): void {
  // The word after an option that nobody knows was most likely its value.
  if (unknownOption) return;
  // Words that stand for a command and begin others too ('service' is 'service run'): one of those was meant.
  if (registry.next(typed).length > 0) {
    reportNoSuch(typed, extra, registry, report);
    return;
  }
  const path = command.path.join(' ');
  const count = command.args.length;
  const takes = count === 0 ? 'no argument' : count === 1 ? 'one argument' : `at most ${count} arguments`;
  report(
    'bad-value',
    `'${path}' takes ${takes}; '${extra.text}' is too many`,
    extra.span,
    'quote a name that holds spaces',
  );
}

function reportUnknown(words: readonly BindWord[], registry: Registry, end: Span, report: Report): void {
  // Walk down as far as the words lead, so that 'keys lsit' is compared with the commands under 'keys' only.
  const walked: string[] = [];
  for (const word of words) {
    if (registry.next([...walked, word.text]).length === 0) break;
    walked.push(word.text);
  }
  const unknown = words[walked.length];
  if (unknown === undefined || isOption(unknown)) {
    const message =
      walked.length === 0 ? 'a command is missing' : `'${walked.join(' ')}' needs a command after it`;
    const choices = registry.next(walked).map((choice) => choice.word);
    report('missing-argument', message, unknown?.span ?? end, knownAre(choices, walked));
    return;
  }
  reportNoSuch(walked, unknown, registry, report);
}

/** @param walked words that begin commands, none of which goes on with `unknown` */
function reportNoSuch(
  walked: readonly string[],
  unknown: BindWord,
  registry: Registry,
  report: Report,
): void {
  const choices = registry.next(walked).map((choice) => choice.word);
  const name = [...walked, unknown.text].join(' ');
  const near = suggest(unknown.text, choices);
  report('unknown-command', `unknown command '${name}'`, unknown.span, knownAre(choices, walked), near);
}

function knownAre(choices: readonly string[], walked: readonly string[]): string {
  return walked.length === 0 ? "see 'datamesh help'" : `one of ${choices.join(', ')}`;
}
