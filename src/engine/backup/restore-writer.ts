/**
 * Writes what a restore reads, and nothing outside its folder: every path was checked (tree-order.ts), every folder on the way was made or looked at by this run and is no link, files
 * are new ones that are renamed to their places when they are whole, and links come last, so that nothing is ever written through one.
 */
import type { FileTree, TreePath, TreeStat } from '../effects/tree.ts';
import { SPARSE_BLOCK_BYTES } from './limits.ts';
import { type IsOwn, OWN_FOLDER } from './own-folder.ts';
import { OwnThings } from './own-things.ts';
import { type ChunkIdOf, sameFile } from './same-file.ts';
import type { TreeEntry } from './tree-entry.ts';
import { parentOf } from './tree-order.ts';
import { whyOf } from './walk.ts';
import { type Place, type WorkFolders, workIn } from './work-folder.ts';

export interface RestoreWriterOptions {
  tree: FileTree;
  /** Absolute; exists. */
  root: TreePath;
  work: WorkFolders;
  /** Replace what is there; files that are as they should be stay. */
  overwrite: boolean;
  /** Whether it is a folder that nothing is written into. */
  isOwn: IsOwn;
  /** Tells whether a file that is there has the content that it should have. */
  idOf: ChunkIdOf;
  failed(path: Buffer, why: string): void;
}

/** A file that is being written under another name. */
export interface OpenTarget {
  entry: TreeEntry;
  beside: TreePath;
  /** Made with the first bytes, so that no more are open than have bytes on the way. */
  file: number | undefined;
  leftBytes: number;
  writtenBytes: number;
  /** Why it will not come to be. */
  fault: string | undefined;
}

const SLASH = Buffer.from('/');
const ITSELF = Buffer.from('/.');
const NONE = Buffer.alloc(0);
const ZEROS = Buffer.alloc(SPARSE_BLOCK_BYTES);
const NO_FIRST = 'the file that it is another name of was not restored';
export class RestoreWriter {
  readonly #options: RestoreWriterOptions;
  /** Folders, by path in latin1, that this run may write into, and the mounts they are on. */
  readonly #folders = new Map<string, Place>();
  readonly #own: OwnThings;
  readonly #directories: TreeEntry[] = [];
  readonly #links: TreeEntry[] = [];
  readonly #hardLinks: TreeEntry[] = [];
  readonly counts = { files: 0, directories: 0, links: 0, bytes: 0, kept: 0, unset: 0 };

  constructor(options: RestoreWriterOptions) {
    this.#options = options;
    this.#own = new OwnThings(options.tree, (path) => this.#pathOf(path));
  }

  /** Before all else. Throws where another restore is at work in the root. */
  async begin(): Promise<void> {
    const { tree, root, work } = this.#options;
    const place = await work.meet(tree.statThrough(root)!.device, NONE);
    this.#folders.set('', place);
    // Here rather than at each file.
    workIn(place);
  }

  #pathOf(path: Buffer): TreePath {
    return path.length === 0 ? this.#options.root : Buffer.concat([this.#options.root, SLASH, path]);
  }

  /** `onTheWay`: only something below it is meant, so one that is there stays as it is. */
  async directory(entry: TreeEntry, onTheWay: boolean): Promise<void> {
    const { tree, work } = this.#options;
    if (!onTheWay) this.#directories.push(entry);
    if (entry.path.length === 0) return;
    if (!this.#mayWrite(entry)) return;
    const at = this.#pathOf(entry.path);
    const above = this.#placeOf(entry);
    const met = this.#attempt(entry, () => {
      let found = tree.stat(at);
      this.#own.refuseClash(found, entry.path);
      if (found !== undefined && found.kind !== 'directory')
        throw new Error('something that is no folder is there');
      if (found !== undefined && this.#options.isOwn(found)) throw new Error(OWN_FOLDER);
      const isNew = found === undefined;
      if (isNew) {
        tree.makeDir(at);
        if (onTheWay) this.#directories.push(entry);
        found = tree.stat(at);
      }
      this.#own.add(found!, entry.path);
      this.counts.directories++;
      return { isNew, device: found!.device };
    });
    if (met === undefined) return;
    const place = met.isNew ? above : await work.meet(met.device, entry.path, above);
    this.#folders.set(entry.path.toString('latin1'), place);
  }

  /** Undefined when nothing is to be written: it is there already, empty and done, or cannot be. */
  openFile(entry: TreeEntry): OpenTarget | undefined {
    const { tree, overwrite } = this.#options;
    if (!this.#mayWrite(entry)) return undefined;
    return this.#attempt(entry, () => {
      // Otherwise what is there is met when the file is whole.
      const found = overwrite ? tree.stat(this.#pathOf(entry.path)) : undefined;
      if (found !== undefined) {
        this.#own.refuseClash(found, entry.path);
        if (found.kind === 'directory') throw new Error('a folder is there');
        const same = this.#own.has(found)
          ? undefined
          : sameFile(tree, this.#pathOf(entry.path), found, entry, this.#options.idOf);
        if (same !== undefined) {
          this.#own.add(found, entry.path);
          this.counts.kept++;
          if (!same.attributesSet) this.counts.unset++;
          return undefined;
        }
      }
      const beside = this.#beside(entry);
      const target: OpenTarget = {
        entry,
        beside,
        file: undefined,
        leftBytes: entry.sizeBytes,
        writtenBytes: 0,
        fault: undefined,
      };
      for (const { id, lengthBytes } of entry.segments) if (id === undefined) target.leftBytes -= lengthBytes;
      if (target.leftBytes > 0) return target;
      this.#finish(target);
      return undefined;
    });
  }

  write(target: OpenTarget, position: number, bytes: Uint8Array): void {
    if (target.fault === undefined) {
      try {
        target.file ??= this.#options.tree.create(target.beside);
        if (target.entry.sparse) this.#writeSparse(target.file, position, bytes);
        else this.#options.tree.write(target.file, bytes, position);
        target.writtenBytes += bytes.length;
      } catch (error) {
        target.fault = whyOf(error);
      }
    }
    this.#less(target, bytes.length);
  }

  /** Bytes of it will not come. */
  lose(target: OpenTarget, lengthBytes: number, why: string): void {
    target.fault ??= why;
    this.#less(target, lengthBytes);
  }

  link(entry: TreeEntry): void {
    (entry.kind === 'link' ? this.#links : this.#hardLinks).push(entry);
  }

  /** Links, then the attributes of folders, deepest first. */
  async end(): Promise<void> {
    const { tree, root, work } = this.#options;
    for (const entry of this.#hardLinks)
      this.#place(entry, (at) => tree.hardLink(at, this.#pathOf(entry.target)));
    for (const entry of this.#links) {
      this.#place(entry, (at) => {
        tree.makeLink(at, entry.target);
        if (!tree.setAttributes(at, entry, true)) this.counts.unset++;
      });
    }
    await work.end();
    for (const entry of this.#directories.reverse()) {
      if (!this.#folders.has(entry.path.toString('latin1'))) continue;
      // The root may have been named by a link, which is not what is meant.
      const at = entry.path.length === 0 ? Buffer.concat([root, ITSELF]) : this.#pathOf(entry.path);
      if (!tree.setAttributes(at, entry, false)) this.counts.unset++;
    }
  }

  /** Leaves nothing of what is not whole; what is stays. */
  async abandon(): Promise<void> {
    try {
      await this.#options.work.end();
    } catch {
      // The next run clears it; what stopped this one is what is told.
    }
  }

  #less(target: OpenTarget, lengthBytes: number): void {
    target.leftBytes -= lengthBytes;
    if (target.leftBytes === 0) this.#finish(target);
  }

  #finish(target: OpenTarget): void {
    const { tree, failed } = this.#options;
    const { entry, beside } = target;
    let fault = target.fault;
    try {
      const file = target.file ?? (fault === undefined ? tree.create(beside) : undefined);
      let made: TreeStat | undefined;
      if (file !== undefined) {
        try {
          if (fault === undefined && entry.sparse) tree.truncate(file, entry.sizeBytes);
          if (fault === undefined && !tree.setOpenAttributes(file, entry)) this.counts.unset++;
          made = tree.statOpen(file);
        } finally {
          tree.close(file);
        }
      }
      if (fault === undefined && made !== undefined) {
        const at = this.#pathOf(entry.path);
        // Looked at when it is whole: what this file system takes for the same name may have come meanwhile.
        const found = tree.stat(at);
        this.#own.refuseClash(found, entry.path);
        if (found !== undefined && !this.#options.overwrite) throw new Error('something is there already');
        tree.rename(beside, at);
        this.#own.add(made, entry.path);
        this.counts.files++;
        this.counts.bytes += target.writtenBytes;
        return;
      }
    } catch (error) {
      fault = whyOf(error);
    }
    try {
      tree.remove(beside);
    } catch {
      // The next run clears the folder.
    }
    failed(entry.path, fault ?? 'it could not be written');
  }

  #place(entry: TreeEntry, make: (at: TreePath) => void): void {
    const { tree, overwrite } = this.#options;
    if (!this.#mayWrite(entry)) return;
    this.#attempt(entry, () => {
      const at = this.#pathOf(entry.path);
      const found = tree.stat(at);
      if (entry.kind === 'hard-link') {
        const first = tree.stat(this.#pathOf(entry.target));
        // What else is there under the first name is not this file.
        if (first === undefined || !this.#own.has(first)) throw new Error(NO_FIRST);
        if (first.inode === found?.inode && first.device === found.device) {
          this.counts.kept++;
          return;
        }
      }
      if (found !== undefined) {
        this.#own.refuseClash(found, entry.path);
        if (!overwrite) throw new Error('something is there already');
        if (found.kind === 'directory') throw new Error('a folder is there');
      }
      // Beside, and then in its place: where it cannot be made what is there stays.
      const beside = this.#beside(entry);
      make(beside);
      tree.rename(beside, at);
      if (entry.kind === 'link') this.#own.add(tree.stat(at)!, entry.path);
      this.counts.links++;
    });
  }

  /** On the mount that it belongs on. */
  #beside(entry: TreeEntry): TreePath {
    return workIn(this.#placeOf(entry)).next();
  }

  #placeOf(entry: TreeEntry): Place {
    return this.#folders.get(parentOf(entry.path)!.toString('latin1'))!;
  }

  #mayWrite(entry: TreeEntry): boolean {
    if (this.#folders.has(parentOf(entry.path)!.toString('latin1'))) return true;
    this.#options.failed(entry.path, 'the folder it belongs into could not be made');
    return false;
  }

  #attempt<T>(entry: TreeEntry, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.#options.failed(entry.path, whyOf(error));
      return undefined;
    }
  }

  /** Blocks of zeros are left out: what was never written is a hole. */
  #writeSparse(file: number, position: number, bytes: Uint8Array): void {
    const { tree } = this.#options;
    const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let from = 0;
    for (let at = 0; at < all.length; ) {
      const length = Math.min(all.length - at, SPARSE_BLOCK_BYTES - ((position + at) % SPARSE_BLOCK_BYTES));
      const zero = all.subarray(at, at + length).equals(ZEROS.subarray(0, length));
      if (zero && at > from) tree.write(file, all.subarray(from, at), position + from);
      at += length;
      if (zero) from = at;
    }
    if (from < all.length) tree.write(file, all.subarray(from), position + from);
  }
}
