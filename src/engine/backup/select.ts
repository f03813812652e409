/** Which entries of a tree are meant by `--path`. */
import { DatameshError } from '../../errors.ts';
import { compareWalk, pathFault } from './tree-order.ts';

export interface Selection {
  /** All of it, something of it (a folder on the way), or nothing. */
  of(path: Buffer): 'all' | 'way' | 'none';
}

/** @param paths relative to the root, or absolute below `source`; none: everything. A fault is thrown by `refuse`. */
export function selection(
  paths: readonly string[],
  source: Buffer,
  refuse: (path: string, why: string) => never,
): Selection {
  const wanted = paths.map((text) => {
    let path = Buffer.from(text);
    if (isWithin(path, source)) path = path.subarray(source.length);
    const trimmed = Buffer.from(path.toString('latin1').replace(/^(?:\.?\/)+|\/+$/g, ''), 'latin1');
    const normal = trimmed.toString('latin1') === '.' ? Buffer.alloc(0) : trimmed;
    const fault = pathFault(normal);
    if (fault !== undefined) refuse(text, fault);
    return normal;
  });
  if (wanted.length === 0 || wanted.some(({ length }) => length === 0)) return { of: () => 'all' };
  wanted.sort(compareWalk);
  return {
    of(path) {
      if (wanted.some((one) => isWithin(path, one))) return 'all';
      return wanted.some((one) => isWithin(one, path)) ? 'way' : 'none';
    },
  };
}

/** For a tree of which nothing is chosen. */
export function nothingAt(paths: readonly string[]): DatameshError {
  return new DatameshError('not-found', {
    what: `nothing in the snapshot is at ${paths.map((path) => JSON.stringify(path)).join(', ')}`,
    mend: 'see what is in it: datamesh snapshots show ID',
  });
}

/** Whether `path` is `folder` or lies in it. */
function isWithin(path: Buffer, folder: Buffer): boolean {
  if (folder.length === 0) return true;
  if (path.length < folder.length || !path.subarray(0, folder.length).equals(folder)) return false;
  return path.length === folder.length || path[folder.length] === 0x2f;
}
