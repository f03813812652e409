/**
 * What both sides of a sync were like when they were last the same, kept in the folder itself: whoever takes the folder away takes the state with it, and a sync without a state
 * deletes nothing.
 */
import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runsAlready } from '../../../engine/backup/locks.ts';
import { realClock } from '../../../engine/effects/clock.ts';
import { acquireLock } from '../../../engine/effects/lock.ts';
import { makeDirs } from '../../../engine/effects/make-dirs.ts';
import { realDisk } from '../../../engine/effects/real-disk.ts';
import { asDatameshError, DatameshError } from '../../../errors.ts';

/** Never synced itself. */
export const STATE_FOLDER = '.datamesh-sync';
/** Files that are on their way into the folder. */
export const INCOMING = 'incoming-';

export interface FileMark {
  size: number;
  /** Nanoseconds and inode as decimal digits: JSON has no such numbers. */
  mtimeNs: string;
  ctimeNs: string;
  inode: string;
}

export interface SyncedFile extends FileMark {
  /** BLAKE3-256, hex. */
  hash: string;
}

export type SyncState = Map<string, SyncedFile>;

const LOCK = 'LOCK';
const GUARD = `${LOCK}.guard`;
const FORMAT = 'datamesh sync state';
const VERSION = 1;

export class StateFile {
  readonly #root: string;
  readonly #path: string;
  readonly #lockInode: bigint;
  readonly #disk = realDisk();
  readonly release: () => Promise<void>;

  /** Throws `lock-held` while another process syncs this folder, and what the file system throws. */
  static async open(root: string, prefix: string): Promise<StateFile> {
    const folder = join(root, STATE_FOLDER);
    await makeDirs(folder, 0o700);
    const lock = await acquireLock(realDisk(), join(folder, LOCK), realClock()).catch((error: unknown) => {
      throw asDatameshError(error).code === 'lock-held' ? runsAlready(`a sync of ${root}`, error) : error;
    });
    for (const name of await readdir(folder)) {
      if (name.includes(INCOMING)) await rm(join(folder, name), { force: true });
    }
    const id = createHash('sha256').update(prefix).digest('hex').slice(0, 16);
    const inode = await lockInode(root);
    return new StateFile(root, join(folder, `${id}.json`), inode!, () => lock.release());
  }

  private constructor(root: string, path: string, inode: bigint, release: () => Promise<void>) {
    this.#root = root;
    this.#path = path;
    this.#lockInode = inode;
    this.release = release;
  }

  /** Throws `file-not-found` where the folder of before is no more, e.g. its disk was taken away: whatever is not in what is there now was not deleted. */
  async needIsThere(): Promise<void> {
    if ((await lockInode(this.#root)) === this.#lockInode) return;
    throw new DatameshError('file-not-found', {
      what: `${join(this.#root, STATE_FOLDER)} is gone, or another one; nothing was deleted`,
      why: 'what was last the same is noted there; its disk may have been taken away',
      mend: 'see that the folder is the right one, then start it again: datamesh sync',
    });
  }

  /** Empty when there is none, or it makes no sense: then nothing was ever the same, and nothing is deleted. */
  async read(): Promise<SyncState> {
    return await readState(this.#path);
  }

  async write(state: SyncState): Promise<void> {
    const text = JSON.stringify({ format: FORMAT, version: VERSION, files: [...state] });
    await this.#disk.writeFileAtomic(this.#path, Buffer.from(text), 0o600);
  }
}

async function lockInode(root: string): Promise<bigint | undefined> {
  const found = await lstat(join(root, STATE_FOLDER, GUARD), { bigint: true }).catch(() => undefined);
  return found?.ino;
}

/** Without the lock, for a dry run. */
export async function peekState(root: string, prefix: string): Promise<SyncState> {
  const id = createHash('sha256').update(prefix).digest('hex').slice(0, 16);
  return await readState(join(root, STATE_FOLDER, `${id}.json`));
}

async function readState(path: string): Promise<SyncState> {
  try {
    const { format, version, files } = JSON.parse(await readFile(path, 'utf8')) as {
      format: unknown;
      version: unknown;
      files: [string, SyncedFile][];
    };
    if (format !== FORMAT || version !== VERSION) return new Map();
    return new Map(files.filter(([name, file]) => typeof name === 'string' && isSynced(file)));
  } catch {
    return new Map();
  }
}

function isSynced(file: SyncedFile): boolean {
  return [file.mtimeNs, file.ctimeNs, file.inode, file.hash].every((it) => typeof it === 'string');
}
