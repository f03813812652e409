/** The FileTree of effects/tree.ts on node:fs. Errors are Node's own (`code` ENOENT, EACCES …). */
import * as fs from 'node:fs';
import type { FileTree, TreeStat } from './tree.ts';

const { constants } = fs;
/** A pipe that took the place of a file must not hold the thread. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const CREATE_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
/** st_blocks counts these, whatever the file system's own blocks are (POSIX leaves it open; Linux and macOS do so). */
const BLOCK_BYTES = 512;
const CREATE_MODE = 0o600;
const SET_ID_BITS = 0o6000;

export function realTree(): FileTree {
  const mayChown = process.geteuid?.() === 0;
  /** `is`: it belongs to that owner now; a set-id program of another one must not become one of the user who restores it. `done`: as far as may be. */
  const own = (uid: number, change: () => void) => {
    const changed = mayChown && attempt(change);
    return { is: changed || process.geteuid?.() === uid, done: changed || !mayChown };
  };
  return {
    list: (path) => fs.readdirSync(path, { encoding: 'buffer' }),
    stat(path) {
      const found = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false });
      return found === undefined ? undefined : treeStat(found);
    },
    statThrough(path) {
      const found = fs.statSync(path, { bigint: true, throwIfNoEntry: false });
      return found === undefined ? undefined : treeStat(found);
    },
    readLink: (path) => fs.readlinkSync(path, { encoding: 'buffer' }),
    open: (path) => fs.openSync(path, READ_FLAGS),
    statOpen: (file) => treeStat(fs.fstatSync(file, { bigint: true })),
    read: (file, buffer, at, length, position) => fs.readSync(file, buffer, at, length, position),
    close: (file) => fs.closeSync(file),
    create: (path) => fs.openSync(path, CREATE_FLAGS, CREATE_MODE),
    write(file, bytes, position) {
      for (let done = 0; done < bytes.length; ) {
        done += fs.writeSync(file, bytes, done, bytes.length - done, position + done);
      }
    },
    truncate: (file, sizeBytes) => fs.ftruncateSync(file, sizeBytes),
    makeDir: (path, mode = 0o700) => fs.mkdirSync(path, { mode }),
    makeLink: (path, target) => fs.symlinkSync(target, path),
    hardLink: (path, of) => fs.linkSync(of, path),
    rename: (from, to) => fs.renameSync(from, to),
    remove: (path) => fs.unlinkSync(path),
    removeDir: (path) => fs.rmdirSync(path),
    setAttributes(path, { mode, uid, gid, mtimeNs }, link) {
      const owned = own(uid, () => fs.lchownSync(path, uid, gid));
      const moded = link || attempt(() => fs.chmodSync(path, owned.is ? mode : mode & ~SET_ID_BITS));
      const time = timeOf(mtimeNs);
      const timed = attempt(() => fs.lutimesSync(path, time, time));
      return owned.done && moded && timed;
    },
    setOpenAttributes(file, { mode, uid, gid, mtimeNs }) {
      // What was just made is this user's and this group's, most often.
      const isOwn = uid === process.geteuid?.() && gid === process.getegid?.();
      const owned = isOwn ? { is: true, done: true } : own(uid, () => fs.fchownSync(file, uid, gid));
      const finalMode = owned.is ? mode : mode & ~SET_ID_BITS;
      const moded = finalMode === CREATE_MODE || attempt(() => fs.fchmodSync(file, finalMode));
      const time = timeOf(mtimeNs);
      const timed = attempt(() => fs.futimesSync(file, time, time));
      return owned.done && moded && timed;
    },
  };
}

function treeStat(found: fs.BigIntStats): TreeStat {
  return {
    kind: found.isFile()
      ? 'file'
      : found.isDirectory()
        ? 'directory'
        : found.isSymbolicLink()
          ? 'link'
          : 'other',
    mode: Number(found.mode & 0o7777n),
    uid: Number(found.uid),
    gid: Number(found.gid),
    sizeBytes: Number(found.size),
    allocatedBytes: Number(found.blocks) * BLOCK_BYTES,
    mtimeNs: found.mtimeNs,
    ctimeNs: found.ctimeNs,
    device: found.dev,
    inode: found.ino,
    links: Number(found.nlink),
  };
}

/**
 * Node takes seconds as a double, which near the year 2026 steps by a quarter of a microsecond. It must not step over to the next second: that is what other tools
 * compare. A negative number would be taken for now, a Date before 1970 is not: those keep milliseconds.
 */
function timeOf(mtimeNs: bigint): number | Date {
  if (mtimeNs < 0n) return new Date(Math.floor(Number(mtimeNs) / 1e6));
  const seconds = Number(mtimeNs / 1_000_000_000n);
  const nearest = Number(mtimeNs) / 1e9;
  return nearest < seconds + 1 ? nearest : seconds + 0.999_999_5;
}

function attempt(change: () => void): boolean {
  try {
    change();
    return true;
  } catch {
    return false;
  }
}
