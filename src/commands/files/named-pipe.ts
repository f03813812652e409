/** A named pipe as a source: opened once, for a writer whose reader goes away loses what it writes. */
import { closeSync, constants, open, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { promisify } from 'node:util';

/** Between two tries to wake an open that nobody writes to. */
const WAKE_MS = 20;

/** Waits for a writer, and ends when the last one has closed. */
export async function* readPipe(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const fd = await openPipe(path, signal);
  // Not a file stream: its reads block a thread while the writer is silent, and no process ends before its threads do.
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
