/** A script of commands: read and judged as a whole, then run in order. */
import { executeParsed, type Host } from '../commands/execute.ts';
import { createRegistry, type Registry } from '../commands/registry.ts';
import { DatameshError, EXIT } from '../errors.ts';
import type { GlobalFlags } from '../lang/global-options.ts';
import { parse } from '../lang/parser.ts';
import { type SourceText, sourceText } from '../lang/position.ts';
import type { ParsedCommand, ParseResult } from '../lang/types.ts';
import { assertCommand, assertedBy, directiveOf, SCRIPT_COMMANDS } from './directives.ts';
import type { Journal } from './journal.ts';
import { refusedInScripts } from './refused.ts';
import type { BatchReporter, SkipReason } from './reporter.ts';
import { stepKeys } from './step-key.ts';

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
  /** The script is right and nothing has run; what this throws keeps it from running. */
  judged?: (commands: readonly ParsedCommand[]) => Promise<void>;
  /** Notes what has been done, and says what an earlier run did. */
  journal?: Journal | undefined;
  /** Milliseconds from any origin, for durations. */
  now(): number;
}

/** The exit status: 0, 2 for a script with mistakes, that of the first failure, 3 with keepGoing, 130 when interrupted. */
export async function runBatch(text: string, host: Host, options: BatchOptions): Promise<number> {
  const { reporter, file } = options;
  const startedAt = options.now();
  const { commands, diagnostics } = judge(text, options);
  const end = (code: number, tally: Pick<Tally, 'ran' | 'failed' | 'skipped'>) => {
    const { ran, failed, skipped } = tally;
    const ms = Math.round(options.now() - startedAt);
    reporter.summary({ ok: code === EXIT.ok, code, ran, failed, skipped, ms });
    return code;
  };
  const nothing = { ran: 0, failed: 0, skipped: commands.length };
  if (diagnostics.length > 0) {
    reporter.invalid(diagnostics, text, file);
    return end(EXIT.usage, nothing);
  }
  await options.judged?.(commands);
  if (options.check) {
    for (const parsed of commands) if (directiveOf(parsed) === undefined) reporter.effects(parsed);
    return end(EXIT.ok, nothing);
  }
  const tally: Tally = { ran: 0, failed: 0, skipped: 0, keepGoing: options.keepGoing, status: 0 };
  const stopped = await runCommands(commands, host, options, tally);
  return end(stopped ?? (tally.failed > 0 ? EXIT.partial : EXIT.ok), tally);
}

/** All commands of the script and all that is wrong with it. */
export function judge(
  text: string,
  options: Pick<BatchOptions, 'registry' | 'flags' | 'variables' | 'env'> & { firstLine?: number },
): Pick<ParseResult, 'commands' | 'diagnostics' | 'variables'> {
  const { commands, diagnostics, variables } = parse(text, {
    registry: createRegistry([...options.registry.commands, ...SCRIPT_COMMANDS]),
    variables: options.variables,
    env: options.env,
    flags: options.flags,
    onOneNode: true,
    fixed: new Set(Object.keys(options.variables)),
    refuse: refusedInScripts,
    firstLine: options.firstLine ?? 1,
  });
  let source: SourceText | undefined;
  const spanOf = (start: number, end: number) =>
    (source ??= sourceText(text, options.firstLine)).span(start, end);
  const found = [...diagnostics];
  const { registry, env, flags } = options;
  for (const parsed of commands) {
    if (parsed.command === assertCommand && !parsed.options.help)
      found.push(
        ...assertedBy(parsed, spanOf, (part, known) =>
          parse(part, { registry, env, flags, variables: known, refuse: refusedInScripts, onOneNode: true }),
        ).diagnostics,
      );
    const name = parsed.command.path.join(' ');
    const { yes, dryRun, help } = parsed.options;
    if (parsed.command.effects === 'destructive' && !yes && !dryRun && !help) {
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
  return { commands, variables, diagnostics: found.sort((a, b) => a.span.start - b.span.start) };
}

/** How far a run is. */
export interface Tally {
  ran: number;
  failed: number;
  skipped: number;
  keepGoing: boolean;
  /** Status of the list so far (`a && b || c`), which is what `&&` and `||` look at. */
  status: number;
}

/** The status that ends the script; undefined when it came to its end. Counts in `tally`. */
export async function runCommands(
  commands: readonly ParsedCommand[],
  host: Host,
  options: BatchOptions,
  tally: Tally,
): Promise<number | undefined> {
  const { reporter, journal } = options;
  const keys = stepKeys(commands);
  let expected: number | undefined;
  let stop: { code: number; reason: 'failed' | 'interrupted' } | undefined;

  for (const [index, parsed] of commands.entries()) {
    const skip = (reason: SkipReason) => {
      tally.skipped++;
      reporter.skipped(parsed, reason);
    };
    if (stop) {
      skip(stop.reason);
      continue;
    }
    const conditionHolds = parsed.when === 'always' || (parsed.when === 'and') === (tally.status === 0);
    const directive = directiveOf(parsed);
    if (!conditionHolds) {
      if (directive === undefined) skip('condition');
    } else if (directive !== undefined && !parsed.options.help) {
      if (directive.kind === 'on-error') tally.keepGoing = directive.keepGoing;
      else expected = directive.status;
      tally.status = 0;
      continue;
    } else if (journal?.done.has(keys[index]!) === true) {
      skip('done');
      tally.status = 0;
      expected = undefined;
    } else {
      tally.status = await runOne(parsed, host, options);
      tally.ran++;
      if (tally.status === 0) await journal?.add(keys[index]!);
      if (host.signal.aborted) {
        if (tally.status !== 0) tally.failed++;
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
      if (tally.status === wanted) tally.status = 0;
      else {
        reporter.unexpected(parsed, tally.status, wanted);
        tally.status = tally.status === 0 ? EXIT.failed : tally.status;
      }
    }
    if (tally.status === 0) continue;
    tally.failed++;
    if (!tally.keepGoing) stop = { code: tally.status, reason: 'failed' };
  }
  return stop?.code;
}

async function runOne(parsed: ParsedCommand, host: Host, options: BatchOptions): Promise<number> {
  const { reporter, now } = options;
  const startedAt = now();
  reporter.start(parsed);
  const status =
    parsed.command === assertCommand && !parsed.options.help
      ? await runAssert(parsed, host, options)
      : await executeParsed(parsed, { ...host, output: (line) => reporter.output(line) });
  reporter.result(parsed, status, Math.round(now() - startedAt));
  return status;
}

/** Status 1 when the command ends well and yields nothing; its records are not shown. */
async function runAssert(parsed: ParsedCommand, host: Host, options: BatchOptions): Promise<number> {
  const { registry, env, flags, reporter } = options;
  const { commands } = assertedBy(
    parsed,
    () => parsed.span,
    (part, variables) => parse(part, { registry, env, flags, variables }),
  );
  const [asserted] = commands;
  const output = reporter.output(parsed);
  if (asserted === undefined) return EXIT.usage;
  let records = 0;
  const status = await executeParsed(asserted, {
    ...host,
    output: () => ({ ...output, record: () => void records++, note() {} }),
  });
  if (status !== EXIT.ok || records > 0) return status;
  output.error(
    new DatameshError('failed', {
      what: `not so: ${parsed.values.line}`,
      mend: 'the command yields no record; see what it yields without the filters',
    }),
  );
  return EXIT.failed;
}
