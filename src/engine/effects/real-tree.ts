/** The FileTree of effects/tree.ts on node:fs. Errors are Node's own (`code` ENOENT, EACCES …). */
import * as fs from 'node:fs';
import type { FileTree, TreeAttributes, TreeStat } from './tree.ts';

const { constants } = fs;
/** A pipe that took the place of a file must not hold the thread. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const CREATE_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
/** st_blocks counts these, whatever the file system's own blocks are (POSIX leaves it open; Linux and macOS do so). */
const BLOCK_BYTES = 512;
const CREATE_MODE = 0o600;
const SET_UID_BIT = 0o4000;
const SET_GID_BIT = 0o2000;

/** @param user who runs it; 0 may give files to others, and everybody a file of his own to a group of his */
export function realTree(
  chown: Pick<typeof fs, 'lchownSync' | 'fchownSync'> = fs,
  user = process.geteuid?.(),
): FileTree {
  const isRoot = user === 0;
  /** `mode`: a set-id program of another user or group must not become one of who restores it. `done`: as far as may be. */
  const own = ({ mode, uid }: TreeAttributes, change: () => void) => {
    const changed = (isRoot || user === uid) && attempt(change);
    const lost = (changed || user === uid ? 0 : SET_UID_BIT) | (changed ? 0 : SET_GID_BIT);
    return { mode: mode & ~lost, done: changed || !isRoot };
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
    setAttributes(path, attributes, link) {
      const { uid, gid, mtimeNs } = attributes;
      const owned = own(attributes, () => chown.lchownSync(path, uid, gid));
      const moded = link || attempt(() => fs.chmodSync(path, owned.mode));
      const time = timeOf(mtimeNs);
      const timed = attempt(() => fs.lutimesSync(path, time, time));
      return owned.done && moded && timed;
    },
    setOpenAttributes(file, attributes) {
      const { mode, uid, gid, mtimeNs } = attributes;
      // What was just made is this user's and this group's, most often.
      const isOwn = uid === user && gid === process.getegid?.() && (mode & SET_GID_BIT) === 0;
      const owned = isOwn ? { mode, done: true } : own(attributes, () => chown.fchownSync(file, uid, gid));
      const moded = owned.mode === CREATE_MODE || attempt(() => fs.fchmodSync(file, owned.mode));
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
