/** One line from the prompt to its exit status: parse, tell what is wrong, run the commands in order. */
import type { Context } from '../commands/command.ts';
import { type ConsolePort, isConsoleCommand } from '../commands/console/port.ts';
import { executeParsed, type Host, type RunOutput } from '../commands/execute.ts';
import type { Registry } from '../commands/registry.ts';
import type { Progress } from '../engine/engine.ts';
import { EXIT } from '../errors.ts';
import { didYouMean, errorId } from '../lang/diagnostics.ts';
import { parse } from '../lang/parser.ts';
import { sourceText } from '../lang/position.ts';
import { tokenize } from '../lang/tokenizer.ts';
import type { Diagnostic, ParsedCommand } from '../lang/types.ts';

export interface RunnerDeps {
  registry: Registry;
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

export function createRunner(deps: RunnerDeps): Runner {
  const { registry, env } = deps;
  let variables: Readonly<Record<string, string>> = {};
  return {
    incomplete: (line) => parse(backgroundLine(line) ?? line, { registry, variables, env }).incomplete,
    async run(line, signal, told = () => {}) {
      const parsed = parse(line, { registry, variables, env });
      if (parsed.diagnostics.length > 0) {
        for (const diagnostic of parsed.diagnostics) deps.diagnostic(diagnosticText(diagnostic));
        const correction = correctionOf(line, parsed.diagnostics, registry);
        return { exit: EXIT.usage, correction, sensitive: mentionsSensitive(line, registry) };
      }
      variables = parsed.variables;
      let exit: number = EXIT.ok;
      for (const command of parsed.commands) {
        if (signal.aborted) return { exit: EXIT.interrupted, correction: undefined, sensitive: true };
        if ((command.when === 'and' && exit !== 0) || (command.when === 'or' && exit === 0)) continue;
        exit = await runOne(command, signal, told, deps);
      }
      const sensitive = parsed.commands.some(({ command }) => command.sensitive === true);
      return { exit, correction: undefined, sensitive };
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

function runOne(
  parsed: ParsedCommand,
  signal: AbortSignal,
  told: ToldProgress,
  deps: RunnerDeps,
): Promise<number> {
  const { command } = parsed;
  const own = isConsoleCommand(command)
    ? {
        ...command,
        run: (context: Context) => command.inConsole(deps.port, parsed.values, context),
      }
    : command;
  return executeParsed(
    { ...parsed, command: own },
    {
      ...deps.host(signal),
      mode: 'repl',
      interactive: true,
      signal,
      output: (one) => deps.output(one, told),
    },
  );
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
