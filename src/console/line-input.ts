/** The keyboard of the line console. */
import { PassThrough, type Readable } from 'node:stream';
import type { ReadStream } from 'node:tty';

export interface LineInput {
  readonly stream: Readable;
  /** Somebody else reads the keys while `run` lasts: the reader gets none of them. */
  aside<T>(run: () => Promise<T>): Promise<T>;
  /** Nothing more is wanted: the keyboard no longer keeps the process alive. */
  close(): void;
}

/** For a reader that leaves the line's editing, and its echo, to the terminal. */
export function lineInput(stdin: ReadStream): LineInput {
  const stream = new PassThrough();
  const pass = (chunk: Uint8Array | string) => void stream.write(chunk);
  stdin.on('data', pass).once('end', () => stream.end());
  return {
    stream,
    async aside(run) {
      stdin.off('data', pass);
      try {
        return await run();
      } finally {
        stdin.on('data', pass);
        stdin.resume();
      }
    },
    close() {
      stdin.off('data', pass);
      stdin.pause();
    },
  };
}
