/** The order of a tree's entries, and what a path in it may be. Whoever reads a tree checks every path here before a name reaches the disk. */
import { DatameshError } from '../../errors.ts';
import { MAX_NAME_BYTES, MAX_PATH_BYTES } from './limits.ts';
import type { TreeEntry } from './tree-entry.ts';

const SLASH = 0x2f;
const DOT = 0x2e;

/** In the order of a walk that takes the names of a folder by their bytes and goes into a folder at once: `/` before every other byte. */
export function compareWalk(a: Buffer, b: Buffer): number {
  const shared = Math.min(a.length, b.length);
  let at = 0;
  while (at < shared && a[at] === b[at]) at++;
  if (at === shared) return a.length - b.length;
  if (a[at] === SLASH) return -1;
  if (b[at] === SLASH) return 1;
  return a[at]! - b[at]!;
}

/** The path of the folder that holds it; empty for the root. Undefined for the root itself. */
export function parentOf(path: Buffer): Buffer | undefined {
  if (path.length === 0) return undefined;
  return path.subarray(0, Math.max(0, path.lastIndexOf(SLASH)));
}

/** Why a path cannot be one in a tree; undefined when it can. Names are any bytes but NUL and `/`, and neither empty nor `.` or `..`. */
export function pathFault(path: Buffer): string | undefined {
  if (path.length === 0) return undefined;
  if (path.length > MAX_PATH_BYTES) return 'it is too long';
  if (path.includes(0)) return 'it holds a NUL';
  for (let from = 0; from <= path.length; ) {
    const slash = path.indexOf(SLASH, from);
    const to = slash < 0 ? path.length : slash;
    const length = to - from;
    if (length === 0) return 'a part of it is empty';
    if (length > MAX_NAME_BYTES) return 'a part of it is too long';
    if (path[from] === DOT && (length === 1 || (length === 2 && path[from + 1] === DOT)))
      return 'a part of it leads elsewhere';
    from = to + 1;
  }
  return undefined;
}

/**
 * Checks the entries of a tree as they come: the root first, each path lawful and after the one before, in a folder that came before, further names of files that
 * came before. So no path is there twice, and nothing is ever below a link or a file.
 */
export class TreeChecker {
  #last: Buffer | undefined;
  /** Folders from the root to where the walk is. */
  #open: Buffer[] = [];
  /** Files that may have further names, by path in latin1; only those that are asked for are many, so all are kept. */
  readonly #files = new Set<string>();

  /** Throws `malformed-data`. */
  check(entry: TreeEntry): void {
    const { path, kind } = entry;
    const fault = pathFault(path);
    if (fault !== undefined) throw badTree(path, fault);
    if (this.#last === undefined) {
      if (path.length > 0 || kind !== 'directory') throw badTree(path, 'a tree begins with its root');
    } else if (compareWalk(this.#last, path) >= 0) {
      throw badTree(path, 'it is not where the order of a walk would have it, or there twice');
    }
    const parent = parentOf(path);
    if (parent !== undefined) {
      while (this.#open.length > 0 && !this.#open.at(-1)!.equals(parent)) this.#open.pop();
      if (this.#open.length === 0) throw badTree(path, 'what holds it is no folder');
    }
    if (kind === 'hard-link' && !this.#files.has(entry.target.toString('latin1')))
      throw badTree(path, 'it is a further name of no file before it');
    if (kind === 'directory') this.#open.push(path);
    if (kind === 'file') this.#files.add(path.toString('latin1'));
    this.#last = path;
  }
}

function badTree(path: Buffer, why: string): DatameshError {
  const shown = JSON.stringify(path.subarray(0, 200).toString());
  return new DatameshError('malformed-data', {
    what: `the tree of a snapshot is malformed at ${shown}`,
    why,
  });
}
