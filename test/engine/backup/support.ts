/** Backups on a folder of this machine and objects in memory. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { type ListOutcome, listTree } from '../../../src/engine/backup/list-tree.ts';
import { NAMES, type ObjectDoor } from '../../../src/engine/backup/object-door.ts';
import {
  type BackupCall,
  type BackupJob,
  type BackupOutcome,
  runBackup,
} from '../../../src/engine/backup/run-backup.ts';
import { type PruneJob, type PruneOutcome, runPrune } from '../../../src/engine/backup/run-prune.ts';
import { type RestoreJob, type RestoreOutcome, runRestore } from '../../../src/engine/backup/run-restore.ts';
import { decodeSnapshot } from '../../../src/engine/backup/snapshot-file.ts';
import type { Holders } from '../../../src/engine/backup/work-folder.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { acquireLock, isHolderGone, noteHolder } from '../../../src/engine/effects/lock.ts';
import { realDisk } from '../../../src/engine/effects/real-disk.ts';
import { realTree } from '../../../src/engine/effects/real-tree.ts';
import type { FileTree } from '../../../src/engine/effects/tree.ts';
import { DatameshError } from '../../../src/errors.ts';

export const SECRET = new Uint8Array(32).fill(7);

/** Removed when the file's tests are done. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'dm-backup-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export class MemoryObjects implements ObjectDoor {
  readonly objects = new Map<string, Buffer>();
  reads = 0;
  /** Of which no node gives anything. */
  readonly lost = new Set<string>();
  /** Objects that may still be put; the next one fails. */
  putsLeft = Number.POSITIVE_INFINITY;

  async put(name: string, source: AsyncIterable<Uint8Array>): Promise<void> {
    const pieces: Uint8Array[] = [];
    for await (const piece of source) pieces.push(Uint8Array.from(piece));
    if (this.putsLeft-- <= 0) throw new Error('the mesh is gone');
    this.objects.set(name, Buffer.concat(pieces));
  }

  async read(name: string, offset: number, lengthBytes: number): Promise<Uint8Array> {
    this.reads++;
    if (this.lost.has(name)) throw new DatameshError('shards-missing', { what: `${name} is lost` });
    const object = this.objects.get(name);
    if (object === undefined || offset + lengthBytes > object.length)
      throw new Error(`no ${name} at ${offset}`);
    return Uint8Array.from(object.subarray(offset, offset + lengthBytes));
  }

  named(prefix: string): { name: string; bytes: Buffer }[] {
    return [...this.objects]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, bytes]) => ({ name, bytes }));
  }

  get packs() {
    return [...this.named(NAMES.data), ...this.named(NAMES.tree)].map(({ name, bytes }) => ({
      name,
      sizeBytes: bytes.length,
    }));
  }

  get indexFiles() {
    return this.named(NAMES.index).map(({ bytes }) => bytes);
  }

  get sizeBytes() {
    return [...this.objects.values()].reduce((sum, { length }) => sum + length, 0);
  }
}

export const holders: Holders = {
  note: (path) => noteHolder(realDisk(), path, realClock()),
  isGone: (path) => isHolderGone(realDisk(), path),
};

let runs = 0;

export function backup(
  objects: MemoryObjects,
  source: string,
  own: Partial<BackupJob> = {},
  tree: FileTree = realTree(),
  onBytes: BackupCall['onBytes'] = () => {},
): Promise<BackupOutcome> {
  return runBackup(
    {
      source: Buffer.from(source),
      skip: [],
      patterns: [],
      oneFileSystem: false,
      compress: false,
      tags: [],
      node: 'here',
      device: 'device',
      takenAtMs: Date.now(),
      runId: String(runs++).padStart(32, '0'),
      secret: SECRET,
      state: undefined,
      indexFiles: objects.indexFiles,
      packs: objects.packs,
      ...own,
    },
    {
      tree,
      door: objects,
      monotonicMs: () => performance.now(),
      aborted: () => false,
      onBytes,
    },
  );
}

export function restore(
  objects: MemoryObjects,
  snapshotId: string,
  destination: string,
  own: Partial<RestoreJob> = {},
  tree: FileTree = realTree(),
  aborted: () => boolean = () => false,
): Promise<RestoreOutcome> {
  const snapshot = decodeSnapshot(objects.objects.get(`${NAMES.snapshot}${snapshotId}`)!);
  return runRestore(
    {
      tree: snapshot.tree,
      source: snapshot.source,
      destination: Buffer.from(destination),
      skip: [],
      paths: [],
      overwrite: false,
      dryRun: false,
      secret: SECRET,
      indexFiles: objects.indexFiles,
      packs: objects.packs,
      ...own,
    },
    {
      ...{ tree, door: objects, aborted, onBytes: () => {} },
      takeLock: (path) => acquireLock(realDisk(), path, realClock()),
      holders,
    },
  );
}

export function prune(
  objects: MemoryObjects,
  snapshotIds: readonly string[],
  own: Partial<PruneJob> = {},
): Promise<PruneOutcome> {
  const snapshotOf = (id: string) => decodeSnapshot(objects.objects.get(`${NAMES.snapshot}${id}`)!);
  return runPrune(
    {
      ...{ snapshots: snapshotIds.map((id) => ({ id, ...snapshotOf(id) })), dryRun: false, secret: SECRET },
      ...{ runId: String(runs++).padStart(32, '0'), indexFiles: objects.indexFiles, packs: objects.packs },
      ...own,
    },
    { door: objects, aborted: () => false, onBytes: () => {} },
  );
}

export function list(objects: MemoryObjects, snapshotId: string, paths: string[]): Promise<ListOutcome> {
  const { tree, source } = decodeSnapshot(objects.objects.get(`${NAMES.snapshot}${snapshotId}`)!);
  const { indexFiles, packs } = objects;
  return listTree({ tree, source, paths, skip: 0, limit: 1000, secret: SECRET, indexFiles, packs }, objects);
}
