/**
 * Named pipes, opened once: a writer whose reader goes away loses what it writes. No thread waits in a call for the other side, as file streams do: no process ends before
 * its threads do.
 */
import { closeSync, constants, open, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Destination } from './destination.ts';

/** Between two tries to wake an open that nobody writes to, or to open what nobody reads. */
const WAKE_MS = 20;

/** Waits for a writer, and ends when the last one has closed. */
export async function* readPipe(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const fd = await openPipe(path, signal);
  yield* new Socket({ fd, readable: true, writable: false, signal }) as AsyncIterable<Buffer>;
}

async function openPipe(path: string, signal: AbortSignal): Promise<number> {
  signal.throwIfAborted();
  let waking: NodeJS.Timeout | undefined;
  // The open waits in a thread for a writer: giving up is being that writer.
  const wake = () => {
    waking ??= setInterval(wake, WAKE_MS);
    try {
      closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
    } catch {
      // It does not wait yet.
    }
  };
  signal.addEventListener('abort', wake, { once: true });
  try {
    const fd = await promisify(open)(path, 'r');
    if (!signal.aborted) return fd;
    closeSync(fd);
    throw signal.reason;
  } finally {
    signal.removeEventListener('abort', wake);
    clearInterval(waking);
  }
}

/** Waits for a reader. What the other side does not take is waited for, until the signal fires. */
export async function writePipe(path: string, signal: AbortSignal | undefined): Promise<Destination> {
  const fd = await openForReader(path, signal);
  const pipe = new Socket({ fd, readable: false, writable: true, ...(signal && { signal }) });
  // Each call is told of it; an error that nobody listens to would end the process.
  pipe.on('error', () => {});
  return {
    write: (chunk) => promisify<Uint8Array, void>((bytes, done) => pipe.write(bytes, done))(chunk),
    commit: () => promisify((done: (error?: Error | null) => void) => pipe.end(done))(),
    discard: async () => void pipe.destroy(),
  };
}

async function openForReader(path: string, signal: AbortSignal | undefined): Promise<number> {
  for (;;) {
    signal?.throwIfAborted();
    try {
      return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENXIO') throw error;
    }
    await sleep(WAKE_MS, undefined, { signal });
  }
}
