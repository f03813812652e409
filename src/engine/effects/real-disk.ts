/** The Disk of effects/disk.ts on node:fs. Errors are Node's own (`code` ENOENT, ENOSPC, EIO …). */
import {
  constants,
  fdatasync,
  read as fsRead,
  fstat,
  write as fsWrite,
  writev as fsWritev,
  ftruncate,
  readSync,
  writevSync,
} from 'node:fs';
import { type FileHandle, open, readdir, rename, stat, statfs, unlink } from 'node:fs/promises';
import { writeFileAtomic } from './atomic-write.ts';
import type { Disk, DiskFile, OpenMode } from './disk.ts';
import { makeDirs } from './make-dirs.ts';

/**
 * Up to this much is read or written in this thread: it is a copy from or to the page cache (2 µs for 4 KiB), where the way through the thread pool and back
 * takes 20 µs of processor time and two switches. What must reach the device is waited for elsewhere, in `datasync`.
 */
const HERE_BYTES = 64 * 1024;
/** A call that took longer did wait for the device, and with it everything else: the next ones on this file go to the thread pool. */
const SLOW_MS = 1;
const ELSEWHERE_CALLS = 64;

/** IOV_MAX on Linux and macOS: writev(2) refuses more buffers in one call. */
const BUFFERS_PER_WRITE = 1024;
const FILE_PERMISSIONS = 0o600;
const DIR_PERMISSIONS = 0o700;

const FLAGS: Record<OpenMode, number> = {
  read: constants.O_RDONLY,
  update: constants.O_RDWR | constants.O_CREAT,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
};

export function realDisk(): Disk {
  const disk: Disk = {
    async open(path, mode, permissions = FILE_PERMISSIONS) {
      return new RealFile(path, await open(path, FLAGS[mode], permissions));
    },
    async readFile(path, maxBytes) {
      const handle = await unlessMissing(open(path, constants.O_RDONLY));
      if (handle === undefined) return undefined;
      try {
        const { size } = await handle.stat();
        if (size > maxBytes)
          throw new RangeError(`${path} has ${size} bytes, more than the ${maxBytes} allowed`);
        return await readAll(new RealFile(path, handle), size);
      } finally {
        await handle.close();
      }
    },
    writeFileAtomic: (path, data, permissions) => writeFileAtomic(disk, path, data, permissions),
    rename: (from, to) => rename(from, to),
    remove: (path) => unlink(path),
    async makeDir(path, permissions = DIR_PERMISSIONS) {
      await makeDirs(path, permissions);
    },
    list: (path) => readdir(path),
    async stat(path) {
      const found = await unlessMissing(stat(path));
      if (found === undefined) return undefined;
      return {
        kind: found.isFile() ? 'file' : found.isDirectory() ? 'directory' : 'other',
        sizeBytes: found.size,
        mode: found.mode & 0o777,
        device: found.dev,
      };
    },
    async syncDir(path) {
      const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    },
    async space(path) {
      const found = await statfs(path);
      return {
        totalBytes: found.blocks * found.bsize,
        freeBytes: found.bavail * found.bsize,
        fsType: found.type,
      };
    },
  };
  return disk;
}

/**
 * Reads and writes by descriptor with the callback API: a FileHandle costs a promise and a reference count more per
 * call, which shows at 4 KiB. The handle is kept only to own the descriptor.
 */
class RealFile implements DiskFile {
  readonly path: string;
  readonly #handle: FileHandle;
  readonly #fd: number;
  /** Calls that are still to go to the thread pool. */
  #elsewhere = 0;

  constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
    this.#fd = handle.fd;
  }

  async read(buffer: Uint8Array, position: number): Promise<number> {
    let done = 0;
    const here = this.#isHere(buffer.length);
    while (done < buffer.length) {
      const count = here
        ? this.#timed(() => readSync(this.#fd, buffer, done, buffer.length - done, position + done))
        : await this.#readOnce(buffer, done, position + done);
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  #isHere(lengthBytes: number): boolean {
    if (lengthBytes > HERE_BYTES) return false;
    if (this.#elsewhere === 0) return true;
    this.#elsewhere--;
    return false;
  }

  #timed(call: () => number): number {
    const before = performance.now();
    const count = call();
    if (performance.now() - before > SLOW_MS) this.#elsewhere = ELSEWHERE_CALLS;
    return count;
  }

  #readOnce(buffer: Uint8Array, offset: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fsRead(this.#fd, buffer, offset, buffer.length - offset, position, (error, count) =>
        error ? reject(error) : resolve(count),
      );
    });
  }

  async write(buffers: readonly Uint8Array[], position: number): Promise<void> {
    let at = position;
    const here = this.#isHere(buffers.reduce((sum, { length }) => sum + length, 0));
    for (let first = 0; first < buffers.length; first += BUFFERS_PER_WRITE) {
      let rest = buffers.slice(first, first + BUFFERS_PER_WRITE).filter((buffer) => buffer.length > 0);
      while (rest.length > 0) {
        const count = here
          ? this.#timed(() => writevSync(this.#fd, rest, at))
          : await this.#writeOnce(rest, at);
        if (count === 0) throw new Error(`write to ${this.path} made no progress`);
        at += count;
        rest = dropBytes(rest, count);
      }
    }
  }

  #writeOnce(buffers: Uint8Array[], position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const done = (error: Error | null, count: number) => (error ? reject(error) : resolve(count));
      const only = buffers.length === 1 ? buffers[0] : undefined;
      if (only === undefined) fsWritev(this.#fd, buffers, position, done);
      else fsWrite(this.#fd, only, 0, only.length, position, done);
    });
  }

  datasync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fdatasync(this.#fd, (error) => (error ? reject(error) : resolve()));
    });
  }

  truncate(lengthBytes: number): Promise<void> {
    return new Promise((resolve, reject) => {
      ftruncate(this.#fd, lengthBytes, (error) => (error ? reject(error) : resolve()));
    });
  }

  sizeBytes(): Promise<number> {
    return new Promise((resolve, reject) => {
      fstat(this.#fd, (error, found) => (error ? reject(error) : resolve(found.size)));
    });
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** What is left to write after the kernel took `count` bytes: a short writev is legal. */
function dropBytes(buffers: Uint8Array[], count: number): Uint8Array[] {
  let left = count;
  for (const [index, buffer] of buffers.entries()) {
    if (left < buffer.length) return [buffer.subarray(left), ...buffers.slice(index + 1)];
    left -= buffer.length;
  }
  return [];
}

async function readAll(file: DiskFile, sizeBytes: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(sizeBytes);
  const count = await file.read(buffer, 0);
  return count === sizeBytes ? buffer : buffer.subarray(0, count);
}

async function unlessMissing<T>(pending: Promise<T>): Promise<T | undefined> {
  try {
    return await pending;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
