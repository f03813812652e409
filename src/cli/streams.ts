/** Standard output and error of the process: back-pressure, and what to do when the reader has gone. */
import { DatameshError } from '../errors.ts';

/** 128 + SIGPIPE, as a shell reports a program that a closed pipe killed. */
export const EXIT_PIPE = 141;

export interface Streams {
  readonly stdoutIsTty: boolean;
  readonly stderrIsTty: boolean;
  /** Cells of the terminal on stdout (else stderr); undefined off a terminal. */
  columns(): number | undefined;
  write(text: string): void;
  /** Resolves when the bytes have left the process, so that their memory may be used again. Rejects when nobody reads any more. */
  writeBytes(bytes: Uint8Array): Promise<void>;
  /** Resolves when the reader has taken enough to go on. Rejects when nobody reads any more. */
  drained(): Promise<void>;
  writeError(text: string): void;
  /** Everything written has left the process, or is known to be lost. */
  flush(): Promise<void>;
  /** The status to end with when standard output could not be written. */
  lost(): number | undefined;
}

/** Bytes waiting in the process beyond which `drained` waits. */
const HIGH_WATER_BYTES = 1024 * 1024;

/** `onGone` is called once when stdout cannot be written any more: 141 for a closed pipe, 10 for a full disk. */
export function processStreams(onGone: (status: number) => void): Streams {
  const { stdout, stderr } = process;
  let gone: DatameshError | undefined;
  let lost: number | undefined;
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (gone) return;
    const full = error.code === 'ENOSPC' || error.code === 'EDQUOT';
    gone = full
      ? new DatameshError('disk-full', {
          what: 'standard output cannot be written: no space is left',
          mend: 'free space or write elsewhere',
          cause: error,
        })
      : new DatameshError('failed', {
          what: `standard output cannot be written: ${error.code ?? error.message}`,
          cause: error,
        });
    if (full) stderr.write(`error[${gone.id}]: ${gone.message}; ${gone.mend}\n`);
    lost = error.code === 'EPIPE' || error.code === 'EIO' ? EXIT_PIPE : gone.exit;
    onGone(lost);
  });
  stderr.on('error', () => {});

  return {
    stdoutIsTty: stdout.isTTY === true,
    stderrIsTty: stderr.isTTY === true,
    // A terminal that was never given a size says 0.
    columns: () => (stdout.isTTY ? stdout.columns : stderr.isTTY ? stderr.columns : 0) || undefined,
    write(text) {
      if (!gone) stdout.write(text);
    },
    async writeBytes(bytes) {
      if (gone) throw gone;
      await new Promise<void>((resolve, reject) => {
        stdout.write(bytes, (error) => (error ? reject(gone ?? error) : resolve()));
      });
    },
    async drained() {
      if (gone) throw gone;
      if (stdout.writableLength < HIGH_WATER_BYTES) return;
      await new Promise<void>((resolve, reject) => {
        const done = () => {
          stdout.off('drain', done).off('error', failed);
          resolve();
        };
        const failed = (error: Error) => {
          stdout.off('drain', done).off('error', failed);
          reject(gone ?? error);
        };
        stdout.on('drain', done).on('error', failed);
      });
    },
    writeError(text) {
      // Whoever closed the pipe knows; a full disk was reported when it happened.
      if (!gone) stderr.write(text);
    },
    lost: () => lost,
    async flush() {
      // A file is written at once, and its error told a turn later.
      await new Promise((resolve) => setImmediate(resolve));
      await Promise.all(
        [stdout, stderr].map(
          (stream) =>
            new Promise<void>((resolve) => {
              if (stream.destroyed || stream.writableLength === 0) return resolve();
              stream.write('', () => resolve());
            }),
        ),
      );
    },
  };
}
