/** The local file that a put reads. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, constants, open, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DatameshError } from '../../errors.ts';
import { readPipe } from './named-pipe.ts';

/** Large reads: at 64 KiB the calls themselves cost more than the copying. */
const READ_BYTES = 1024 * 1024;
/** Of the file's beginning in its fingerprint: most formats keep what changes with any edit there. */
const LEADING_BYTES = 64 * 1024;

export interface SourceFile {
  path: string;
  /** Undefined for what has no length, such as a named pipe. */
  sizeBytes: number | undefined;
  /**
   * Equal only while the file is the same and unchanged, as far as inode, size, times and its first 64 KiB tell: lets an interrupted put go on. Undefined
   * for what is no regular file.
   */
  fingerprint(): Promise<string | undefined>;
  read(signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Whether it is not as it was when it was opened, so that what was read may be neither the old file nor the new one. False for what is no regular file. */
  changed(): Promise<boolean>;
}

/** Throws `file-not-found`, `is-a-directory` or `file-denied`. */
export async function openSource(file: string, cwd: string): Promise<SourceFile> {
  const path = resolve(cwd, file);
  const found = await stat(path, { bigint: true }).catch((cause: NodeJS.ErrnoException) => {
    throw unreadable(file, cause);
  });
  if (found.isDirectory()) {
    throw new DatameshError('is-a-directory', {
      what: `${file} is a directory`,
      mend: `put its files one by one, or pack it: tar c ${file} | datamesh put - --name NAME.tar`,
    });
  }
  // Now and not at the first read: a file that may not be read is found before the mesh is touched.
  await (found.isFIFO() ? access(path, constants.R_OK) : openOnce(path)).catch(
    (cause: NodeJS.ErrnoException) => {
      throw unreadable(file, cause);
    },
  );
  return {
    path,
    sizeBytes: found.isFile() ? Number(found.size) : undefined,
    fingerprint: async () => (found.isFile() ? await fingerprintOf(path) : undefined),
    read: (signal) => (found.isFIFO() ? readPipe(path, signal) : readPieces(path, signal)),
    async changed() {
      if (!found.isFile()) return false;
      const now = await stat(path, { bigint: true }).catch(() => undefined);
      // A mode or a further name is no change of what was read.
      const same = now?.size === found.size && now.mtimeNs === found.mtimeNs;
      return !same || now.ino !== found.ino || now.dev !== found.dev;
    },
  };
}

async function openOnce(path: string): Promise<void> {
  await (await open(path, 'r')).close();
}

/** Opened at the first piece: a stream that nobody reads would throw its abort at the process. */
async function* readPieces(path: string, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  yield* createReadStream(path, { highWaterMark: READ_BYTES, signal }) as AsyncIterable<Buffer>;
}

async function fingerprintOf(path: string): Promise<string> {
  const handle = await open(path, 'r');
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await handle.stat({ bigint: true });
    const head = Buffer.alloc(LEADING_BYTES);
    const { bytesRead } = await handle.read(head, 0, LEADING_BYTES, 0);
    const hash = createHash('sha256').update([dev, ino, size, mtimeNs, ctimeNs].join(' '));
    return hash.update(head.subarray(0, bytesRead)).digest('hex');
  } finally {
    await handle.close();
  }
}

/** What to warn of when a source has `changed`. */
export function changedWarning(file: string): string {
  return `${file} was changed while it was read: what was read is stored; put it again to store what it is now`;
}

/** What opening or reading a file threw, as an error for who named the file. */
export function unreadable(file: string, cause: NodeJS.ErrnoException): DatameshError {
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
