/** A folder with those above it that are missing. */
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Not Node's `recursive`: that one never ends where a file system says that a new folder does not exist, as /proc does. One that is there stays as it is.
 * Errors are Node's own.
 */
export async function makeDirs(path: string, mode = 0o777): Promise<void> {
  let error = await failureOf(path, mode);
  if (error?.code === 'ENOENT' && dirname(path) !== path) {
    await makeDirs(dirname(path), mode);
    error = await failureOf(path, mode);
  }
  if (error !== undefined && !(await isFolder(path))) throw error;
}

function failureOf(path: string, mode: number): Promise<NodeJS.ErrnoException | undefined> {
  return mkdir(path, { mode }).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => error,
  );
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
