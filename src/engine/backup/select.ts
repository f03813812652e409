/** Which entries of a tree are meant by `--path`. */
import { isUtf8 } from 'node:buffer';
import { DatameshError } from '../../errors.ts';
import { compareWalk, pathFault } from './tree-order.ts';

export interface Selection {
  /** All of it, something of it (a folder on the way), or nothing. */
  of(path: Buffer): 'all' | 'way' | 'none';
  /** For a tree of which, asked about all its paths, nothing was chosen. */
  nothing(): DatameshError;
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
  let hasOtherNames = false;
  const nothing = () =>
    new DatameshError('not-found', {
      what: `nothing in the snapshot is at ${paths.map((path) => JSON.stringify(path)).join(', ')}`,
      ...(hasOtherNames
        ? {
            why: 'it has names that are no UTF-8: those are shown byte by byte, and cannot be given as a path',
            mend: 'name the folder that holds it, or see what is there: datamesh snapshots show ID',
          }
        : { mend: 'see what is in it: datamesh snapshots show ID' }),
    });
  if (wanted.length === 0 || wanted.some(({ length }) => length === 0)) return { of: () => 'all', nothing };
  wanted.sort(compareWalk);
  return {
    nothing,
    of(path) {
      hasOtherNames ||= !isUtf8(path);
      if (wanted.some((one) => isWithin(path, one))) return 'all';
      return wanted.some((one) => isWithin(one, path)) ? 'way' : 'none';
    },
  };
}

/** Whether `path` is `folder` or lies in it. */
function isWithin(path: Buffer, folder: Buffer): boolean {
  if (folder.length === 0) return true;
  if (path.length < folder.length || !path.subarray(0, folder.length).equals(folder)) return false;
  return path.length === folder.length || path[folder.length] === 0x2f;
}
