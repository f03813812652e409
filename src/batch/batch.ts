/** A script of commands: read and judged as a whole, then run in order. */
import { executeParsed, type Host } from '../commands/execute.ts';
import { createRegistry, type Registry } from '../commands/registry.ts';
import { EXIT } from '../errors.ts';
import type { GlobalFlags } from '../lang/global-options.ts';
import { parse } from '../lang/parser.ts';
import { sourceText } from '../lang/position.ts';
import type { Diagnostic, ParsedCommand } from '../lang/types.ts';
import { directiveOf, SCRIPT_COMMANDS } from './directives.ts';
import type { BatchReporter } from './reporter.ts';

export interface BatchOptions {
  registry: Registry;
  /** In force for every command: --yes, --dry-run, --timeout … of the batch itself. */
  flags: GlobalFlags;
  variables: Readonly<Record<string, string>>;
  env: Host['env'];
  /** Name in diagnostics: `<stdin>` or the file. */
  file: string;
  check: boolean;
  keepGoing: boolean;
  reporter: BatchReporter;
  /** Milliseconds from any origin, for durations. */
  now(): number;
}

/** Commands that would wait for a person or take over the terminal. */
const NOT_IN_SCRIPTS = new Set(['batch', 'console']);

/** The exit status: 0, 2 for a script with mistakes, that of the first failure, 3 with keepGoing, 130 when interrupted. */
export async function runBatch(text: string, host: Host, options: BatchOptions): Promise<number> {
  const { reporter, file } = options;
  const startedAt = options.now();
  const { commands, diagnostics } = judge(text, options);
  if (diagnostics.length > 0) {
    reporter.invalid(diagnostics, text, file);
    reporter.summary({
      ok: false,
      code: EXIT.usage,
      ran: 0,
      failed: 0,
      skipped: commands.length,
      ms: Math.round(options.now() - startedAt),
    });
    return EXIT.usage;
  }
  if (options.check) {
    reporter.summary({
      ok: true,
      code: EXIT.ok,
      ran: 0,
      failed: 0,
      skipped: commands.length,
      ms: Math.round(options.now() - startedAt),
    });
    return EXIT.ok;
  }
  const outcome = await runAll(commands, host, options);
  reporter.summary({ ...outcome, ok: outcome.code === EXIT.ok, ms: Math.round(options.now() - startedAt) });
  return outcome.code;
}

/** All commands of the script and all that is wrong with it. */
export function judge(
  text: string,
  options: Pick<BatchOptions, 'registry' | 'flags' | 'variables' | 'env'>,
): { commands: ParsedCommand[]; diagnostics: Diagnostic[] } {
  const { commands, diagnostics } = parse(text, {
    registry: createRegistry([...options.registry.commands, ...SCRIPT_COMMANDS]),
    variables: options.variables,
    env: options.env,
    flags: options.flags,
    fixed: new Set(Object.keys(options.variables)),
  });
  const found = [...diagnostics];
  for (const parsed of commands) {
    const name = parsed.command.path.join(' ');
    const { yes, dryRun, help } = parsed.options;
    if ((NOT_IN_SCRIPTS.has(name) || parsed.command.group === 'console') && !help) {
      found.push({
        code: 'unknown-command',
        message: `'${name}' cannot be used in a script`,
        suggestions: [],
        span: parsed.span,
      });
    } else if (parsed.command.effects === 'destructive' && !yes && !dryRun && !help) {
      found.push({
        code: 'confirmation-needed',
        message: `'${name}' is destructive and nobody can be asked`,
        suggestions: [],
        mend: 'add --yes to the line or to the batch',
        span: parsed.span,
      });
    }
  }
  const empty = commands.length === 0 && found.length === 0 && !/\S/.test(text.replace(/^\ufeff/, ''));
  if (empty) {
    found.push({
      code: 'missing-argument',
      message: 'the script is empty',
      suggestions: [],
      mend: "see 'datamesh help batch'",
      span: sourceText('').span(0, 0),
    });
  }
  return { commands, diagnostics: found.sort((a, b) => a.span.start - b.span.start) };
}

async function runAll(commands: readonly ParsedCommand[], host: Host, options: BatchOptions) {
  const { reporter } = options;
  let keepGoing = options.keepGoing;
  let expected: number | undefined;
  let ran = 0;
  let failed = 0;
  let skipped = 0;
  let stop: { code: number; reason: 'failed' | 'interrupted' } | undefined;
  /** Status of the list so far (`a && b || c`), which is what `&&` and `||` look at. */
  let status = 0;

  for (const [index, parsed] of commands.entries()) {
    if (stop) {
      skipped++;
      reporter.skipped(parsed, stop.reason);
      continue;
    }
    const conditionHolds = parsed.when === 'always' || (parsed.when === 'and') === (status === 0);
    const directive = directiveOf(parsed);
    if (!conditionHolds) {
      if (directive === undefined) {
        skipped++;
        reporter.skipped(parsed, 'condition');
      }
    } else if (directive !== undefined && !parsed.options.help) {
      if (directive.kind === 'on-error') keepGoing = directive.keepGoing;
      else expected = directive.status;
      status = 0;
      continue;
    } else {
      status = await runOne(parsed, host, options);
      ran++;
      if (host.signal.aborted) {
        if (status !== 0) failed++;
        stop = { code: EXIT.interrupted, reason: 'interrupted' };
        continue;
      }
    }
    // A list is judged at its end: `info x || echo none` has not failed when x is missing.
    const next = commands[index + 1];
    if (next !== undefined && next.when !== 'always') continue;
    const wanted = expected;
    expected = undefined;
    if (wanted !== undefined) {
      if (status === wanted) status = 0;
      else {
        reporter.unexpected(parsed, status, wanted);
        status = status === 0 ? EXIT.failed : status;
      }
    }
    if (status === 0) continue;
    failed++;
    if (!keepGoing) stop = { code: status, reason: 'failed' };
  }
  const code = stop?.code ?? (failed > 0 ? EXIT.partial : EXIT.ok);
  return { code, ran, failed, skipped };
}

async function runOne(parsed: ParsedCommand, host: Host, options: BatchOptions): Promise<number> {
  const { reporter, now } = options;
  const startedAt = now();
  reporter.start(parsed);
  const status = await executeParsed(parsed, { ...host, output: (line) => reporter.output(line) });
  reporter.result(parsed, status, Math.round(now() - startedAt));
  return status;
}
