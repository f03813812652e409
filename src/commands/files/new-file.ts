/** A file for its owner alone that must not take another's place: words of a key, a plan, answers. */
import { lstat } from 'node:fs/promises';
import { SECRET_MODE } from '../../engine/keys/secret-file.ts';
import { asDatameshError, DatameshError } from '../../errors.ts';
import { openDestination } from './destination.ts';

/** Whole or not at all, and never over a file that is there: it may be the only copy. Throws `already-exists` with `mend`. */
export async function writeNewFile(path: string, text: string, mend: string): Promise<void> {
  const taken = (cause?: unknown) =>
    new DatameshError('already-exists', { what: `${path} is there already`, mend, cause });
  // A device would be written as it stands, and a link that leads nowhere is somebody's as well.
  if (await lstat(path).catch(() => undefined)) throw taken();
  const destination = await openDestination(path, false, SECRET_MODE);
  try {
    await destination.write(Buffer.from(text));
    await destination.commit();
  } catch (error) {
    throw asDatameshError(error).code === 'already-exists' ? taken(error) : error;
  } finally {
    await destination.discard();
  }
}
