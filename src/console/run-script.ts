/** `source FILE`: a batch whose output is the console's. */
import { resolve } from 'node:path';
import { runBatch } from '../batch/batch.ts';
import { humanReporter } from '../batch/reporter.ts';
import { openScriptFile } from '../batch/script-file.ts';
import { decodeScript, readScript } from '../batch/source.ts';
import type { ConsoleContext } from '../commands/console/port.ts';
import type { Host, RunOutput } from '../commands/execute.ts';
import type { Registry } from '../commands/registry.ts';
import { DEFAULT_FLAGS } from '../lang/global-options.ts';
import type { ParsedCommand } from '../lang/types.ts';

interface ScriptDeps {
  registry: Registry;
  env: Host['env'];
  host: Omit<Host, 'output'>;
  output(parsed: ParsedCommand): RunOutput;
  diagnostic(text: string): void;
}

/** The exit status, as of `datamesh batch -f FILE --echo`. */
export async function runScriptHere(
  path: string,
  context: ConsoleContext,
  deps: ScriptDeps,
): Promise<number> {
  const { out, cwd, options, signal } = context;
  const text = decodeScript(await readScript(await openScriptFile(resolve(cwd, path), path, signal), signal));
  const line = (tell: (text: string) => void) => (written: string) => tell(written.replace(/\n$/, ''));
  return runBatch(
    text,
    { ...deps.host, output: deps.output },
    {
      registry: deps.registry,
      flags: { ...DEFAULT_FLAGS, yes: options.yes, dryRun: options.dryRun },
      variables: {},
      env: deps.env,
      file: path,
      check: false,
      keepGoing: false,
      reporter: humanReporter(
        { out: line((it) => out.note(it)), err: line(deps.diagnostic), drained: async () => {} },
        { echo: true, quiet: false, file: path, output: deps.output },
      ),
      now: () => performance.now(),
    },
  );
}
