/** Reading the service's log: its last lines, and what comes after them. */
import { open, stat } from 'node:fs/promises';

/** Read from the end in one piece; a thousand lines of a service are some 100 KiB. */
const MAX_TAIL_BYTES = 1024 * 1024;
const FOLLOW_POLL_MS = 200;

export interface Tail {
  lines: string[];
  /** Where the next line will begin. */
  position: number;
}

/** At most `count` whole last lines that begin at or after `from`. An absent log has none. */
export async function tailOf(path: string, count: number, from = 0): Promise<Tail> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (file === undefined) return { lines: [], position: 0 };
  try {
    const { size } = await file.stat();
    const start = Math.max(from, size - MAX_TAIL_BYTES, 0);
    const buffer = Buffer.alloc(Math.max(0, size - start));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, start);
    const end = buffer.subarray(0, bytesRead).lastIndexOf(10) + 1;
    const lines = buffer.toString('utf8', 0, end).split('\n').slice(0, -1);
    // Unless the read began at a line, its first line is the end of one.
    if (start > from) lines.shift();
    return { lines: count === 0 ? [] : lines.slice(-count), position: start + end };
  } finally {
    await file.close();
  }
}

/** Lines that are added after `position`, until `signal` fires. A log that was put aside is read from its new beginning. */
export async function* follow(path: string, position: number, signal: AbortSignal): AsyncGenerator<string> {
  let at = position;
  while (!signal.aborted) {
    const size = (await stat(path).catch(() => undefined))?.size ?? 0;
    if (size < at) at = 0;
    if (size > at) {
      const next = await tailOf(path, Infinity, at);
      yield* next.lines;
      at = next.position;
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, FOLLOW_POLL_MS);
      function done() {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      }
      signal.addEventListener('abort', done, { once: true });
    });
  }
}
