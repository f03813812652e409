/** One line from the prompt to its exit status: history and aliases put in, parsed, told what is wrong with it, its commands run in order. */
import { redirected } from '../cli/file-output.ts';
import type { Context, OutputRecord } from '../commands/command.ts';
import { type ConsolePort, isConsoleCommand, type LineSession } from '../commands/console/port.ts';
import { executeParsed, type Host, type RunOutput } from '../commands/execute.ts';
import type { Registry } from '../commands/registry.ts';
import type { Progress } from '../engine/engine.ts';
import { EXIT } from '../errors.ts';
import { expandAliases } from '../lang/aliases.ts';
import { didYouMean, errorId } from '../lang/diagnostics.ts';
import { parse } from '../lang/parser.ts';
import { sourceText } from '../lang/position.ts';
import { tokenize } from '../lang/tokenizer.ts';
import type { Diagnostic, ParsedCommand } from '../lang/types.ts';
import type { LateRegistry } from './late-registry.ts';

export interface RunnerDeps {
  registry: Registry | LateRegistry;
  env: Context['env'];
  port: ConsolePort;
  host(signal: AbortSignal): Omit<Host, 'output' | 'signal' | 'mode' | 'interactive'>;
  /** `told`: where the progress of this line goes. */
  output(parsed: ParsedCommand, told: ToldProgress): RunOutput;
  diagnostic(text: string): void;
}

export type ToldProgress = (label: string, progress: Progress) => void;

export interface LineResult {
  exit: number;
  /** What was run: the line with `!!` and aliases put in. */
  line: string;
  /** The line with its first error mended, to be offered; never for a command that destroys. */
  correction: string | undefined;
  /** Some command of the line carries secrets: it is not kept. */
  sensitive: boolean;
}

export interface Runner {
  run(line: string, signal: AbortSignal, told?: ToldProgress): Promise<LineResult>;
  /** An open quote or a trailing operator: more is to come. */
  incomplete(line: string): boolean;
}

/** Changes that undo goes back. */
const MAX_UNDO = 100;

export function createRunner(deps: RunnerDeps): Runner {
  const { registry, env } = deps;
  let variables: Readonly<Record<string, string>> = {};
  const undos: { line: string; undoes: string }[] = [];
  const aliases = new Map<string, string>();
  /** Of one line: several may be under way, each with a place of its own for its progress. */
  const sessionFor = (told: ToldProgress): LineSession => ({
    aliases,
    parse: read,
    tell,
    takeBack: () => undos.pop(),
    async run(line, signal, isUndo) {
      const parsed = read(line);
      if (parsed.diagnostics.length > 0) {
        tell(parsed.diagnostics);
        return EXIT.usage;
      }
      variables = parsed.variables;
      return runAll(parsed.commands, signal, told, isUndo);
    },
    async runScript(path, context) {
      const { runScriptHere } = await import('./run-script.ts');
      return runScriptHere(path, context, {
        registry,
        env,
        host: { ...deps.host(context.signal), mode: 'repl', interactive: true, signal: context.signal },
        output: (shown) => redirected(shown, context, deps.output(shown, told)),
        diagnostic: deps.diagnostic,
      });
    },
  });

  function read(line: string) {
    return parse(line, { registry, variables, env, onOneNode: true });
  }

  function tell(diagnostics: readonly Diagnostic[]): void {
    for (const diagnostic of diagnostics) deps.diagnostic(diagnosticText(diagnostic));
  }

  async function runAll(
    commands: readonly ParsedCommand[],
    signal: AbortSignal,
    told: ToldProgress,
    isUndo = false,
  ): Promise<number> {
    let exit: number = EXIT.ok;
    for (const command of commands) {
      if (signal.aborted) return EXIT.interrupted;
      if ((command.when === 'and' && exit !== 0) || (command.when === 'or' && exit === 0)) continue;
      exit = await runOne(command, signal, told, isUndo);
      variables = { ...variables, '?': String(exit), _: lastWordOf(command) };
    }
    return exit;
  }

  async function runOne(
    parsed: ParsedCommand,
    signal: AbortSignal,
    told: ToldProgress,
    isUndo: boolean,
  ): Promise<number> {
    const { command, values, options } = parsed;
    const own = isConsoleCommand(command)
      ? {
          ...command,
          run: (context: Context) => command.inConsole(deps.port, values, context, sessionFor(told)),
        }
      : command;
    const records: OutputRecord[] = [];
    const undoable = command.undo !== undefined && !options.dryRun && !isUndo;
    const host: Host = {
      ...deps.host(signal),
      ...{ mode: 'repl', interactive: true, signal },
      output(shown) {
        const output = redirected(shown, { cwd: deps.host(signal).cwd, signal }, deps.output(shown, told));
        if (!undoable) return output;
        return {
          ...output,
          record(record) {
            records.push(record);
            output.record(record);
          },
        };
      },
    };
    const exit = await executeParsed({ ...parsed, command: own }, host);
    const line = undoable && parsed.filters.length === 0 ? command.undo?.(values, records) : undefined;
    if (line !== undefined) {
      undos.push({ line, undoes: parsed.text });
      if (undos.length > MAX_UNDO) undos.shift();
    }
    return exit;
  }

  return {
    incomplete: (line) => read(backgroundLine(line) ?? line).incomplete,
    async run(typed, signal, told = () => {}) {
      if ('whole' in registry) await registry.whole();
      const line = expandAliases(withLast(typed, deps.port), aliases, registry);
      const parsed = read(line);
      if (parsed.diagnostics.length > 0) {
        tell(parsed.diagnostics);
        const correction = correctionOf(line, parsed.diagnostics, registry);
        return { exit: EXIT.usage, line, correction, sensitive: mentionsSensitive(line, registry) };
      }
      variables = parsed.variables;
      const exit = await runAll(parsed.commands, signal, told);
      const sensitive =
        parsed.commands.some(({ command }) => command.sensitive === true) ||
        parsed.commands.some(({ command }) => command.takesLine && mentionsSensitive(line, registry));
      return { exit, line, correction: undefined, sensitive };
    },
  };
}

/** The line without its closing `&`, which says that it is not to hold the prompt; undefined where there is none. */
export function backgroundLine(line: string): string | undefined {
  const { tokens, incomplete } = tokenize(sourceText(line));
  const last = tokens.filter(({ kind }) => kind !== 'newline').at(-1);
  if (incomplete || last?.kind !== 'operator' || last.operator !== '&') return undefined;
  const rest = line.slice(0, last.span.start).trimEnd();
  return rest === '' ? undefined : rest;
}

/** `!!` at the beginning is the line before. */
function withLast(line: string, port: ConsolePort): string {
  const rest = /^\s*!!(.*)$/s.exec(line)?.[1];
  if (rest === undefined) return line;
  const last = port.history().at(-1)?.cmd;
  return last === undefined ? line : `${last}${rest}`;
}

/** `$_`: the last argument of the command before. */
function lastWordOf({ command, values }: ParsedCommand): string {
  const given = command.args.map(({ name }) => values[name]).filter((value) => value !== undefined);
  const last = given.at(-1);
  return String((Array.isArray(last) ? last.at(-1) : last) ?? '');
}

function diagnosticText(diagnostic: Diagnostic): string {
  const offered = didYouMean(diagnostic);
  const mend = offered === '' && diagnostic.mend !== undefined ? `; ${diagnostic.mend}` : '';
  return `error[${errorId(diagnostic)}]: ${diagnostic.message}${offered}${mend}`;
}

function correctionOf(
  line: string,
  diagnostics: readonly Diagnostic[],
  registry: Registry,
): string | undefined {
  const [first] = diagnostics;
  const [name] = first?.suggestions ?? [];
  if (first === undefined || name === undefined || diagnostics.length > 1) return undefined;
  const corrected = line.slice(0, first.span.start) + name + line.slice(first.span.end);
  // Whatever the corrected line would destroy has to be typed by hand.
  const again = parse(corrected, { registry });
  const destroys = again.commands.some(({ command }) => command.effects === 'destructive');
  const named = registry.names().find((candidate) => candidate.name === name);
  return destroys || named?.command.effects === 'destructive' ? undefined : corrected;
}

/** A line that did not parse may still hold the secret of a sensitive command. */
function mentionsSensitive(line: string, registry: Registry): boolean {
  const words = line.trim().split(/\s+/);
  return words.some((_, at) => registry.find(words.slice(at, at + 3))?.command.sensitive === true);
}
