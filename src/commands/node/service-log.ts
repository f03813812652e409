/** Reading the service's log: its last lines, and what comes after them. */
import { open, stat } from 'node:fs/promises';
import { olderLogs } from './service-events.ts';

/** Read from the end, piece by piece; a thousand lines of a service are some 100 KiB. */
const PIECE_BYTES = 256 * 1024;
const FOLLOW_POLL_MS = 200;
/** Some thirty lines: no two logs begin with the same. */
const BEGINNING_BYTES = 4096;
const NEWLINE = 10;

export interface Tail {
  lines: string[];
  /** Where the next line will begin. */
  position: number;
}

/** Which logs were put aside when a place in the newest was noted, the newest first: none of them is written again. */
export type PutAside = readonly (string | undefined)[];

/** The last lines of a log and, where it has fewer, of those that were put aside before it. */
export async function lastLines(path: string, count: number): Promise<Tail & { aside: PutAside }> {
  const aside = await putAsideBy(path);
  const { lines, position } = await tailOf(path, count);
  // The place is one in the log that these came before.
  if (logsSince(aside, await putAsideBy(path)) > 0) return lastLines(path, count);
  const parts = [lines];
  let missing = count - lines.length;
  for (const older of olderLogs(path)) {
    if (missing <= 0) break;
    const before = (await tailOf(older, missing)).lines;
    parts.unshift(before);
    missing -= before.length;
  }
  return { lines: parts.flat(), position, aside };
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

/**
 * Lines that are added after `position`, until `signal` fires. What was still written to a log that is put aside meanwhile is read where
 * it lies then: the same bytes at the same places (service-events.ts).
 */
export async function* follow(
  path: string,
  position: number,
  signal: AbortSignal,
  aside?: PutAside,
): AsyncGenerator<string> {
  const older = olderLogs(path);
  let at = position;
  let seen = aside ?? (await putAsideBy(path));
  while (!signal.aborted) {
    const size = await sizeOf(path);
    const now = await putAsideBy(path);
    const since = logsSince(seen, now);
    if (since > 0) {
      // Copied, and about to be emptied: its lines would come twice.
      const emptied = size < (await sizeOf(older[0]!)) || !(await beginAlike(path, older[0]!));
      for (let next = since - 1; emptied && next >= 0; next--) {
        yield* (await tailOf(older[next]!, Infinity, at)).lines;
        at = 0;
      }
      if (emptied) seen = now;
    } else if (size < at) {
      at = 0;
    } else if (size > at) {
      const next = await tailOf(path, Infinity, at);
      // Put aside while it was read: what was read may be of both.
      if (logsSince(seen, await putAsideBy(path)) > 0) continue;
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

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

async function beginAlike(...paths: string[]): Promise<boolean> {
  // One that has just moved on is looked for again.
  const [one, other] = await Promise.all(paths.map((path) => beginningOf(path).catch(() => undefined)));
  return one === undefined || other === undefined || one.equals(other);
}

async function beginningOf(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(BEGINNING_BYTES), 0, BEGINNING_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** An inode is used again, but not with the time of the file that had it before. */
async function putAsideBy(path: string): Promise<PutAside> {
  const found = await Promise.all(olderLogs(path).map((log) => stat(log).catch(() => undefined)));
  return found.map((log) => (log === undefined ? undefined : `${log.ino} ${log.mtimeMs}`));
}

/** How many logs were put aside between the two. Without a newest one they are just moving on, or somebody has removed it. */
function logsSince([newest]: PutAside, now: PutAside): number {
  if (now[0] === undefined) return 0;
  const at = now.indexOf(newest);
  return at < 0 ? 1 : at;
}
