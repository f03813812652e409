/** Waits until something in a folder has changed and been quiet for a moment, or until it is time to look at the other side. */
import { realpath } from 'node:fs/promises';
import { relative, sep } from 'node:path';
import { STATE_FOLDER } from './state.ts';

export interface FolderWatch {
  /** Resolves after a change, or after `maxMs`; at once when something has changed since the last time. Rejects when the signal fires. */
  next(maxMs: number, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** An editor writes a file in several steps; each change starts this anew. */
const QUIET_MS = 300;
/** Where it is never quiet, as beside a log that is written to all the time, what is there is taken all the same. */
const RESTLESS_MS = 5000;

/** @param skip folders whose changes are none: a node writes to its data folder all the time */
export async function watchFolder(
  root: string,
  skip: readonly string[],
  onError: (error: Error) => void,
): Promise<FolderWatch> {
  const { watch } = await import('chokidar');
  const left: string[] = [];
  for (const path of skip) left.push(await realpath(path).catch(() => path));
  const isNotes = (path: string) => relative(root, path).split(sep).includes(STATE_FOLDER);
  const watcher = watch(root, {
    ignoreInitial: true,
    followSymlinks: false,
    ignored: (path) => isNotes(path) || left.some((own) => path === own || path.startsWith(`${own}/`)),
  });
  let changed = false;
  let wake: (() => void) | undefined;
  let quiet: NodeJS.Timeout | undefined;
  let restless: NodeJS.Timeout | undefined;
  const settle = () => {
    clearTimeout(quiet);
    clearTimeout(restless);
    restless = undefined;
  };
  watcher.on('all', () => {
    changed = true;
    clearTimeout(quiet);
    quiet = setTimeout(() => wake?.(), QUIET_MS);
    restless ??= setTimeout(() => wake?.(), RESTLESS_MS);
  });
  watcher.on('error', (error) => onError(error instanceof Error ? error : new Error(String(error))));
  await new Promise<void>((ready) => watcher.on('ready', () => ready()));
  return {
    next: (maxMs, signal) =>
      new Promise((done, failed) => {
        signal.throwIfAborted();
        const stop = () => end(() => failed(signal.reason));
        const timer = setTimeout(() => wake?.(), changed ? QUIET_MS : maxMs);
        const end = (tell: () => void) => {
          clearTimeout(timer);
          settle();
          signal.removeEventListener('abort', stop);
          wake = undefined;
          changed = false;
          tell();
        };
        wake = () => end(done);
        signal.addEventListener('abort', stop, { once: true });
      }),
    async close() {
      settle();
      await watcher.close();
    },
  };
}
