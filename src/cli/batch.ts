/** `datamesh batch`, and `datamesh` with a script on standard input. */
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Host, RunOutput } from '../commands/execute.ts';
import { allCommands, createRegistry } from '../commands/registry.ts';
import { DatameshError } from '../errors.ts';
import type { ParsedCommand } from '../lang/types.ts';
import { commandOutput, type OutputStyle } from './output.ts';
import type { Streams } from './streams.ts';

export async function runBatchCommand(
  parsed: ParsedCommand,
  host: Host,
  streams: Streams,
  style: OutputStyle,
): Promise<number> {
  const { values, options } = parsed;
  const [{ runBatch }, { decodeScript, readScript }, { humanReporter, jsonReporter }] = await Promise.all([
    import('../batch/batch.ts'),
    import('../batch/source.ts'),
    import('../batch/reporter.ts'),
  ]);
  const given = (values.file as string | undefined) ?? '-';
  const file = given === '-' ? '<stdin>' : given;
  const text = decodeScript(await readScript(await openScript(given, host.cwd)));
  if (!/\S/.test(text)) {
    if (!options.json)
      streams.writeError('Usage: datamesh [COMMAND] [options]\n       datamesh batch < SCRIPT\n');
    throw new DatameshError('missing-argument', {
      what: given === '-' ? 'nothing came in over standard input' : `the script ${given} is empty`,
      mend: "give a command, or a script of commands; see 'datamesh help'",
    });
  }
  const sink = {
    out: (line: string) => streams.write(line),
    err: (line: string) => streams.writeError(line),
    drained: () => streams.drained(),
  };
  const output = (line: ParsedCommand): RunOutput => commandOutput(line, streams, style);
  const reporter = options.json
    ? jsonReporter(sink)
    : humanReporter(sink, { echo: values.echo === true, quiet: options.quiet, file, output });
  // The batch's own --timeout is for the whole of it.
  const deadline = options.timeoutMs ? AbortSignal.timeout(options.timeoutMs) : undefined;
  const signal = deadline ? AbortSignal.any([host.signal, deadline]) : host.signal;
  const status = await runBatch(
    text,
    { ...host, signal, mode: 'batch' },
    {
      registry: createRegistry(allCommands()),
      flags: { ...options, help: false, timeoutMs: undefined, columns: undefined },
      variables: variablesOf(values.var as string[] | undefined),
      env: host.env,
      file,
      check: values.check === true,
      keepGoing: values['keep-going'] === true,
      reporter,
      now: () => performance.now(),
    },
  );
  if (deadline?.aborted && !host.signal.aborted && status !== 0) {
    throw new DatameshError('timeout', {
      what: `the batch did not end within ${options.timeoutMs} ms`,
      mend: 'give a longer --timeout',
    });
  }
  return status;
}

async function openScript(file: string, cwd: string): Promise<AsyncIterable<Uint8Array>> {
  if (file === '-') {
    if (process.stdin.isTTY) {
      throw new DatameshError('not-a-terminal', {
        what: 'standard input is a terminal, and a batch reads a script from it',
        mend: "use 'datamesh batch < FILE' or 'datamesh batch -f FILE'; the console is 'datamesh console'",
      });
    }
    return process.stdin;
  }
  const handle = await open(resolve(cwd, file), 'r').catch((cause: NodeJS.ErrnoException) => {
    const missing = cause.code === 'ENOENT';
    throw new DatameshError(missing ? 'file-not-found' : 'file-denied', {
      what: missing ? `there is no script ${file}` : `the script ${file} cannot be read`,
      why: cause.code,
      mend: 'check the path',
      cause,
    });
  });
  if ((await handle.stat()).isDirectory()) {
    await handle.close();
    throw new DatameshError('is-a-directory', { what: `${file} is a directory`, mend: 'give a file' });
  }
  return handle.createReadStream();
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
