/**
 * One process per data folder. What excludes a second process is a lock of the kernel (an exclusive SQLite
 * transaction on LOCK.guard, fcntl underneath): it is taken atomically, and it goes with its process however that
 * dies, so there is no stale lock to judge and a reused pid cannot be mistaken for the holder. The file LOCK beside
 * it says who holds it and is only read to name the holder.
 */
import { link } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { DatabaseSync } from 'node:sqlite';
import { DatameshError } from '../../errors.ts';
import { openBeside } from './atomic-write.ts';
import type { Clock } from './clock.ts';
import type { Disk } from './disk.ts';
import { fileError } from './file-errors.ts';

export interface LockHolder {
  pid: number;
  host: string;
  startedAtMs: number;
}

export interface DataLock {
  readonly holder: LockHolder;
  release(): Promise<void>;
}

/** SQLITE_BUSY: another connection holds the lock. */
const SQLITE_BUSY = 5;
/** Something other than a database. The guard itself is never written to. */
const SQLITE_NOTADB = 26;
/** The winner writes LOCK just after taking the guard; the loser waits this long for a holder other than the last. */
const NAME_TRIES = 10;
const NAME_WAIT_MS = 25;
const MAX_LOCK_BYTES = 4096;
/** `lockSoon`: what is held for a moment is held for milliseconds. */
const SOON_TRIES = 500;
const SOON_WAIT_MS = 20;

/**
 * Takes the lock of the data folder `dir`, which must exist. `path` is its LOCK file (options.ts, dataPaths).
 * Throws `lock-held` naming pid and host of the holder; a second lock in the same process is refused too.
 */
export async function acquireLock(disk: Disk, path: string, clock: Clock): Promise<DataLock> {
  const sqlite = await import('node:sqlite');
  await makeGuard(disk, `${path}.guard`);
  let opened: DatabaseSync | undefined;
  try {
    opened = new sqlite.DatabaseSync(`${path}.guard`, { timeout: 0 });
    // A journal in a file would need room on the disk, and where there is none nothing could be deleted any more.
    opened.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    opened?.close();
    if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw cannotLock(path, error);
    const holder = await holderName(disk, path, clock);
    const hasLocks = isRunning(holder) || (await takesNew(disk, path, sqlite.DatabaseSync).catch(() => true));
    if (!hasLocks) throw cannotLock(path, new Error('its file system has no locks'));
    throw lockHeld(path, holder);
  }
  const guard = opened;
  let holder: LockHolder;
  try {
    holder = await noteHolder(disk, path, clock);
  } catch (error) {
    if (fileError(error)?.code !== 'disk-full') {
      guard.close();
      throw cannotLock(path, error);
    }
    // Held without a name; the last holder's would be wrong.
    await disk.remove(path).catch(() => undefined);
    holder = thisProcess(clock);
  }
  let released = false;
  return {
    holder,
    async release() {
      if (released) return;
      released = true;
      // LOCK goes first: removed after the guard it might be the next holder's.
      await disk.remove(path).catch(() => undefined);
      guard.close();
    },
  };
}

/** Writes who holds the lock at `path`, or is at work where there are no locks. */
export async function noteHolder(disk: Disk, path: string, clock: Clock): Promise<LockHolder> {
  const holder = thisProcess(clock);
  await disk.writeFileAtomic(path, Buffer.from(`${JSON.stringify(holder)}\n`), 0o600);
  return holder;
}

/** Whether who was noted there was a process of this machine, and runs no more. */
export async function isHolderGone(disk: Disk, path: string): Promise<boolean> {
  const holder = await readLockHolder(path, disk);
  return holder !== undefined && !isRunning(holder);
}

function thisProcess(clock: Clock): LockHolder {
  return { pid: process.pid, host: hostname(), startedAtMs: clock.now() };
}

/** The same for a file that processes change in a moment: waits its turn, some ten seconds at most. Throws `lock-held`. */
export async function lockSoon(disk: Disk, path: string, clock: Clock): Promise<DataLock> {
  for (let left = SOON_TRIES; ; left--) {
    try {
      return await acquireLock(disk, path, clock);
    } catch (error) {
      if (!(error instanceof DatameshError) || error.code !== 'lock-held') throw error;
      if (left === 0) {
        const { pid } = (error.details ?? {}) as Partial<LockHolder>;
        throw new DatameshError('lock-held', {
          what: `${pid === undefined ? 'another process' : `process ${pid}`} holds ${path} and does not let go; nothing was changed`,
          mend: 'wait until it has ended, and try again',
          cause: error,
        });
      }
    }
    await clock.sleep(SOON_WAIT_MS);
  }
}

/**
 * SQLite would make it for everybody to read, and its journal after it. It comes into being closed: fcntl gives up all locks of a process on a file of which it closes any descriptor, and
 * another try of this process may have the lock by then.
 */
async function makeGuard(disk: Disk, path: string): Promise<void> {
  if ((await disk.stat(path)) !== undefined) return;
  const [file, beside] = await openBeside(disk, path, 0o600, String(process.pid));
  try {
    await file.close();
    await link(beside, path);
  } catch {
    // It has come meanwhile; or there are no further names of files on this file system, and SQLite makes it.
  } finally {
    await disk.remove(beside);
  }
}

/** SQLite says of a lock that no server gives (ENOLCK, as of an NFS without lockd) that another has it; nobody has one on a file that is new. */
async function takesNew(disk: Disk, path: string, Database: typeof DatabaseSync): Promise<boolean> {
  const [file, beside] = await openBeside(disk, `${path}.guard`, 0o600, String(process.pid));
  await file.close();
  const guard = new Database(beside, { timeout: 0 });
  try {
    guard.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    return (error as { errcode?: number }).errcode !== SQLITE_BUSY;
  } finally {
    guard.close();
    await disk.remove(beside);
  }
}

/** Who holds, or last held, the lock at `path`; undefined when nobody or unreadable. */
export async function readLockHolder(path: string, disk: Disk): Promise<LockHolder | undefined> {
  try {
    const bytes = await disk.readFile(path, MAX_LOCK_BYTES);
    if (bytes === undefined) return undefined;
    const found: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof found !== 'object' || found === null) return undefined;
    const { pid, host, startedAtMs } = found as Partial<LockHolder>;
    if (typeof pid !== 'number' || typeof host !== 'string' || typeof startedAtMs !== 'number')
      return undefined;
    return { pid, host, startedAtMs };
  } catch {
    return undefined;
  }
}

/** The holder's name. A LOCK left by a process that was killed may stand until the new holder has written its own. */
async function holderName(disk: Disk, path: string, clock: Clock): Promise<LockHolder | undefined> {
  let holder: LockHolder | undefined;
  for (let attempt = 0; attempt < NAME_TRIES; attempt++) {
    holder = await readLockHolder(path, disk);
    if (isRunning(holder)) return holder;
    await clock.sleep(NAME_WAIT_MS);
  }
  return holder;
}

/** As far as can be told from here. */
function isRunning(holder: LockHolder | undefined): boolean {
  return holder !== undefined && (holder.host !== hostname() || isAlive(holder.pid));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function lockHeld(path: string, holder: LockHolder | undefined): DatameshError {
  const dir = path.replace(/\/[^/]*$/, '');
  const who = holder === undefined ? 'another process' : `process ${holder.pid} on ${holder.host}`;
  return new DatameshError('lock-held', {
    what: `the data folder ${dir} is in use by ${who}`,
    why: 'two processes writing one data folder would destroy each other’s shards',
    mend: 'wait until it has ended, or run a service (datamesh service start), which commands share; another node needs a data folder of its own (--data-dir)',
    ...(holder === undefined ? {} : { details: { ...holder } }),
  });
}

function cannotLock(path: string, cause: unknown): DatameshError {
  if ((cause as { errcode?: number }).errcode === SQLITE_NOTADB) {
    return new DatameshError('failed', {
      what: `${path}.guard is damaged, so nobody can say whether a process holds ${path}`,
      why: 'datamesh leaves it empty; something else wrote into it',
      mend: `make sure that no datamesh runs on this folder, then remove it: rm '${path}.guard'`,
      cause,
    });
  }
  return new DatameshError('failed', {
    what: `cannot lock ${path}: ${cause instanceof Error ? cause.message : String(cause)}`,
    why: 'the folder, or the guard in it, is not writable, or its file system has no locks',
    mend: `look at their owners and modes (ls -ld '${path}.guard'), or choose a data folder on a local disk that this user may write to`,
    cause,
  });
}
