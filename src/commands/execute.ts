/** Runs one parsed command for whoever asks: one-shot, batch and console differ only in the Host they bring. */
import type { Config } from '../config/schema.ts';
import { asClearError } from '../engine/effects/file-errors.ts';
import type { Engine } from '../engine/engine.ts';
import { DatameshError, EXIT } from '../errors.ts';
import { applyFilters } from '../lang/filters.ts';
import type { ParsedCommand } from '../lang/types.ts';
import type { Command, Context, Output, OutputRecord } from './command.ts';
import { withOwnMends } from './too-few-nodes.ts';

/** An Output that belongs to one run of one command. */
export interface RunOutput extends Output {
  /** The run failed or was cancelled; the error is shown once, here. */
  error(error: DatameshError): void;
  /** The run is over: what was held back (a table) is written. Throws when it cannot be. `failed`: it broke off, and more would have come. */
  end(failed?: boolean): Promise<void>;
}

/** What a command needs of its surroundings. */
export interface Host {
  readonly mode: Context['mode'];
  readonly interactive: boolean;
  readonly cwd: string;
  readonly env: Context['env'];
  /** Cells of the terminal, for help; 80 where there is none. */
  readonly width: number;
  /** Fires when the caller wants everything to stop (Ctrl-C). */
  readonly signal: AbortSignal;
  output(parsed: ParsedCommand): RunOutput;
  stdin(): AsyncIterable<Uint8Array>;
  config(): Promise<Config>;
  configPath(): string;
  engine(): Promise<Engine>;
  service(): Promise<Engine | undefined>;
  /** Asks; `--yes` is answered before it gets here. Throws `confirmation-needed` where nobody can be asked. */
  confirm(question: string): Promise<boolean>;
  secret(prompt: string): Promise<string | undefined>;
}

/** The exit status. Never throws: errors go to the host's output. */
export async function executeParsed(parsed: ParsedCommand, host: Host): Promise<number> {
  const { command, options, values } = parsed;
  const out = withFilters(host.output(parsed), parsed);
  const deadline = startDeadline(options.timeoutMs);
  const signal = deadline === undefined ? host.signal : AbortSignal.any([host.signal, deadline.signal]);
  try {
    if (options.help) {
      if (options.json) {
        const { declaration } = await import('./format/declaration.ts');
        out.record(declaration(command));
      } else {
        const { commandHelp } = await import('./format/help.ts');
        for (const line of commandHelp(command, host.width)) out.note(line);
      }
      await out.end();
      return EXIT.ok;
    }
    signal.throwIfAborted();
    const context: Context = {
      out,
      signal,
      cwd: host.cwd,
      env: host.env,
      mode: host.mode,
      interactive: host.interactive,
      stdin: () => host.stdin(),
      config: () => host.config(),
      configPath: () => host.configPath(),
      engine: () => host.engine(),
      service: () => host.service(),
      confirm: async (question) => options.yes || options.dryRun || host.confirm(question),
      secret: (prompt) => host.secret(prompt),
      options,
    };
    const status = await untilAborted(command.run(context, values), signal, graceOf(command));
    await out.end();
    return status ?? EXIT.ok;
  } catch (thrown) {
    const error =
      deadline?.signal.aborted && !host.signal.aborted
        ? timedOut(command, options.timeoutMs ?? 0)
        : await mended(command, translate(thrown, host.signal), host);
    // Rows that were found before the failure are still true; where all was gone through, they are all there are.
    await out.end(error.code !== 'some-failed').catch(() => {});
    out.error(error);
    return error.exit;
  } finally {
    deadline?.cancel();
  }
}

/** The error says what its reader can type: who is asked here knows the command, and who runs the node. */
async function mended(command: Command, error: DatameshError, host: Host): Promise<DatameshError> {
  const own = withOwnMends(command, error);
  // Who installs for a manager says itself what is done with it and what without.
  const isInstaller = command.path[1]?.endsWith('install') === true;
  if (isInstaller || own.mend?.includes('datamesh service ') !== true) return own;
  return await (await import('./node/service-words.ts')).inServiceWords(own, host);
}

/**
 * A handler that does not look at its signal must not hold the caller. What only asks the engine has nothing to put in
 * order; whoever writes, or runs a node, has.
 */
const READ_GRACE_MS = 1000;
const WRITE_GRACE_MS = 10_000;

function graceOf({ effects, needs }: Command): number {
  return effects === 'reads' && needs === 'engine' ? READ_GRACE_MS : WRITE_GRACE_MS;
}

async function untilAborted<T>(run: Promise<T>, signal: AbortSignal, graceMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort = () => {};
  const abandoned = new Promise<never>((_, reject) => {
    onAbort = () => {
      timer = setTimeout(() => reject(signal.reason), graceMs);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([run, abandoned]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

/** Undefined where no time is given, or 0. */
export function startDeadline(
  timeoutMs: number | undefined,
): { signal: AbortSignal; cancel(): void } | undefined {
  if (timeoutMs === undefined || timeoutMs === 0) return undefined;
  const controller = new AbortController();
  // setTimeout takes at most 2^31−1 ms; a longer timeout is as good as none.
  const timer = setTimeout(() => controller.abort(), Math.min(timeoutMs, 2 ** 31 - 1));
  return { signal: controller.signal, cancel: () => clearTimeout(timer) };
}

function timedOut(command: Command, timeoutMs: number): DatameshError {
  return new DatameshError('timeout', {
    what: `'${command.path.join(' ')}' did not end within ${timeoutMs} ms`,
    mend: 'give a longer --timeout, or none',
  });
}

function translate(thrown: unknown, signal: AbortSignal): DatameshError {
  if (
    signal.aborted &&
    (thrown === signal.reason || (thrown instanceof Error && thrown.name === 'AbortError'))
  ) {
    return new DatameshError('cancelled', { what: 'cancelled', cause: thrown });
  }
  return asClearError(thrown);
}

/** Holds the records back until the end when filters must see them all. */
function withFilters(out: RunOutput, { filters }: ParsedCommand): RunOutput {
  if (filters.length === 0) return out;
  const records: OutputRecord[] = [];
  let ended = false;
  return {
    record: (record) => void records.push(record),
    note: (text) => out.note(text),
    warn: (text) => out.warn(text),
    bytes: (chunk) => out.bytes(chunk),
    progress: (label, progress) => out.progress(label, progress),
    error: (error) => out.error(error),
    end(failed) {
      // Of rows that did not all come no number is true.
      const isTrue = failed !== true || !filters.some(({ kind }) => kind === 'count');
      if (!ended && isTrue) for (const record of applyFilters(records, filters)) out.record(record);
      ended = true;
      return out.end(failed);
    },
  };
}
