/** What the operating system says about files that a user named, as coded errors. */
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { asDatameshError, DatameshError, type ErrorCode } from '../../errors.ts';

/** As `asDatameshError`, but a mistake in a path is not taken for a defect of this program. */
export function asClearError(thrown: unknown): DatameshError {
  return asDatameshError(fileError(thrown) ?? thrown);
}

/** Undefined for what is no error of a file. */
export function fileError(thrown: unknown): DatameshError | undefined {
  const { code, path, syscall } = (thrown ?? {}) as NodeJS.ErrnoException;
  const file = path === undefined ? 'a file' : String(path);
  const error = (as: ErrorCode, what: string, mend: string) =>
    new DatameshError(as, { what, mend, cause: thrown });
  switch (code) {
    case 'ENOENT':
      if (syscall !== 'mkdir') return error('file-not-found', `there is no file ${file}`, 'check the path');
      return kindOf(dirname(file)) === undefined
        ? error('file-not-found', `there is no folder ${dirname(file)}`, 'check the path')
        : error('file-denied', `no folder can be made in ${dirname(file)}`, 'choose another folder');
    case 'ENOTDIR':
      return notAFolder(file, thrown);
    case 'EEXIST':
      // A folder that is there is none for whoever makes it with those above it.
      if (syscall === 'mkdir') return notAFolder(file, thrown);
      return error('already-exists', `${file} exists`, 'remove it, or name another');
    case 'EISDIR':
      return error('is-a-directory', `${file} is a directory`, 'give a file');
    case 'EACCES':
    case 'EPERM':
      return error('file-denied', `access to ${file} is denied`, 'check its owner and mode (ls -l)');
    case 'EROFS':
      return error('file-denied', `${file} lies on a file system that is read-only`, 'write to another one');
    case 'ENAMETOOLONG':
      return error('bad-value', 'the path is too long for the file system', 'give a shorter one');
    case 'ELOOP':
      return error('bad-value', `the links at ${file} lead round in a circle`, 'see where they lead (ls -l)');
    case 'ENOSPC':
    case 'EDQUOT':
      return error(
        'disk-full',
        `no space is left for ${file}`,
        'free space, or write to another file system',
      );
    default:
      return undefined;
  }
}

/** Throws `not-a-directory` where no folder can be, as a part of the path is something else. Makes nothing. */
export function needFolderPlace(path: string): void {
  for (let at = path; ; at = dirname(at)) {
    const kind = kindOf(at);
    if (kind === 'folder') return;
    if (kind !== undefined) throw notAFolder(at, undefined);
    if (dirname(at) === at) return;
  }
}

/** Names the part of the path that is in the way. */
function notAFolder(path: string, cause: unknown): DatameshError {
  let at = path;
  while (kindOf(at) === undefined && dirname(at) !== at) at = dirname(at);
  const kind = kindOf(at);
  return new DatameshError('not-a-directory', {
    // It may be gone by now, or a link that leads nowhere.
    what: kind === 'file' ? `${at} is a file, not a folder` : `${kind === 'other' ? at : path} is no folder`,
    mend: 'give a folder, or another path',
    cause,
  });
}

/** What it is, or links to; undefined where nothing is that may be looked at. */
function kindOf(path: string): 'file' | 'folder' | 'other' | undefined {
  try {
    const found = statSync(path);
    return found.isFile() ? 'file' : found.isDirectory() ? 'folder' : 'other';
  } catch {
    return undefined;
  }
}
