/** The node's own data folder, by whatever path it is met: whoever opens and closes a file that is locked there lets go of the lock, and whoever writes there spoils what is in use. */
import type { FileTree, TreePath, TreeStat } from '../effects/tree.ts';

export const OWN_FOLDER = 'it is the data folder of this node';

export type IsOwn = (stat: TreeStat) => boolean;

/** Of a link, the folder that it leads to. */
const ITSELF = Buffer.from('/.');

export function isOneOf(tree: Pick<FileTree, 'stat'>, folders: readonly TreePath[]): IsOwn {
  const own = folders.map((path) => tree.stat(Buffer.concat([path, ITSELF])));
  return ({ device, inode }) => own.some((it) => it?.inode === inode && it.device === device);
}

/** Whether an absolute path, which need not be there, is such a folder or lies in one. */
export function liesWithin(tree: Pick<FileTree, 'statThrough'>, path: TreePath, isOwn: IsOwn): boolean {
  for (let at = path; at.length > 0; at = at.subarray(0, at.lastIndexOf('/'))) {
    const found = tree.statThrough(at);
    if (found !== undefined && isOwn(found)) return true;
  }
  return false;
}
