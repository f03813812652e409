/**
 * The file system as the engine sees it. A model disk implements the same interface for crash tests: there, what was
 * not synced may be lost, reordered or torn, and a directory entry is durable only after `syncDir` of its folder.
 */

export interface DiskFile {
  readonly path: string;
  /** Fills `buffer` from `position` on; returns the bytes read, fewer only at the end of the file. */
  read(buffer: Uint8Array, position: number): Promise<number>;
  /** Writes all of `buffers` one after another from `position` on, or throws. */
  write(buffers: readonly Uint8Array[], position: number): Promise<void>;
  /** fdatasync: data and the length needed to read it back are durable when this resolves. */
  datasync(): Promise<void>;
  truncate(lengthBytes: number): Promise<void>;
  sizeBytes(): Promise<number>;
  close(): Promise<void>;
}

/** read: must exist. append/update: read and write, made when missing. create: read and write, must not exist. */
export type OpenMode = 'read' | 'update' | 'create';

export interface DiskStat {
  kind: 'file' | 'directory' | 'other';
  sizeBytes: number;
  /** Unix permission bits, e.g. 0o600. */
  mode: number;
  /** st_dev: equal for what lies on one file system. Not the same after a restart of the machine. */
  device: number;
}

export interface DiskSpace {
  totalBytes: number;
  freeBytes: number;
  /** Type number of statfs(2), e.g. 0x01021994 for tmpfs. */
  fsType: number;
}

export interface Disk {
  open(path: string, mode: OpenMode, permissions?: number): Promise<DiskFile>;
  /** The whole file; `undefined` when there is none. Throws over `maxBytes`. */
  readFile(path: string, maxBytes: number): Promise<Uint8Array | undefined>;
  /** Writes beside, syncs, renames over `path`, syncs the folder: after it the new content is durable, never half. */
  writeFileAtomic(path: string, data: Uint8Array, permissions: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  makeDir(path: string, permissions?: number): Promise<void>;
  list(path: string): Promise<string[]>;
  stat(path: string): Promise<DiskStat | undefined>;
  syncDir(path: string): Promise<void>;
  space(path: string): Promise<DiskSpace>;
}
