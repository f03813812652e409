/** A folder and all that is in it, in the order of tree-order.ts. Links are not followed. */
import { DatameshError } from '../../errors.ts';
import type { FileTree, TreePath, TreeStat } from '../effects/tree.ts';
import type { Exclusion } from './exclude.ts';
import { type IsOwn, isOneOf, isWorkFolder, liesWithin, OWN_FOLDER, RESTORE_FOLDER } from './own-folder.ts';
import { pathFault } from './tree-order.ts';

export interface WalkOptions {
  tree: FileTree;
  /** Absolute. */
  root: TreePath;
  exclusion: Exclusion;
  /** Folders that are never looked at: own-folder.ts. */
  skip: readonly TreePath[];
  /** Stay on the root's file system. */
  oneFileSystem: boolean;
  /** What could not be looked at, or was left out without being asked for. */
  skipped(path: Buffer, why: string): void;
}

export interface Walked {
  /** Relative to the root; empty for itself. */
  path: Buffer;
  absolute: TreePath;
  stat: TreeStat;
}

const SLASH = Buffer.from('/');
const NONE = Buffer.alloc(0);

/** Throws `bad-value` where the root is to be skipped, or lies in what is, and what the file system throws where it cannot be listed. */
export function* walk(options: WalkOptions): Generator<Walked> {
  const { tree, root } = options;
  const stat = tree.stat(root);
  // Whoever compares must not take it for an empty folder.
  if (stat?.kind !== 'directory') return options.skipped(NONE, 'it is no folder');
  const isOwn = isOneOf(tree, options.skip);
  if (liesWithin(tree, root, isOwn)) {
    throw new DatameshError('bad-value', {
      what: `${patternText(root)} is ${isOwn(stat) ? '' : 'in '}the data folder of this node`,
      why: 'what is locked in it would be let go of by whoever reads it',
      mend: 'name another folder; what is in this one comes back with the 24 words',
    });
  }
  yield { path: NONE, absolute: root, stat };
  yield* walkFolder(options, isOwn, NONE, root, stat);
}

function* walkFolder(
  options: WalkOptions,
  isOwn: IsOwn,
  path: Buffer,
  absolute: TreePath,
  above: TreeStat,
): Generator<Walked> {
  const { tree, exclusion, skipped } = options;
  let names: Buffer[];
  try {
    names = tree.list(absolute).sort(Buffer.compare);
  } catch (error) {
    // Of the root nothing at all is known, and none of it is not what is in it.
    if (path.length === 0) throw error;
    skipped(path, whyOf(error));
    return;
  }
  for (const name of names) {
    const absoluteAt = Buffer.concat([absolute, SLASH, name]);
    const at = absoluteAt.subarray(options.root.length + 1);
    let stat: TreeStat | undefined;
    try {
      stat = tree.stat(absoluteAt);
    } catch (error) {
      skipped(at, whyOf(error));
      continue;
    }
    // It went between the list and the look.
    if (stat === undefined) continue;
    const isFolder = stat.kind === 'directory';
    if (!exclusion.isEmpty && exclusion.excludes(patternText(at), isFolder)) continue;
    if (isFolder && isOwn(stat)) {
      skipped(at, OWN_FOLDER);
      continue;
    }
    if (isFolder && looksLeftOut(tree, absoluteAt, stat)) {
      skipped(at, RESTORE_FOLDER);
      continue;
    }
    const fault = stat.kind === 'other' ? 'it is a device, pipe or socket' : pathFault(at);
    if (fault !== undefined) {
      skipped(at, fault);
      continue;
    }
    yield { path: at, absolute: absoluteAt, stat };
    if (!isFolder) continue;
    if (options.oneFileSystem && stat.device !== above.device) continue;
    yield* walkFolder(options, isOwn, at, absoluteAt, stat);
  }
}

function looksLeftOut(tree: FileTree, path: TreePath, stat: TreeStat): boolean {
  try {
    return isWorkFolder(tree, path, stat);
  } catch {
    // Then the walk cannot list it either, and says why.
    return false;
  }
}

/** A path as text for patterns and people: UTF-8 where it is, else byte by byte. */
export function patternText(path: Buffer): string {
  const text = path.toString('utf8');
  return text.includes('\ufffd') ? path.toString('latin1') : text;
}

export function whyOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EACCES' || code === 'EPERM') return 'this user may not read it';
  return error instanceof Error ? error.message : String(error);
}
