/**
 * Where a get writes. The bytes go to a file beside the destination and are renamed over it only when all of them were
 * verified, so that a failed get leaves nothing and never half a file.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, link, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { asClearError } from '../../engine/effects/file-errors.ts';
import { DatameshError } from '../../errors.ts';
import { writePipe } from './named-pipe.ts';
import { fileNameFor } from './object-name.ts';

/**
 * The path to write; a folder gets the object's own name. Throws when it exists and `force` is not set. A link that the caller names is followed; one that an object's
 * name meets is replaced, or names of the mesh would lead out of the folder.
 */
export async function destinationPath(
  objectName: string,
  given: string | undefined,
  cwd: string,
  force: boolean,
): Promise<string> {
  let path = given === undefined ? join(cwd, fileNameFor(objectName)) : resolve(cwd, given);
  let found = await kindOf(path);
  if (given !== undefined && found === 'directory') {
    path = join(path, fileNameFor(objectName));
    found = await kindOf(path);
  } else if (found === undefined && given?.endsWith('/')) {
    throw noFolder(given);
  }
  if (found === 'directory') throw isDirectory(path);
  if (found === 'file' && !force) throw exists(path);
  if (found === undefined && (await kindOf(dirname(path))) !== 'directory') {
    throw noFolder(dirname(path));
  }
  const isNamed = given !== undefined && path === resolve(cwd, given);
  return found === 'file' && isNamed ? throughLinks(path) : path;
}

/** The file that is replaced where `path` is a link to it: the link goes on pointing there. */
export async function throughLinks(path: string): Promise<string> {
  return await realpath(path).catch(() => path);
}

export interface Destination {
  write(chunk: Uint8Array): Promise<void>;
  /** Makes the file durable and visible under its name. */
  commit(): Promise<void>;
  /** Removes what was written; safe after `commit`, when it does nothing. */
  discard(): Promise<void>;
}

/**
 * Throws `file-denied` or `disk-full`; so do its methods.
 * @param given mode of the file; else that of the one it replaces, or what the umask leaves. Without one its owner and group, too, are those of the one it replaces, where the caller may set them
 * @param signal gives up waiting for the reader of a named pipe
 */
export async function openDestination(
  path: string,
  force: boolean,
  given?: number,
  signal?: AbortSignal,
): Promise<Destination> {
  const found = await kindOf(path);
  if (found === 'other') return openDevice(path, signal);
  if (found === 'directory') throw isDirectory(path);
  // Characters of four bytes each, and the name is still none too long.
  const begin = [...basename(path)].slice(0, 40).join('');
  const beside = join(dirname(path), `.${begin}.${randomBytes(6).toString('hex')}.part`);
  // What was kept from others stays so, and never stands open in between.
  const replaced = force ? await stat(path).catch(() => undefined) : undefined;
  const mode = given ?? replaced?.mode;
  const handle = await open(beside, 'wx', mode === undefined ? 0o666 : 0o600).catch((cause) => {
    throw besideError(path, cause);
  });
  let open_ = true;
  const close = async () => {
    if (open_) await handle.close();
    open_ = false;
  };
  let committed = false;
  return {
    write: (chunk) => writeAll(handle, chunk, path),
    async commit() {
      try {
        const isSameGroup =
          given !== undefined || replaced === undefined || (await givenTo(handle, replaced));
        // Not every file system has modes. What a group may do is not for another one.
        if (mode !== undefined) await handle.chmod(mode & (isSameGroup ? 0o777 : 0o707)).catch(() => {});
        await handle.sync();
        await close();
        if (force) {
          await rename(beside, path);
        } else {
          // link fails where rename would silently replace a file that appeared meanwhile.
          await link(beside, path).catch(async (cause: NodeJS.ErrnoException) => {
            if (cause.code === 'EEXIST') throw exists(path);
            if ((await kindOf(path)) !== undefined) throw exists(path);
            // A file system without hard links.
            await rename(beside, path);
          });
          await rm(beside, { force: true });
        }
        committed = true;
      } catch (cause) {
        throw cause instanceof DatameshError ? cause : writeError(path, cause);
      }
    },
    async discard() {
      await close().catch(() => {});
      if (!committed) await rm(beside, { force: true });
    },
  };
}

/** Root leaves a user's file with him, and anybody with its group where he may. Whether it has the group now. */
async function givenTo(handle: FileHandle, { uid, gid }: { uid: number; gid: number }): Promise<boolean> {
  const own = await handle.stat();
  if (own.uid === uid && own.gid === gid) return true;
  await handle.chown(uid, gid).catch(() => handle.chown(own.uid, gid).catch(() => {}));
  return (await handle.stat()).gid === gid;
}

/** A device or a named pipe cannot be renamed over; it is written as it stands. */
async function openDevice(path: string, signal: AbortSignal | undefined): Promise<Destination> {
  const told = (cause: unknown): never => {
    signal?.throwIfAborted();
    throw writeError(path, cause);
  };
  if ((await stat(path)).isFIFO()) {
    const pipe = await writePipe(path, signal).catch(told);
    return {
      ...pipe,
      write: (chunk) => pipe.write(chunk).catch(told),
      commit: () => pipe.commit().catch(told),
    };
  }
  const handle = await open(path, constants.O_WRONLY).catch(told);
  let closed = false;
  const close = async () => {
    if (!closed) await handle.close();
    closed = true;
  };
  return { write: (chunk) => writeAll(handle, chunk, path), commit: close, discard: close };
}

async function writeAll(handle: FileHandle, chunk: Uint8Array, path: string): Promise<void> {
  let at = 0;
  while (at < chunk.length) {
    const { bytesWritten } = await handle.write(chunk, at, chunk.length - at).catch((cause) => {
      throw writeError(path, cause);
    });
    at += bytesWritten;
  }
}

async function kindOf(path: string): Promise<'file' | 'directory' | 'other' | undefined> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return undefined;
    throw writeError(path, cause);
  });
  if (found === undefined) return undefined;
  return found.isFile() ? 'file' : found.isDirectory() ? 'directory' : 'other';
}

function exists(path: string): DatameshError {
  return new DatameshError('already-exists', {
    what: `${path} exists`,
    mend: 'add --force to replace it, or name another file',
  });
}

function isDirectory(path: string): DatameshError {
  return new DatameshError('is-a-directory', {
    what: `${path} is a directory`,
    mend: 'name a file to write',
  });
}

function noFolder(path: string, cause?: unknown): DatameshError {
  return new DatameshError('file-not-found', {
    what: `there is no folder ${path}`,
    mend: 'make it first (mkdir -p)',
    cause,
  });
}

/** The folder must let a file be made, be the old one writable or not. */
function besideError(path: string, cause: unknown): DatameshError {
  const { code = '' } = cause as NodeJS.ErrnoException;
  if (!['EACCES', 'EPERM', 'EROFS'].includes(code)) return writeError(path, cause);
  return new DatameshError('file-denied', {
    what: `${path} cannot be written: no file can be made in ${dirname(path)}`,
    why: `${code}; what is new is written beside the old and takes its place when all of it is there`,
    mend: 'write to another folder and copy it from there, or check who may write to that one (ls -ld)',
    cause,
  });
}

function writeError(path: string, cause: unknown): DatameshError {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
    return new DatameshError('disk-full', {
      what: `no space is left for ${path}`,
      why: code,
      mend: 'free space or write elsewhere; nothing was left behind',
      cause,
    });
  }
  if (code === 'ENOENT') return noFolder(dirname(path), cause);
  if (code === 'EPIPE') {
    return new DatameshError('failed', {
      what: `${path} could not be written to its end`,
      why: 'who read from it went away',
      mend: 'start the reader again, then this',
      cause,
    });
  }
  if (code === 'ENOTDIR' || code === 'ENAMETOOLONG' || code === 'ELOOP') return asClearError(cause);
  return new DatameshError('file-denied', {
    what: `${path} cannot be written`,
    why: code ?? String(cause),
    mend: 'check the owner and mode of its folder (ls -ld)',
    cause,
  });
}
