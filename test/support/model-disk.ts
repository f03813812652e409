/**
 * A disk in memory that forgets like a real one. What was written and not synced may be lost, kept, cut off, torn
 * at sector boundaries or reordered when the machine stops; a name is durable only after `syncDir` of its folder,
 * whatever was synced inside the file. Folders themselves are durable at once, and a sector holds its old or its new
 * bytes, never others (the power-safe overwrite that SQLite and LMDB assume too).
 *
 * Every effect goes through `apply`, so that a recorded run can be built again up to any of its effects.
 */
import { dirname } from 'node:path';
import { writeFileAtomic } from '../../src/engine/effects/atomic-write.ts';
import type { Disk, DiskFile, DiskSpace, DiskStat, OpenMode } from '../../src/engine/effects/disk.ts';
import { nextTurn } from '../../src/engine/effects/turn.ts';
import { Contents, type FileChange, uncovered } from './model-contents.ts';
import { crashFile, keepSome, type Shake } from './model-crash.ts';

export type Effect =
  | { kind: 'makeDir'; path: string }
  | { kind: 'create'; path: string; inode: number }
  | { kind: 'change'; inode: number; change: FileChange }
  /** A datasync begins: it will cover what was written before it, and nothing written while it runs. */
  | { kind: 'beginSync'; inode: number; sync: number }
  | { kind: 'datasync'; inode: number; sync: number }
  /** A datasync that reported an error: the kernel marks the pages clean all the same, and never tries again. */
  | { kind: 'failedSync'; inode: number }
  | { kind: 'rename'; from: string; to: string }
  | { kind: 'remove'; path: string }
  | { kind: 'syncDir'; path: string };

export type Operation = 'open' | 'read' | 'write' | 'datasync' | 'truncate' | 'rename' | 'remove' | 'syncDir';

interface Inode {
  number: number;
  current: Contents;
  durable: Contents;
  /** In `current`, not in `durable`. */
  pending: FileChange[];
  /** What the datasyncs under way will have made durable, by their numbers. */
  syncs: Map<number, FileChange[]>;
  /** Lost to a failed datasync: still in `current` (the page cache), in no later datasync. */
  orphaned: FileChange[];
}

/** Names changed together, atomically: path → inode, null = no such name. */
type NameChange = [path: string, inode: Inode | null][];

export class ModelDisk implements Disk {
  /** Called before each operation: an errno name makes it fail, a write after part of it was done. */
  fault: ((operation: Operation, path: string) => string | undefined) | undefined;
  /** The same for reads of an open file, with the place and how much is asked for. */
  faultAt:
    | ((operation: 'read', path: string, position: number, length: number) => string | undefined)
    | undefined;
  /** Every effect, in order, when set. */
  trace: Effect[] | undefined;
  /** Effects until the machine stops: then every operation fails, for good. */
  effectsLeft = Number.POSITIVE_INFINITY;
  capacityBytes = Number.POSITIVE_INFINITY;
  /** Turns of the event loop that a write or datasync takes; none unless given. A write is half done meanwhile. */
  turns: ((operation: 'write' | 'datasync') => number) | undefined;
  /** The same by a clock of the caller's: what it returns is waited for. */
  pause: ((operation: 'write' | 'datasync') => Promise<void> | undefined) | undefined;
  readonly #dirs = new Set<string>(['/']);
  #inodes = new Map<number, Inode>();
  #names = new Map<string, Inode>();
  #durableNames = new Map<string, Inode>();
  #pendingNames: { dir: string; change: NameChange }[] = [];
  #nextInode = 1;
  #nextSync = 1;

  /** One effect, as recorded in a trace of another ModelDisk that began empty. */
  apply(effect: Effect): void {
    if (this.effectsLeft <= 0) throw new Error('the machine has stopped');
    // What fails changes nothing, and is not recorded.
    if (effect.kind === 'remove') this.#inodeAt(effect.path);
    if (effect.kind === 'rename') this.#inodeAt(effect.from);
    this.effectsLeft -= 1;
    this.trace?.push(effect);
    switch (effect.kind) {
      case 'makeDir':
        this.#dirs.add(effect.path);
        return;
      case 'create': {
        const number = effect.inode;
        const inode = durableInode(number, new Contents());
        this.#inodes.set(number, inode);
        this.#nextInode = Math.max(this.#nextInode, number + 1);
        this.#rename([[effect.path, inode]]);
        return;
      }
      case 'change': {
        const inode = this.#inodes.get(effect.inode)!;
        inode.current.apply(effect.change);
        inode.pending.push(effect.change);
        return;
      }
      case 'beginSync': {
        const inode = this.#inodes.get(effect.inode)!;
        inode.syncs.set(effect.sync, [...inode.pending]);
        return;
      }
      case 'datasync': {
        const inode = this.#inodes.get(effect.inode)!;
        const covered = new Set(inode.syncs.get(effect.sync));
        inode.syncs.delete(effect.sync);
        const changes = inode.pending.filter((change) => covered.has(change));
        inode.pending = inode.pending.filter((change) => !covered.has(change));
        for (const change of changes) {
          inode.durable.apply(change);
          inode.orphaned = inode.orphaned.flatMap((orphan) => uncovered(orphan, change));
        }
        return;
      }
      case 'failedSync': {
        const inode = this.#inodes.get(effect.inode)!;
        // What was written while it ran may have gone the same way.
        inode.orphaned.push(...inode.pending.splice(0));
        inode.syncs.clear();
        return;
      }
      case 'rename':
        this.#rename([
          [effect.from, null],
          [effect.to, this.#inodeAt(effect.from)],
        ]);
        return;
      case 'remove':
        this.#rename([[effect.path, null]]);
        return;
      case 'syncDir': {
        const mine = this.#pendingNames.filter(({ dir }) => dir === effect.path);
        this.#pendingNames = this.#pendingNames.filter(({ dir }) => dir !== effect.path);
        for (const { change } of mine) applyNames(this.#durableNames, change);
      }
    }
  }

  #rename(change: NameChange): void {
    applyNames(this.#names, change);
    this.#pendingNames.push({ dir: dirname(change[0]![0]), change });
  }

  #inodeAt(path: string): Inode {
    const inode = this.#names.get(path);
    if (inode === undefined) throw errno('ENOENT', path);
    return inode;
  }

  /** The disk after a power cut now: a new one, everything on it durable. */
  crash(shake: Shake): ModelDisk {
    const names = new Map(this.#durableNames);
    for (const { change } of keepSome(shake, this.#pendingNames)) applyNames(names, change);
    const after = new ModelDisk();
    for (const dir of this.#dirs) after.#dirs.add(dir);
    const made = new Map<Inode, Inode>();
    for (const [path, inode] of names) {
      const copy = made.get(inode) ?? durableInode(inode.number, this.#contentsAfter(shake, inode));
      made.set(inode, copy);
      after.#inodes.set(copy.number, copy);
      after.#names.set(path, copy);
      after.#durableNames.set(path, copy);
    }
    after.#nextInode = this.#nextInode;
    return after;
  }

  /** The disk as the next process finds it when this one was killed: unsynced changes are seen, and still not durable. */
  kill(): ModelDisk {
    const after = new ModelDisk();
    for (const dir of this.#dirs) after.#dirs.add(dir);
    const made = new Map<Inode, Inode>();
    const copy = (inode: Inode): Inode => {
      const known = made.get(inode);
      if (known !== undefined) return known;
      const { number, current, durable, pending, orphaned } = inode;
      const fresh = {
        number,
        current: current.copy(),
        durable: durable.copy(),
        pending: [...pending],
        syncs: new Map(),
        orphaned: [...orphaned],
      };
      made.set(inode, fresh);
      after.#inodes.set(number, fresh);
      return fresh;
    };
    for (const [path, inode] of this.#names) after.#names.set(path, copy(inode));
    for (const [path, inode] of this.#durableNames) after.#durableNames.set(path, copy(inode));
    after.#pendingNames = this.#pendingNames.map(({ dir, change }) => ({
      dir,
      change: change.map(([path, inode]) => [path, inode === null ? null : copy(inode)]),
    }));
    after.#nextInode = this.#nextInode;
    return after;
  }

  #contentsAfter(shake: Shake, inode: Inode): Contents {
    // Orphaned pages may or may not have reached the disk, like pending ones; they came first.
    return crashFile(shake, inode.durable.copy(), [...inode.orphaned, ...inode.pending]);
  }

  /** The bytes of a file as they would be read now; to look at or to damage in a test. */
  contents(path: string): Uint8Array {
    return this.#inodeAt(path).current.bytes();
  }

  /** Turns bits of a stored byte, in the page cache and on the medium. */
  damage(path: string, position: number, xor: number): void {
    const inode = this.#inodeAt(path);
    for (const contents of [inode.current, inode.durable]) {
      const bytes = contents.bytes();
      if (position < bytes.length) bytes[position]! ^= xor;
    }
  }

  usedBytes(): number {
    let total = 0;
    for (const inode of new Set(this.#names.values())) total += inode.current.length;
    return total;
  }

  #fail(operation: Operation, path: string): void {
    if (this.effectsLeft <= 0) throw new Error('the machine has stopped');
    const code = this.fault?.(operation, path);
    if (code !== undefined) throw errno(code, path, operation);
  }

  async open(path: string, mode: OpenMode): Promise<DiskFile> {
    await undefined;
    this.#fail('open', path);
    if (!this.#dirs.has(dirname(path))) throw errno('ENOENT', path);
    const found = this.#names.get(path);
    if (mode === 'create' && found !== undefined) throw errno('EEXIST', path);
    if (mode === 'read' && found === undefined) throw errno('ENOENT', path);
    if (found === undefined) this.apply({ kind: 'create', path, inode: this.#nextInode });
    return this.#file(path, this.#inodeAt(path));
  }

  #file(path: string, inode: Inode): DiskFile {
    const change = (it: FileChange) => this.apply({ kind: 'change', inode: inode.number, change: it });
    return {
      path,
      read: async (buffer, position) => {
        await undefined;
        this.#fail('read', path);
        const code = this.faultAt?.('read', path, position, buffer.length);
        if (code !== undefined) throw errno(code, path, 'read');
        return inode.current.read(buffer, position);
      },
      write: async (buffers, position) => {
        await undefined;
        const data = new Uint8Array(Buffer.concat(buffers));
        const room = this.capacityBytes - this.usedBytes() + inode.current.length;
        let code: string | undefined;
        try {
          this.#fail('write', path);
          if (position + data.length > room) throw errno('ENOSPC', path);
        } catch (error) {
          code = (error as NodeJS.ErrnoException).code;
          if (code === undefined) throw error;
          const part = data.subarray(0, Math.max(0, Math.min(data.length >> 1, room - position)));
          if (part.length > 0) change({ kind: 'write', position, data: part });
          throw error;
        }
        const turns = this.turns?.('write') ?? 0;
        // A datasync that begins while a write is half done covers that half alone.
        const paused = this.pause?.('write');
        const half = turns > 0 || paused !== undefined ? data.length >> 1 : 0;
        if (half > 0) change({ kind: 'write', position, data: data.subarray(0, half) });
        await pass(turns);
        await paused;
        change({ kind: 'write', position: position + half, data: data.subarray(half) });
      },
      datasync: async () => {
        await undefined;
        const sync = this.#nextSync++;
        this.apply({ kind: 'beginSync', inode: inode.number, sync });
        await pass(this.turns?.('datasync') ?? 0);
        await this.pause?.('datasync');
        try {
          this.#fail('datasync', path);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== undefined) {
            this.apply({ kind: 'failedSync', inode: inode.number });
          }
          throw error;
        }
        this.apply({ kind: 'datasync', inode: inode.number, sync });
      },
      truncate: async (lengthBytes) => {
        await undefined;
        this.#fail('truncate', path);
        change({ kind: 'truncate', lengthBytes });
      },
      sizeBytes: async () => inode.current.length,
      close: async () => undefined,
    };
  }

  async readFile(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
    await undefined;
    this.#fail('read', path);
    const found = this.#names.get(path);
    if (found === undefined) return undefined;
    if (found.current.length > maxBytes) throw new RangeError(`${path} is over ${maxBytes} bytes`);
    return Uint8Array.from(found.current.bytes());
  }

  writeFileAtomic(path: string, data: Uint8Array, permissions: number): Promise<void> {
    return writeFileAtomic(this, path, data, permissions, 'model');
  }

  async rename(from: string, to: string): Promise<void> {
    await undefined;
    this.#fail('rename', from);
    this.apply({ kind: 'rename', from, to });
  }

  async remove(path: string): Promise<void> {
    await undefined;
    this.#fail('remove', path);
    this.apply({ kind: 'remove', path });
  }

  async makeDir(path: string): Promise<void> {
    for (let dir = path; !this.#dirs.has(dir); dir = dirname(dir)) this.apply({ kind: 'makeDir', path: dir });
  }

  async list(path: string): Promise<string[]> {
    const names = [...this.#names.keys()].filter((name) => dirname(name) === path);
    return names.map((name) => name.slice(path.length + 1));
  }

  async stat(path: string): Promise<DiskStat | undefined> {
    if (this.#dirs.has(path)) return { kind: 'directory', sizeBytes: 0, mode: 0o700, device: 1 };
    const found = this.#names.get(path);
    if (found === undefined) return undefined;
    return { kind: 'file', sizeBytes: found.current.length, mode: 0o600, device: 1 };
  }

  async syncDir(path: string): Promise<void> {
    await undefined;
    this.#fail('syncDir', path);
    this.apply({ kind: 'syncDir', path });
  }

  async space(): Promise<DiskSpace> {
    const totalBytes = Math.min(this.capacityBytes, 1e15);
    return { totalBytes, freeBytes: Math.max(0, totalBytes - this.usedBytes()), fsType: 0 };
  }
}

function durableInode(number: number, durable: Contents): Inode {
  return { number, current: durable.copy(), durable, pending: [], syncs: new Map(), orphaned: [] };
}

function applyNames(names: Map<string, Inode>, change: NameChange): void {
  for (const [path, inode] of change) {
    if (inode === null) names.delete(path);
    else names.set(path, inode);
  }
}

async function pass(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await nextTurn();
}

function errno(code: string, path: string, syscall?: Operation): Error {
  return Object.assign(new Error(`${code}: ${path}`), {
    code,
    ...(syscall === undefined ? {} : { syscall }),
  });
}
