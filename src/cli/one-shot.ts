/** One command line of a shell, from words to exit status. */
import { everydayCommand } from '../commands/everyday.ts';
import { executeParsed, type Host } from '../commands/execute.ts';
import { errorJson, errorLine } from '../commands/format/error-line.ts';
import { createRegistry } from '../commands/registry.ts';
import { asClearError } from '../engine/effects/file-errors.ts';
import { EXIT } from '../errors.ts';
import { commandWord, parseArgv } from '../lang/argv.ts';
import { diagnosticError } from '../lang/diagnostics.ts';
import type { ParsedCommand, ParseResult } from '../lang/types.ts';
import { createCliHost } from './host.ts';
import { type Signals, watchSignals } from './signals.ts';
import { processStreams, type Streams } from './streams.ts';

/** Tests bring an engine of their own. */
export interface OneShotOptions {
  host?: (host: Host) => Host;
}

export async function runOneShot(argv: readonly string[], options: OneShotOptions = {}): Promise<number> {
  const signals = watchSignals();
  const streams = processStreams((status) => signals.stop(status));
  try {
    // `--version` alone never gets here; with more words it is the command.
    const words = argv[0] === '--version' || argv[0] === '-V' ? ['version', ...argv.slice(1)] : argv;
    const { commands, diagnostics } = await parse(words);
    const parsed = commands[0];
    if (parsed === undefined) {
      const json = argv.some((word) => word === '--json' || word.startsWith('--json='));
      for (const diagnostic of diagnostics) {
        const error = diagnosticError(diagnostic);
        streams.writeError(`${json ? errorJson(error) : errorLine(error)}\n`);
      }
      return EXIT.usage;
    }
    const status = signalled(await runParsed(parsed, streams, signals, options), signals);
    // What was written last may only now turn out not to have arrived.
    await streams.flush();
    return streams.lost() ?? status;
  } finally {
    await streams.flush();
    signals.dispose();
  }
}

/** What is wrong is told with all commands at hand: a suggestion may be any of them. */
async function parse(words: readonly string[]): Promise<ParseResult> {
  const everyday = await everydayCommand(commandWord(words));
  if (everyday !== undefined) {
    const parsed = parseArgv(words, createRegistry([everyday]));
    if (parsed.diagnostics.length === 0) return parsed;
  }
  const { wholeRegistry } = await import('../commands/all.ts');
  return parseArgv(words, wholeRegistry());
}

async function runParsed(
  parsed: ParsedCommand,
  streams: Streams,
  signals: Signals,
  options: OneShotOptions,
): Promise<number> {
  const { signal } = signals;
  const isBatch = parsed.command.path[0] === 'batch' && !parsed.options.help;
  const cli = createCliHost({
    flags: parsed.options,
    streams,
    env: process.env,
    cwd: process.cwd(),
    signal,
    mode: isBatch ? 'batch' : 'one-shot',
  });
  const host = options.host?.(cli) ?? cli;
  try {
    if (!isBatch) return await executeParsed(parsed, host);
    const { runBatchCommand } = await import('./batch.ts');
    return await runBatchCommand(parsed, host, streams, cli.style);
  } catch (thrown) {
    const error = asClearError(thrown);
    streams.writeError(
      `${parsed.options.json ? errorJson(error) : errorLine(error, cli.style.errorColor)}\n`,
    );
    return error.exit;
  } finally {
    await cli.access.close();
  }
}

/** What a signal stopped ends with the signal's status; what ended well in spite of it keeps its own. */
function signalled(status: number, signals: Signals): number {
  const cause = signals.status();
  return cause !== undefined && status !== EXIT.ok ? cause : status;
}
