/** `> FILE` in a script or the console: results as they would be in a pipe, into a file; words for a person go on to where they went. */
import { appendFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { RunOutput } from '../commands/execute.ts';
import type { ParsedCommand } from '../lang/types.ts';
import { commandOutput } from './output.ts';
import type { Streams } from './streams.ts';

/** Written in pieces of this size at least, so that memory does not grow with the file. */
const PIECE_BYTES = 1024 * 1024;

/**
 * `other` is what the host shows without a redirection. A dry run writes no file: what would stand in it is shown. A command that fails
 * before it has given anything leaves the file as it is.
 */
export function redirected(parsed: ParsedCommand, cwd: string, other: RunOutput): RunOutput {
  const { redirect } = parsed;
  if (redirect === undefined || parsed.options.dryRun) return other;
  const path = resolve(cwd, redirect.path);
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let begun = redirect.append;
  let problem: unknown;
  let writing = Promise.resolve();
  const flush = () => {
    const piece = Buffer.concat(waiting);
    waiting = [];
    waitingBytes = 0;
    writing = writing.then(async () => {
      if (problem !== undefined) return;
      try {
        if (begun) await appendFile(path, piece);
        else await writeFile(path, piece);
        begun = true;
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
      await file.end(failed);
      if (failed !== true || waitingBytes > 0) await flush();
      else await writing;
      if (problem !== undefined) throw problem;
      await other.end(failed);
    },
  };
}
