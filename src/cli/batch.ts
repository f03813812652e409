/** `datamesh batch`, and `datamesh` with a script on standard input. */
import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { wholeRegistry } from '../commands/all.ts';
import type { Values } from '../commands/command.ts';
import { type Host, type RunOutput, startDeadline } from '../commands/execute.ts';
import { asDatameshError, DatameshError, EXIT } from '../errors.ts';
import type { ParsedCommand } from '../lang/types.ts';
import { commandOutput, type OutputStyle } from './output.ts';
import type { Streams } from './streams.ts';

// Loaded when there is a script.
type BatchOptions = import('../batch/batch.ts').BatchOptions;
type BatchReporter = import('../batch/reporter.ts').BatchReporter;

export async function runBatchCommand(
  parsed: ParsedCommand,
  host: Host,
  streams: Streams,
  style: OutputStyle,
): Promise<number> {
  const { values, options } = parsed;
  checkChoices(values);
  const given = (values.apply as string | undefined) ?? (values.file as string | undefined) ?? '-';
  const file = given === '-' ? '<stdin>' : given;
  // The batch's own --timeout is for the whole of it.
  const deadline = startDeadline(options.timeoutMs);
  const signal = deadline ? AbortSignal.any([host.signal, deadline.signal]) : host.signal;
  const own: Host = { ...host, signal, mode: 'batch' };
  const batch: BatchOptions = {
    registry: wholeRegistry(),
    flags: { ...options, help: false, timeoutMs: undefined, columns: undefined },
    variables: variablesOf(values.var as string[] | undefined),
    env: host.env,
    file,
    check: values.check === true,
    keepGoing: values['keep-going'] === true,
    reporter: await reporterFor(parsed, file, own, streams, style),
    now: () => performance.now(),
  };
  const tooLate = () =>
    deadline?.signal.aborted === true && !host.signal.aborted
      ? new DatameshError('timeout', {
          what: `the batch did not end within ${options.timeoutMs} ms`,
          mend: 'give a longer --timeout',
        })
      : undefined;
  try {
    const status = await runAs(values, given, own, batch, options.json ? undefined : streams);
    const late = status === 0 ? undefined : tooLate();
    if (late !== undefined) throw late;
    return status;
  } catch (error) {
    throw (asDatameshError(error).code === 'cancelled' ? tooLate() : undefined) ?? error;
  } finally {
    deadline?.cancel();
  }
}

/** `human`: where short help goes when there is no script. */
async function runAs(
  values: Values,
  given: string,
  host: Host,
  batch: BatchOptions,
  human: Streams | undefined,
): Promise<number> {
  if (values.stream === true) {
    const { runStream } = await import('../batch/stream.ts');
    return runStream(await openScript(given, host), host, batch);
  }
  const { runBatch } = await import('../batch/batch.ts');
  if (values.apply !== undefined) return applyPlan(given, host, batch);
  const { decodeScript, readScript } = await import('../batch/source.ts');
  const text = decodeScript(await readScript(await openScript(given, host), host.signal));
  if (!/\S/.test(text)) throw noScript(given, human);
  if (values.plan !== undefined)
    return writePlan(text, resolve(host.cwd, values.plan as string), host, batch);
  const problem = (it: string) => human?.writeError(`warning: ${it}\n`);
  return runJournalled({ script: text, resume: values.resume === true, problem }, host, batch, runBatch);
}

function noScript(given: string, human: Streams | undefined): DatameshError {
  human?.writeError('Usage: datamesh [COMMAND] [options]\n       datamesh batch < SCRIPT\n');
  return new DatameshError('missing-argument', {
    what: given === '-' ? 'nothing came in over standard input' : `the script ${given} is empty`,
    mend: "give a command, or a script of commands; see 'datamesh help'",
  });
}

/** What leaves nothing behind needs no notes: it can simply be run again. */
async function runJournalled(
  { script, resume, problem }: { script: string; resume: boolean; problem(text: string): void },
  host: Host,
  batch: BatchOptions,
  runBatch: (text: string, host: Host, options: BatchOptions) => Promise<number>,
): Promise<number> {
  const [{ openJournal }, { leavesTraces }] = await Promise.all([
    import('../batch/journal.ts'),
    import('../batch/leaves-traces.ts'),
  ]);
  let journal: Awaited<ReturnType<typeof openJournal>> | undefined;
  const { variables } = batch;
  const options: BatchOptions = {
    ...batch,
    get journal() {
      return journal;
    },
    async judged(commands) {
      await batch.judged?.(commands);
      const changes = commands.some(({ command, options: own }) => leavesTraces(command) && !own.dryRun);
      if (batch.check || (!changes && !resume)) return;
      const { cwd, env } = host;
      const configPath = host.configPath();
      journal = await openJournal({ script, variables, cwd, configPath, env, resume, problem });
    },
  };
  let status: number = EXIT.internal;
  try {
    status = await runBatch(script, host, options);
    return status;
  } finally {
    await journal?.end(status === EXIT.ok);
  }
}

async function writePlan(text: string, path: string, host: Host, batch: BatchOptions): Promise<number> {
  const [{ runBatch }, { makePlan }, { writeNewFile }] = await Promise.all([
    import('../batch/batch.ts'),
    import('../batch/plan.ts'),
    import('../commands/files/new-file.ts'),
  ]);
  return runBatch(text, host, {
    ...batch,
    check: true,
    async judged(commands) {
      const plan = await makePlan(text, commands, batch.variables, host, new Date().toISOString());
      // It may hold what sensitive commands were given.
      await writeNewFile(path, `${JSON.stringify(plan, null, 2)}\n`, 'name another file, or remove it');
    },
  });
}

async function applyPlan(given: string, host: Host, batch: BatchOptions): Promise<number> {
  const [{ runBatch }, { checkPlan, MAX_PLAN_BYTES, readPlan }] = await Promise.all([
    import('../batch/batch.ts'),
    import('../batch/plan.ts'),
  ]);
  const path = resolve(host.cwd, given);
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() !== true)
    throw new DatameshError('file-not-found', { what: `there is no plan ${given}`, mend: 'check the path' });
  if (found.size > MAX_PLAN_BYTES)
    throw new DatameshError('input-too-large', { what: `${given} is larger than ${MAX_PLAN_BYTES} bytes` });
  const plan = readPlan(await readFile(path, 'utf8'), given);
  return runBatch(plan.script, host, {
    ...batch,
    variables: plan.variables,
    judged: (commands) => checkPlan(plan, commands, host),
  });
}

async function reporterFor(
  { values, options }: ParsedCommand,
  file: string,
  host: Host,
  streams: Streams,
  style: OutputStyle,
): Promise<BatchReporter> {
  const [{ humanReporter, jsonReporter }, { redirected }] = await Promise.all([
    import('../batch/reporter.ts'),
    import('./file-output.ts'),
  ]);
  const sink = {
    out: (line: string) => streams.write(line),
    err: (line: string) => streams.writeError(line),
    drained: () => streams.drained(),
  };
  const output = (line: ParsedCommand): RunOutput => commandOutput(line, streams, style);
  const told = options.json
    ? jsonReporter(sink)
    : humanReporter(sink, { echo: values.echo === true, quiet: options.quiet, file, output });
  return { ...told, output: (line) => redirected(line, host, told.output(line)) };
}

/** Throws `bad-value` for choices that exclude each other. */
function checkChoices(values: Values): void {
  const clashes: readonly [string, readonly string[]][] = [
    ['apply', ['plan', 'check', 'resume', 'var']],
    ['plan', ['check', 'resume']],
    ['stream', ['plan', 'apply', 'check', 'resume']],
  ];
  const given = (name: string) => values[name] !== undefined && values[name] !== false;
  for (const [name, others] of clashes) {
    const other = given(name) ? others.find(given) : undefined;
    if (other === undefined) continue;
    throw new DatameshError('bad-value', {
      what: `--${name} and --${other} exclude each other`,
      mend: "see 'datamesh batch --help'",
    });
  }
}

async function openScript(file: string, { cwd, signal }: Host): Promise<AsyncIterable<Uint8Array>> {
  if (file === '-') {
    if (process.stdin.isTTY) {
      throw new DatameshError('not-a-terminal', {
        what: 'standard input is a terminal, and a batch reads a script from it',
        mend: "use 'datamesh batch < FILE' or 'datamesh batch -f FILE'; the console is 'datamesh console'",
      });
    }
    return process.stdin;
  }
  const { openScriptFile } = await import('../batch/script-file.ts');
  return openScriptFile(resolve(cwd, file), file, signal);
}

function variablesOf(given: readonly string[] | undefined): Record<string, string> {
  return Object.fromEntries(
    (given ?? []).map((text) => {
      const match = /^([A-Za-z_][A-Za-z0-9_]*)=([\s\S]*)$/.exec(text);
      if (!match)
        throw new DatameshError('bad-value', {
          what: `--var ${text} is not NAME=VALUE`,
          mend: 'write --var NAME=VALUE',
        });
      return [match[1] as string, match[2] as string];
    }),
  );
}
