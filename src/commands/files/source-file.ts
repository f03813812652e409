/** The local file that a put reads. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DatameshError } from '../../errors.ts';

/** Large reads: at 64 KiB the calls themselves cost more than the copying. */
const READ_BYTES = 1024 * 1024;

export interface SourceFile {
  path: string;
  /** Undefined for what has no length, such as a named pipe. */
  sizeBytes: number | undefined;
  read(signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** Throws `file-not-found`, `is-a-directory` or `file-denied`. */
export async function openSource(file: string, cwd: string): Promise<SourceFile> {
  const path = resolve(cwd, file);
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    throw unreadable(file, cause);
  });
  if (found.isDirectory()) {
    throw new DatameshError('is-a-directory', {
      what: `${file} is a directory`,
      mend: `put its files one by one, or pack it: tar c ${file} | datamesh put - --name NAME.tar`,
    });
  }
  // Opening now and not at the first read: a file that may not be read is found before the mesh is touched.
  const { open } = await import('node:fs/promises');
  const handle = await open(path, 'r').catch((cause: NodeJS.ErrnoException) => {
    throw unreadable(file, cause);
  });
  await handle.close();
  return {
    path,
    sizeBytes: found.isFile() ? found.size : undefined,
    read: (signal) => createReadStream(path, { highWaterMark: READ_BYTES, signal }),
  };
}

function unreadable(file: string, cause: NodeJS.ErrnoException): DatameshError {
  if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') {
    return new DatameshError('file-not-found', {
      what: `there is no file ${file}`,
      mend: 'check the path; quote it if it holds spaces',
      cause,
    });
  }
  return new DatameshError('file-denied', {
    what: `${file} cannot be read`,
    why: cause.code ?? cause.message,
    mend: 'check its owner and mode (ls -l)',
    cause,
  });
}
