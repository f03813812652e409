/**
 * What a service writes: for a person a line each, for programs JSON by pino. Started in the background it is the one that writes its log file, and
 * keeps it within bounds: what is full is copied to `.1` and emptied, so that whatever else the process says there (a crash) still has its place.
 */
import {
  closeSync,
  copyFileSync,
  fstatSync,
  ftruncateSync,
  openSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import type { Logger } from 'pino';
import type { EventLevel, EventView } from '../../engine/engine.ts';
import type { OutputRecord } from '../command.ts';
import { safeText } from '../format/safe-text.ts';

/** A log that has grown past this is put aside; so many are kept beside it, and the oldest goes: 60 MiB in all. */
const MAX_LOG_BYTES = 10 * 1024 * 1024;
const KEPT_LOGS = 5;
/** A log that could not be put aside, as on a full disk, is tried again after so much more, and given up when it is twice as long as it may be. */
const TRY_AGAIN_SHARE = 0.1;
/** Names the log that standard output goes to. */
export const LOG_FILE_ENV = 'DATAMESH_LOG_FILE';

export const LOG_LEVELS: readonly EventLevel[] = ['debug', 'info', 'warn', 'error'];

export type ServiceEvent = Omit<EventView, 'seq'>;

export interface EventWriter {
  /** This and what is graver. */
  level: EventLevel;
  write(event: ServiceEvent): void;
}

/** One line for each, whatever its text: peers and files have their say in it. @param line takes one that is ready to be printed */
export function textWriter(level: EventLevel, line: (text: string) => void): EventWriter {
  return filtered(level, ({ atMs, level: of, source, text }) =>
    line(`${new Date(atMs).toISOString()} ${of.padEnd(5)} ${source}: ${safeText(text)}`),
  );
}

/** @param record takes one for programs */
export function recordWriter(level: EventLevel, record: (record: OutputRecord) => void): EventWriter {
  return filtered(level, ({ atMs, level: of, source, text }) => record({ atMs, level: of, source, text }));
}

/** @param node name of the node, in every line */
export async function jsonWriter(
  level: EventLevel,
  node: string,
  destination: { write(line: string): void },
): Promise<EventWriter> {
  const { pino } = await import('pino');
  const logger: Logger = pino(
    {
      level: 'debug',
      base: { node },
      // The event says when it happened.
      timestamp: false,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  return filtered(level, ({ atMs, level: of, source, text }) =>
    logger[of]({ time: new Date(atMs).toISOString(), source }, text),
  );
}

function filtered(level: EventLevel, write: (event: ServiceEvent) => void): EventWriter {
  const writer: EventWriter = {
    level,
    write(event) {
      if (LOG_LEVELS.indexOf(event.level) >= LOG_LEVELS.indexOf(writer.level)) write(event);
    },
  };
  return writer;
}

/**
 * Standard output, where it is the log at `path`, with its bounds. A disk that is full costs lines, not the service.
 */
export function boundedLog(
  path: string,
  descriptor = 1,
  maxBytes = MAX_LOG_BYTES,
): { write(line: string): void } {
  const own = isSame(path, descriptor);
  let bytes = own ? fstatSync(descriptor).size : 0;
  let bound = maxBytes;
  return {
    write(line) {
      try {
        if (own && bytes > bound) {
          if (putAside(path) || bytes > 2 * maxBytes) {
            ftruncateOf(path);
            bytes = 0;
            bound = maxBytes;
          } else bound = bytes + maxBytes * TRY_AGAIN_SHARE;
        }
        // A pipe that nobody empties takes nothing at once; a file does.
        if (own) bytes += writeSync(descriptor, line);
        else process.stdout.write(line);
      } catch {
        // Nobody else could be told.
      }
    },
  };
}

function isSame(path: string, descriptor: number): boolean {
  try {
    const [named, open] = [statSync(path), fstatSync(descriptor)];
    return open.isFile() && named.ino === open.ino && named.dev === open.dev;
  } catch {
    return false;
  }
}

/** Copied first: where there is no room for that, those before it must not move on and fall off the end for nothing. */
function putAside(path: string): boolean {
  const copy = `${path}.new`;
  try {
    copyFileSync(path, copy);
    const older = olderLogs(path);
    for (let at = older.length - 1; at >= 1; at--) {
      try {
        renameSync(older[at - 1]!, older[at]!);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
    renameSync(copy, older[0]!);
    return true;
  } catch {
    return false;
  }
}

/** Where the logs before this one lie, the newest first. */
export function olderLogs(path: string): string[] {
  return Array.from({ length: KEPT_LOGS }, (_, at) => `${path}.${at + 1}`);
}

/** Standard output appends, so it goes on at the new end. */
function ftruncateOf(path: string): void {
  const file = openSync(path, 'r+');
  try {
    ftruncateSync(file, 0);
  } finally {
    closeSync(file);
  }
}

/** A line of the log for a person; what is no JSON of ours stays as it is. */
export function readableLine(line: string): string {
  if (!line.startsWith('{')) return line;
  try {
    const { time, level, source, msg } = JSON.parse(line) as Record<string, unknown>;
    if ([time, level, source, msg].some((it) => typeof it !== 'string')) return line;
    return `${time} ${String(level).padEnd(5)} ${source}: ${safeText(String(msg))}`;
  } catch {
    return line;
  }
}
