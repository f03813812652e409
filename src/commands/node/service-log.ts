/** Reading the service's log: its last lines, and what comes after them. */
import { open, stat } from 'node:fs/promises';
import { olderLogs } from './service-events.ts';

/** Read from the end, piece by piece; a thousand lines of a service are some 100 KiB. */
const PIECE_BYTES = 256 * 1024;
const FOLLOW_POLL_MS = 200;
const NEWLINE = 10;

export interface Tail {
  lines: string[];
  /** Where the next line will begin. */
  position: number;
}

/** The last lines of a log and, where it has fewer, of those that were put aside before it. */
export async function lastLines(path: string, count: number): Promise<Tail> {
  const { lines, position } = await tailOf(path, count);
  const parts = [lines];
  let missing = count - lines.length;
  for (const older of olderLogs(path)) {
    if (missing <= 0) break;
    const before = (await tailOf(older, missing)).lines;
    parts.unshift(before);
    missing -= before.length;
  }
  return { lines: parts.flat(), position };
}

/** Whether what a process prints goes to `path`; undefined where the system does not tell. */
export async function printsTo(pid: number, path: string): Promise<boolean | undefined> {
  const [printed, log] = await Promise.all(
    [`/proc/${pid}/fd/1`, path].map((of) => stat(of).catch(() => undefined)),
  );
  if (printed === undefined) return undefined;
  return log?.ino === printed.ino && log.dev === printed.dev;
}

/** At most `count` whole last lines that begin at or after `from`. An absent log has none. */
export async function tailOf(path: string, count: number, from = 0): Promise<Tail> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (file === undefined) return { lines: [], position: 0 };
  try {
    let start = (await file.stat()).size;
    let ends = 0;
    const pieces: Buffer[] = [];
    // One end more than lines are wanted: unless the read began at a line, its first line is the end of one.
    while (start > from && ends <= count) {
      const length = Math.min(PIECE_BYTES, start - from);
      start -= length;
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, start);
      const piece = buffer.subarray(0, bytesRead);
      pieces.unshift(piece);
      for (const byte of piece) if (byte === NEWLINE) ends++;
    }
    const read = Buffer.concat(pieces);
    const end = read.lastIndexOf(NEWLINE) + 1;
    const lines = read.toString('utf8', 0, end).split('\n').slice(0, -1);
    if (start > from) lines.shift();
    return { lines: count === 0 ? [] : lines.slice(-count), position: Math.max(start, from) + end };
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
