/** The folder's side of a sync: which files are there, and what their content is. */
import { createReadStream } from 'node:fs';
import { lstat, mkdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Exclusion } from '../../../engine/backup/exclude.ts';
import { pathFault } from '../../../engine/backup/tree-order.ts';
import { walk } from '../../../engine/backup/walk.ts';
import { blake3Hasher } from '../../../engine/codec/hash.ts';
import { realTree } from '../../../engine/effects/real-tree.ts';
import { bytesToHex } from '../../../engine/types.ts';
import { DatameshError } from '../../../errors.ts';
import { openDestination } from '../../files/destination.ts';
import type { FileMark, SyncState } from './state.ts';

export interface LocalFile extends FileMark {
  path: string;
  /** Of its content; undefined until it was read, where nothing is known of it. */
  hash: string | undefined;
}

export interface LocalScan {
  files: Map<string, LocalFile>;
  /** What is there and cannot be synced. */
  skipped: { path: string; why: string }[];
}

/** Links are left alone, and that is no fault of theirs. */
export const IS_LINK = 'it is a link';
const READ_BYTES = 1024 * 1024;
const IGNORE_FILE = '.datameshignore';
const MAX_IGNORE_BYTES = 1024 * 1024;

/** Patterns of the folder's own ignore file; none without one. */
export async function ignoredByFile(root: string): Promise<string[]> {
  const path = join(root, IGNORE_FILE);
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined || !found.isFile()) return [];
  if (found.size > MAX_IGNORE_BYTES)
    throw new DatameshError('input-too-large', { what: `${path} is too long for a list of patterns` });
  return (await readFile(path, 'utf8')).split('\n');
}

/** Files whose size, times and inode are as `state` has them have the hash of it. */
export function scanLocal(
  root: string,
  exclusion: Exclusion,
  state: SyncState,
  skip: readonly string[] = [],
): LocalScan {
  const scan: LocalScan = { files: new Map(), skipped: [] };
  const found = walk({
    tree: realTree(),
    root: Buffer.from(root),
    exclusion,
    skip: skip.map((path) => Buffer.from(path)),
    oneFileSystem: false,
    skipped: (path, why) => void scan.skipped.push({ path: path.toString(), why }),
  });
  for (const { path: bytes, stat } of found) {
    const path = bytes.toString('utf8');
    if (stat.kind === 'directory') continue;
    if (stat.kind === 'link') scan.skipped.push({ path, why: IS_LINK });
    else if (!Buffer.from(path).equals(bytes)) scan.skipped.push({ path, why: 'its name is no UTF-8' });
    else {
      const mark = markOf(stat);
      const known = state.get(path);
      scan.files.set(path, { path, ...mark, hash: known && sameMark(known, mark) ? known.hash : undefined });
    }
  }
  return scan;
}

function markOf(stat: { sizeBytes: number; mtimeNs: bigint; ctimeNs: bigint; inode: bigint }): FileMark {
  const { sizeBytes, mtimeNs, ctimeNs, inode } = stat;
  return { size: sizeBytes, mtimeNs: `${mtimeNs}`, ctimeNs: `${ctimeNs}`, inode: `${inode}` };
}

/** The mark of a file now; undefined where no file is. */
export function markAt(root: string, path: string): FileMark | undefined {
  const stat = realTree().stat(Buffer.from(join(root, path)));
  return stat?.kind === 'file' ? markOf(stat) : undefined;
}

export function sameMark(a: FileMark, b: FileMark): boolean {
  return a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs && a.inode === b.inode;
}

export async function hashFile(root: string, path: string, signal: AbortSignal): Promise<string> {
  const hasher = blake3Hasher();
  const read = createReadStream(join(root, path), { highWaterMark: READ_BYTES, signal });
  for await (const piece of read as AsyncIterable<Uint8Array>) hasher.update(piece);
  return bytesToHex(hasher.digest());
}

/**
 * A path of the mesh as one in the folder, with the folders above it made. Throws `bad-name` for a path that leads elsewhere, or through a link or a file.
 */
export async function placeFor(root: string, path: string): Promise<string> {
  const fault = pathFault(Buffer.from(path)) ?? (path === '' ? 'it is empty' : undefined);
  if (fault !== undefined) throw badPath(path, fault);
  let folder = root;
  for (const part of dirname(path).split('/')) {
    if (part === '.') continue;
    folder = join(folder, part);
    const found = await lstat(folder).catch(() => undefined);
    if (found === undefined) await mkdir(folder);
    else if (!found.isDirectory()) throw badPath(path, `${folder} is no folder`);
  }
  const place = join(root, path);
  const found = await lstat(place).catch(() => undefined);
  if (found !== undefined && !found.isFile()) throw badPath(path, 'something that is no file is there');
  return place;
}

/** Deletes a file, unless it has changed since it was looked at, and the folders that this leaves empty. Returns whether it did. */
export async function removeFile(root: string, path: string, looked: FileMark): Promise<boolean> {
  const now = markAt(root, path);
  if (now === undefined || !sameMark(now, looked)) return false;
  await rm(join(root, path));
  for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) {
    try {
      await rmdir(join(root, folder));
    } catch {
      break;
    }
  }
  return true;
}

export async function moveFile(root: string, from: string, to: string): Promise<void> {
  await rename(join(root, from), await placeFor(root, to));
}

/**
 * A whole file in place of what is there, if anything, be it on a file system that is mounted within the folder. `mayReplace` throws where it must not be, and is asked at the last
 * moment: that a large file is on the disk takes its time, and what is changed meanwhile would be lost.
 */
export async function moveOver(from: string, to: string, mayReplace: () => void): Promise<void> {
  mayReplace();
  try {
    await rename(from, to);
    return;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
  }
  const beside = join(dirname(to), `.${basename(from)}.part`);
  const destination = await openDestination(beside, true, (await lstat(from)).mode);
  try {
    for await (const piece of createReadStream(from, { highWaterMark: READ_BYTES }))
      await destination.write(piece as Uint8Array);
    await destination.commit();
    mayReplace();
    await rename(beside, to);
  } finally {
    await destination.discard();
    await rm(beside, { force: true });
  }
}

function badPath(path: string, why: string): DatameshError {
  return new DatameshError('bad-name', {
    what: `${JSON.stringify(path)} cannot be a file in this folder`,
    why,
  });
}
