/** The file that a script is read from. */
import { open, stat } from 'node:fs/promises';
import { DatameshError } from '../errors.ts';

/** @param shown the path as it was given. Throws `file-not-found`, `file-denied`, `is-a-directory`. */
export async function openScriptFile(
  path: string,
  shown: string,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const unreadable = (cause: NodeJS.ErrnoException): never => {
    const missing = cause.code === 'ENOENT';
    throw new DatameshError(missing ? 'file-not-found' : 'file-denied', {
      what: missing ? `there is no script ${shown}` : `the script ${shown} cannot be read`,
      why: cause.code,
      mend: 'check the path',
      cause,
    });
  };
  const found = await stat(path).catch(unreadable);
  if (found.isDirectory())
    throw new DatameshError('is-a-directory', { what: `${shown} is a directory`, mend: 'give a file' });
  // Of one that nobody writes to, an open would hold the process beyond every signal.
  if (found.isFIFO()) return (await import('../commands/files/named-pipe.ts')).readPipe(path, signal);
  return (await open(path, 'r').catch(unreadable)).createReadStream();
}
