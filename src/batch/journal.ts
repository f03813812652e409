/**
 * Which steps of a script have been done, so that `batch --resume` goes on behind them. One file for each script, variables, folder and configuration, a key a line, each
 * on the disk before the next step begins; it holds hashes alone and goes when the script has ended well. It is one run's at a time: two would mix up
 * who has done what.
 */
import { createHash } from 'node:crypto';
import { open as openFile, readdir, readFile, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Host } from '../commands/execute.ts';
import { realClock } from '../engine/effects/clock.ts';
import { acquireLock, type DataLock, type LockHolder } from '../engine/effects/lock.ts';
import { makeDirs } from '../engine/effects/make-dirs.ts';
import { realDisk } from '../engine/effects/real-disk.ts';
import { DatameshError } from '../errors.ts';

/** Scripts that were interrupted and never resumed; the oldest notes go first. */
const MAX_JOURNALS = 100;

export interface Journal {
  /** Keys of steps that an earlier run did; empty unless it is resumed. */
  readonly done: ReadonlySet<string>;
  add(key: string): Promise<void>;
  /** The script has ended; `whole` when nothing is left to be done. */
  end(whole: boolean): Promise<void>;
}

export interface JournalRequest {
  script: string;
  variables: Readonly<Record<string, string>>;
  cwd: string;
  /** Of the node that the steps were done with. */
  configPath: string;
  env: Host['env'];
  resume: boolean;
  /** Notes cannot be kept: the script goes on, and cannot be resumed. Told once. */
  problem(text: string): void;
}

/** Undefined where no notes can be kept and none are asked for. Throws with `resume` when they cannot be read. */
export async function openJournal(request: JournalRequest): Promise<Journal | undefined> {
  try {
    return await open(request);
  } catch (error) {
    if (request.resume) throw error;
    request.problem(cannot(error));
    return undefined;
  }
}

const cannot = (error: unknown) =>
  `what is done cannot be noted for --resume: ${error instanceof Error ? error.message : String(error)}`;

async function open(request: JournalRequest): Promise<Journal> {
  const { script, variables, cwd, configPath, env, resume, problem } = request;
  const folder = journalFolder(env);
  const id = createHash('sha256')
    .update(JSON.stringify([script, variables, cwd, configPath]))
    .digest('hex')
    .slice(0, 32);
  const path = join(folder, `${id}.steps`);
  await makeDirs(folder, 0o700);
  const release = await holdNotes(path);
  try {
    return await openHeld({ path, folder, resume, problem, release });
  } catch (error) {
    await release();
    throw error;
  }
}

/** What lets go of them, and leaves nothing behind. Throws `lock-held` where another run of the script is under way. */
async function holdNotes(path: string): Promise<() => Promise<void>> {
  let lock: DataLock;
  try {
    lock = await acquireLock(realDisk(), lockOf(path), realClock());
  } catch (cause) {
    if (!(cause instanceof DatameshError) || cause.code !== 'lock-held') throw cause;
    const { pid } = (cause.details ?? {}) as Partial<LockHolder>;
    throw new DatameshError('lock-held', {
      what: `${pid === undefined ? 'another process' : `process ${pid}`} is running the same script in this folder`,
      mend: 'wait until it has ended, then give --resume: what is left to be done is known by then',
      cause,
    });
  }
  return async () => {
    await rm(`${lockOf(path)}.guard`, { force: true });
    await lock.release();
  };
}

const lockOf = (path: string) => `${path}.LOCK`;

interface HeldNotes extends Pick<JournalRequest, 'resume' | 'problem'> {
  path: string;
  folder: string;
  release(): Promise<void>;
}

async function openHeld({ path, folder, resume, problem, release }: HeldNotes): Promise<Journal> {
  const text = resume ? await readIfThere(path) : '';
  // A line that a crash cut off is a step that was not noted: it is done again.
  const done = new Set(text.split('\n').filter((line) => /^[0-9a-f]{32}$/.test(line)));
  const file = await openFile(path, resume ? 'a' : 'w', 0o600);
  if (text !== '' && !text.endsWith('\n')) await file.write('\n');
  await dropOldest(folder);
  let broken = false;
  return {
    done,
    async add(key) {
      if (broken) return;
      try {
        await file.write(`${key}\n`);
        await file.datasync();
      } catch (error) {
        broken = true;
        problem(cannot(error));
      }
    },
    async end(whole) {
      await file.close();
      if (whole) await rm(path, { force: true });
      await release();
    },
  };
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

export function journalFolder(env: Host['env']): string {
  const state = env.XDG_STATE_HOME;
  const base = state?.startsWith('/') ? state : join(env.HOME ?? homedir(), '.local/state');
  return join(base, 'datamesh', 'batches');
}

async function dropOldest(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.steps'));
  if (names.length <= MAX_JOURNALS) return;
  const dated = await Promise.all(
    names.map(async (name) => ({
      name,
      atMs: (await stat(join(folder, name)).catch(() => undefined))?.mtimeMs ?? 0,
    })),
  );
  dated.sort((a, b) => a.atMs - b.atMs);
  for (const { name } of dated.slice(0, names.length - MAX_JOURNALS)) {
    const path = join(folder, name);
    for (const each of [path, lockOf(path), `${lockOf(path)}.guard`]) await rm(each, { force: true });
  }
}
