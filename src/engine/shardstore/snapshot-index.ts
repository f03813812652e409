/**
 * The index in memory, with its commits as whole files written through the Disk. For the simulator and the crash
 * tests, where the model disk must see every effect; a store of real size uses LMDB.
 */
import type { Disk } from '../effects/disk.ts';
import type { ShardId } from '../types.ts';
import type { Checkpoint, IndexEntry, ShardIndex } from './index.ts';

const MAX_SNAPSHOT_BYTES = 256 * 1024 * 1024;

interface Snapshot {
  checkpoint: Checkpoint;
  entries: [ShardId, IndexEntry][];
}

/** `path` undefined: nothing is kept, and every opening reads the whole log. */
export async function openSnapshotIndex(disk: Disk, path: string | undefined): Promise<ShardIndex> {
  const bytes = path === undefined ? undefined : await disk.readFile(path, MAX_SNAPSHOT_BYTES);
  const found = bytes === undefined ? undefined : (JSON.parse(new TextDecoder().decode(bytes)) as Snapshot);
  let entries = new Map(found?.entries);
  let checkpoint = found?.checkpoint;
  return {
    checkpoint: () => checkpoint,
    get: (id) => entries.get(id),
    ids(cursor, limit) {
      const after = [...entries.keys()].filter((id) => cursor === undefined || id > cursor);
      return after.sort().slice(0, limit);
    },
    async commit(changes, next) {
      const merged = new Map(entries);
      for (const [id, entry] of changes) {
        if (entry === null) merged.delete(id);
        else merged.set(id, entry);
      }
      if (path !== undefined) {
        const snapshot: Snapshot = { checkpoint: next, entries: [...merged] };
        await disk.writeFileAtomic(path, Buffer.from(JSON.stringify(snapshot)), 0o600);
      }
      entries = merged;
      checkpoint = next;
    },
    async clear() {
      if (path !== undefined && (await disk.stat(path)) !== undefined) await disk.remove(path);
      entries = new Map();
      checkpoint = undefined;
    },
    close: async () => undefined,
  };
}
