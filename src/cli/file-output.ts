/** `> FILE` in a script or the console: results as they would be in a pipe, into a file; words for a person go on to where they went. */
import { appendFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { RunOutput } from '../commands/execute.ts';
import { type Destination, openDestination, throughLinks } from '../commands/files/destination.ts';
import { SECRET_MODE } from '../engine/keys/secret-file.ts';
import type { ParsedCommand } from '../lang/types.ts';
import { commandOutput } from './output.ts';
import type { Streams } from './streams.ts';

/** Written in pieces of this size at least, so that memory does not grow with the file. */
const PIECE_BYTES = 1024 * 1024;
/** Somebody has these open already and writes on: they are added to, never replaced. */
const OPEN_ALREADY = /^\/(dev\/(fd\/|std(out|err)$)|proc\/)/;

/**
 * `other` is what the host shows without a redirection. A dry run writes no file: what would stand in it is shown. The file is replaced
 * when all of it has come: a command that fails leaves it as it is. To `>>` is added what came.
 */
export function redirected(
  parsed: ParsedCommand,
  { cwd, signal }: { cwd: string; signal: AbortSignal },
  other: RunOutput,
): RunOutput {
  const { redirect } = parsed;
  if (redirect === undefined || parsed.options.dryRun) return other;
  const path = resolve(cwd, redirect.path);
  const append = redirect.append || OPEN_ALREADY.test(path);
  // What carries secrets is for its owner alone.
  const mode = parsed.command.sensitive === true ? SECRET_MODE : undefined;
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let destination: Destination | undefined;
  let problem: unknown;
  let writing = Promise.resolve();
  const flush = () => {
    const piece = Buffer.concat(waiting);
    waiting = [];
    waitingBytes = 0;
    writing = writing.then(async () => {
      if (problem !== undefined) return;
      try {
        // Nothing lies in a named pipe that could be added to.
        destination ??=
          append && !(await isNamedPipe(path))
            ? added(path, mode)
            : await openDestination(await throughLinks(path), true, mode, signal);
        await destination.write(piece);
      } catch (error) {
        problem = error;
      }
    });
    return writing;
  };
  const take = (bytes: Uint8Array) => {
    waiting.push(Uint8Array.from(bytes));
    waitingBytes += bytes.length;
  };
  const streams: Streams = {
    stdoutIsTty: false,
    stderrIsTty: false,
    columns: () => undefined,
    write(text) {
      take(Buffer.from(text));
      if (waitingBytes > PIECE_BYTES) void flush();
    },
    async writeBytes(bytes) {
      take(bytes);
      if (waitingBytes > PIECE_BYTES) await flush();
      if (problem !== undefined) throw problem;
    },
    drained: async () => {},
    writeError() {},
    flush: async () => {},
    lost: () => undefined,
  };
  const file = commandOutput(parsed, streams, { color: false, errorColor: false, fallbackColumns: 80 });
  return {
    ...other,
    record: (record) => file.record(record),
    note: (text) => (parsed.command.columns === undefined ? file.note(text) : other.note(text)),
    bytes: (chunk) => file.bytes(chunk),
    async end(failed) {
      try {
        await file.end(failed);
        if (failed !== true || (append && waitingBytes > 0)) void flush();
        await writing;
        if (failed !== true) {
          if (problem !== undefined) throw problem;
          await destination?.commit();
        }
      } finally {
        await destination?.discard();
      }
      await other.end(failed);
    },
  };
}

function added(path: string, mode: number | undefined): Destination {
  return {
    write: (chunk) => appendFile(path, chunk, { mode: mode ?? 0o666 }),
    commit: async () => {},
    discard: async () => {},
  };
}

/** One that this process has open already is not waited for. */
async function isNamedPipe(path: string): Promise<boolean> {
  return !OPEN_ALREADY.test(path) && (await stat(path).catch(() => undefined))?.isFIFO() === true;
}
