/**
 * Folders of the user's as a backup reads and a restore writes them: names are bytes, times have nanoseconds, links are never followed. All of it is synchronous,
 * as it runs in a thread of its own, where a call costs some microseconds and a promise would cost five times that.
 */

/** Bytes of a path, absolute. */
export type TreePath = Buffer;

export interface TreeStat {
  /** `other`: a device, pipe or socket. */
  kind: 'file' | 'directory' | 'link' | 'other';
  /** Permission bits with set-id and sticky ones, e.g. 0o1755. */
  mode: number;
  uid: number;
  gid: number;
  sizeBytes: number;
  /** Less than the size where the file has holes. */
  allocatedBytes: number;
  mtimeNs: bigint;
  ctimeNs: bigint;
  device: bigint;
  inode: bigint;
  /** Names that this file has. */
  links: number;
}

export interface TreeAttributes {
  mode: number;
  uid: number;
  gid: number;
  /** Set to within a microsecond, which is what Node's call takes. */
  mtimeNs: bigint;
}

export interface FileTree {
  /** Names in a folder, in no order, without `.` and `..`. */
  list(path: TreePath): Buffer[];
  /** Of the thing itself, not of what it links to; undefined where nothing is. */
  stat(path: TreePath): TreeStat | undefined;
  /** Of what it links to, where it is a link. */
  statThrough(path: TreePath): TreeStat | undefined;
  readLink(path: TreePath): Buffer;
  /** A regular file for reading; a link there is refused. */
  open(path: TreePath): number;
  /** Of an open file. */
  statOpen(file: number): TreeStat;
  /** Fills `buffer` from `at` on with what is at `position`; returns the bytes read, 0 at the end. */
  read(file: number, buffer: Uint8Array, at: number, length: number, position: number): number;
  close(file: number): void;
  /** A new file for writing, mode 0600; what is there, be it a link, is refused. */
  create(path: TreePath): number;
  /** All of `bytes`, or throws. */
  write(file: number, bytes: Uint8Array, position: number): void;
  truncate(file: number, sizeBytes: number): void;
  /** A new folder, mode 0700 unless given. */
  makeDir(path: TreePath, mode?: number): void;
  makeLink(path: TreePath, target: Buffer): void;
  /** One more name for a file. */
  hardLink(path: TreePath, of: TreePath): void;
  rename(from: TreePath, to: TreePath): void;
  remove(path: TreePath): void;
  /** An empty one. */
  removeDir(path: TreePath): void;
  /** The same for a file that is open. */
  setOpenAttributes(file: number, attributes: TreeAttributes): boolean;
  /** Owner (where this user may), mode, time. Set-id bits stay off where the owner could not be set. Returns whether all was set. */
  setAttributes(path: TreePath, attributes: TreeAttributes, link: boolean): boolean;
}
