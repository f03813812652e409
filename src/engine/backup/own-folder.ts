/** The node's own data folder, by whatever path it is met, and the folder of a restore that runs: whoever opens and closes a file that is locked there lets go of the lock, and whoever writes there spoils what is in use. */
import type { FileTree, TreePath, TreeStat } from '../effects/tree.ts';

export const OWN_FOLDER = 'it is the data folder of this node';

export const RESTORE_FOLDER = 'a restore has its files there until they are whole';

/** Where a restore has them (work-folder.ts). */
export const WORK_NAME = '.datamesh-restore';
const ITS_NAME = /^\.datamesh-restore(-\d+)?$/;
/** The file in it that is locked. */
export const WORK_GUARD = '/lock.guard';
const NEW_MODE = 0o700;

export type IsOwn = (stat: TreeStat) => boolean;

/** Of a link, the folder that it leads to. */
const ITSELF = Buffer.from('/.');

export function isOneOf(tree: Pick<FileTree, 'stat'>, folders: readonly TreePath[]): IsOwn {
  const own = folders.map((path) => tree.stat(Buffer.concat([path, ITSELF])));
  return ({ device, inode }) => own.some((it) => it?.inode === inode && it.device === device);
}

/** Whether a folder that is there is a restore's, running or left, and not one of the user's of the same name: its lock tells. */
export function isWorkFolder(
  tree: Pick<FileTree, 'stat' | 'list'>,
  path: TreePath,
  found: TreeStat,
): boolean {
  const name = path.toString('latin1', path.lastIndexOf('/') + 1);
  if (found.kind !== 'directory' || !ITS_NAME.test(name)) return false;
  // The lock's file comes a moment after the folder.
  const isNew = found.mode === NEW_MODE && tree.list(path).length === 0;
  return isNew || tree.stat(Buffer.concat([path, Buffer.from(WORK_GUARD)]))?.kind === 'file';
}

/** Whether an absolute path, which need not be there, is such a folder or lies in one. */
export function liesWithin(tree: Pick<FileTree, 'statThrough'>, path: TreePath, isOwn: IsOwn): boolean {
  for (let at = path; at.length > 0; at = at.subarray(0, at.lastIndexOf('/'))) {
    const found = tree.statThrough(at);
    if (found !== undefined && isOwn(found)) return true;
  }
  return false;
}
