/**
 * Where a restore has its files until they are whole: a folder in the one that it writes into. A lock of the kernel in it says that a restore runs, by whatever path or from whichever
 * node it came; the lock's file tells a folder that a restore left, which may be cleared, from one of the user's of the same name.
 */
import { asDatameshError } from '../../errors.ts';
import type { FileTree, TreePath } from '../effects/tree.ts';
import { runsAlready } from './locks.ts';
import { isWorkFolder, WORK_GUARD, WORK_NAME } from './own-folder.ts';
import { patternText } from './walk.ts';

/** A lock as of acquireLock; throws `lock-held` while another has it. */
export type TakeLock = (path: string) => Promise<{ release(): Promise<void> } | undefined>;

/** Who is at work, noted where there are no locks: a path as of acquireLock. */
export interface Holders {
  note(path: string): Promise<unknown>;
  /** Of a process of this machine that runs no more. */
  isGone(path: string): Promise<boolean>;
}

export interface WorkFolder {
  /** A place in it that nothing has. */
  next(): TreePath;
  /** Leaves nothing of it. */
  end(): Promise<void>;
}

const LOCK = '/lock';
const NUMBER = /^\d+$/;
/** With what SQLite has beside it while it is held. */
const LOCK_FILE = /^lock(\..*)?$/;

/** Whether a path of a snapshot may stand where such a folder would be, on any file system. */
export function isLikeWorkFolder(path: Buffer): boolean {
  const name = path.subarray(path.lastIndexOf('/') + 1, path.lastIndexOf('/') + 1 + WORK_NAME.length);
  return name.toString('latin1').toLowerCase() === WORK_NAME;
}

/** A mount that a restore met below its root. */
export interface Place {
  device: bigint;
  /** The first folder on it that was met, by its path in the tree. */
  path: Buffer;
  work: WorkFolder | { fault: unknown };
}

export interface Places {
  /** Opens a work folder in the folder with this path in the tree. */
  open(path: Buffer): Promise<WorkFolder>;
  /** Whether what is in one of two folders of one device can be renamed into the other. */
  reaches(from: Buffer, to: Buffer): boolean;
}

/** A work folder on each mount: nothing can be renamed from one to another, be they of one file system. */
export class WorkFolders {
  readonly #options: Places;
  readonly #places: Place[] = [];

  constructor(options: Places) {
    this.#options = options;
  }

  /**
   * A folder that was there was met: the first on a mount has the work folder. Where it cannot be made, what is there already may still be as it should.
   * @param above where the folder above it is
   */
  async meet(device: bigint, path: Buffer, above?: Place): Promise<Place> {
    const known = [above, ...this.#places].find(
      (it) => it?.device === device && this.#options.reaches(it.path, path),
    );
    if (known !== undefined) return known;
    const work = await this.#options.open(path).catch((fault: unknown) => ({ fault }));
    const place = { device, path, work };
    this.#places.push(place);
    return place;
  }

  /** Leaves nothing of any. */
  async end(): Promise<void> {
    const all = this.#places.map(({ work }) => ('fault' in work ? undefined : work.end()));
    for (const end of await Promise.allSettled(all)) if (end.status === 'rejected') throw end.reason;
  }
}

/** Throws what its opening threw. */
export function workIn({ work }: Place): WorkFolder {
  if ('fault' in work) throw work.fault;
  return work;
}

const ITSELF = Buffer.from('/.');

/** A folder's own name for itself is never renamed: which error comes says whether that is why. */
export function reachesByRename(tree: Pick<FileTree, 'rename'>, from: TreePath, to: TreePath): boolean {
  try {
    tree.rename(Buffer.concat([from, ITSELF]), Buffer.concat([to, ITSELF]));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EXDEV';
  }
  return true;
}

/** @param taken names in lower case that the snapshot has for itself */
export async function openWorkFolder(
  tree: FileTree,
  root: TreePath,
  taken: Pick<ReadonlySet<string>, 'has'>,
  takeLock: TakeLock,
  holders: Holders,
): Promise<WorkFolder> {
  let isLockless = false;
  for (;;) {
    const { path, isMade } = placeIn(tree, root, taken, isLockless);
    const lock = await takeLock(`${path}${LOCK}`).catch((error: unknown) => {
      if (asDatameshError(error).code === 'lock-held')
        throw runsAlready(`a restore into ${patternText(root)}`, error);
      // Some file systems have no locks, and can be restored to.
      return undefined;
    });
    if (lock === undefined) {
      // Nothing says whether another restore is at work in a folder that is there: this one gets its own.
      const isThere = tree.stat(path) !== undefined;
      if (isMade && isThere) {
        await holders.note(`${path}${LOCK}`).catch(() => undefined);
        await clearLeft(tree, root, holders);
        return workFolder(tree, path, undefined);
      }
      isLockless ||= isThere;
      continue;
    }
    // Else the one before has ended just now, and what is locked is a file that it has removed.
    if (tree.stat(under(path, WORK_GUARD)) !== undefined) return workFolder(tree, path, lock);
    await lock.release();
  }
}

/** What killed restores have left where there are no locks. */
async function clearLeft(tree: FileTree, root: TreePath, holders: Holders): Promise<void> {
  for (const name of tree.list(root)) {
    const path = under(root, `/${name.toString('latin1')}`);
    const found = tree.stat(path);
    if (found === undefined || !isWorkFolder(tree, path, found)) continue;
    if (!(await holders.isGone(`${path}${LOCK}`))) continue;
    // Another one may have cleared it meanwhile, and a third be at work in one of its name.
    if (tree.stat(path)?.inode === found.inode) await workFolder(tree, path, undefined).end();
  }
}

function workFolder(tree: FileTree, path: TreePath, lock: Awaited<ReturnType<TakeLock>>): WorkFolder {
  const clear = () => {
    for (const name of tree.list(path))
      if (NUMBER.test(name.toString('latin1'))) tree.remove(under(path, `/${name}`));
  };
  clear();
  let next = 0;
  return {
    next: () => under(path, `/${next++}`),
    async end() {
      try {
        clear();
        for (const name of tree.list(path))
          if (LOCK_FILE.test(name.toString('latin1'))) tree.remove(under(path, `/${name}`));
        // Somebody may have put something there; it stays.
        if (tree.list(path).length === 0) tree.removeDir(path);
      } finally {
        await lock?.release();
      }
    },
  };
}

/** The first name that neither the snapshot nor the user has; made where nothing is. `isNew`: nor another restore, running or not. */
function placeIn(
  tree: FileTree,
  root: TreePath,
  taken: Pick<ReadonlySet<string>, 'has'>,
  isNew: boolean,
): { path: TreePath; isMade: boolean } {
  for (let number = 1; ; number++) {
    const name = number === 1 ? WORK_NAME : `${WORK_NAME}-${number}`;
    if (taken.has(name)) continue;
    const path = under(root, `/${name}`);
    const isMade = tree.stat(path) === undefined && makes(tree, path);
    if (isMade) return { path, isMade };
    const found = tree.stat(path);
    if (!isNew && found !== undefined && isWorkFolder(tree, path, found)) return { path, isMade };
  }
}

/** False where another one was faster. */
function makes(tree: FileTree, path: TreePath): boolean {
  try {
    tree.makeDir(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function under(folder: TreePath, name: string): TreePath {
  return Buffer.concat([folder, Buffer.from(name)]);
}
