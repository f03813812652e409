/**
 * The index in LMDB. Every commit is one synced LMDB transaction (copy on write: a crash leaves the last one), made by
 * the thread that asks for it: lmdb's own writing thread, when a write or sync of the index fails, leaves promises
 * unresolved or rejects ones that nobody holds, and takes the process with it; here the error is thrown, and the next
 * checkpoint tries again. Large commits ask from a thread of their own (lmdb-commit.ts). Keys and values: lmdb-entries.ts.
 */
import type { Disk } from '../effects/disk.ts';
import { bytesToHex, type ShardId } from '../types.ts';
import type { Checkpoint, IndexChanges, ShardIndex } from './index.ts';
import { commitInThread } from './lmdb-commit.ts';
import { decodeEntry, encodeEntry, KEY_BYTES, keyOf, type PackedChange } from './lmdb-entries.ts';
import { KnownIds } from './presence-filter.ts';

const CHECKPOINT_KEY = 'checkpoint';
/** Fewer changes are committed at once: some 10 ms, less than a thread takes to begin. */
export const THREAD_CHANGES = 2048;

/** An option of lmdb's native part that its types leave out; without it files are 0664. */
const OWN_FILES = { permissionsMode: 0o600 };

/** LMDB open in this thread. Others of the process may have it open too, each for itself. */
export async function openLmdb(dir: string, { readOnly = false } = {}) {
  // lmdb is loaded here and nowhere else.
  const { open } = await import('lmdb');
  // Plain LMDB durability: a commit is synced before it is reported (overlappingSync reports it before).
  const root = open({
    ...OWN_FILES,
    path: dir,
    maxDbs: 2,
    readOnly,
    overlappingSync: false,
    noMemInit: false,
    eventTurnBatching: false,
  });
  const shards = root.openDB<Buffer, Buffer>({ name: 'shards', encoding: 'binary', keyEncoding: 'binary' });
  const state = root.openDB<Checkpoint, string>({ name: 'state', encoding: 'json' });
  return {
    root,
    shards,
    state,
    /** One synced transaction. In the order of the keys neighbours share pages: a commit of many takes half the time. */
    write(sorted: Iterable<PackedChange>, checkpoint: Checkpoint): void {
      root.transactionSync(() => {
        for (const { key, value } of sorted) {
          if (value === undefined) shards.removeSync(key);
          else shards.putSync(key, value);
        }
        state.putSync(CHECKPOINT_KEY, checkpoint);
      });
    },
    close: () => root.close(),
  };
}

export interface LmdbIndexOptions {
  /** Commits of at least so many changes are made in a thread of their own. */
  threadChanges?: number;
  /** Looks for nothing before there is a filter (presence-filter.ts). */
  misses?: number;
  /** Makes that thread; for tests. */
  spawn?: Parameters<typeof commitInThread>[3];
}

/** Opens or makes the index at `dir`. */
export async function openLmdbIndex(
  dir: string,
  { threadChanges = THREAD_CHANGES, spawn, misses }: LmdbIndexOptions = {},
): Promise<ShardIndex> {
  const { root, shards, state, write, close } = await openLmdb(dir);
  // lmdb copies the key of a get before it returns.
  const sought = Buffer.allocUnsafeSlow(KEY_BYTES);
  const ids = (cursor: ShardId | undefined, limit: number): ShardId[] => {
    const found: ShardId[] = [];
    const start = cursor === undefined ? Buffer.alloc(0) : keyOf(cursor);
    // One more than asked for: the range begins with the cursor itself when that is held.
    for (const key of shards.getKeys({ start, limit: limit + 1 })) {
      const id = bytesToHex(key) as ShardId;
      if (id !== cursor && found.length < limit) found.push(id);
    }
    return found;
  };
  const known = new KnownIds({
    ids,
    count: () => (shards.getStats() as { entryCount: number }).entryCount,
    ...(misses === undefined ? {} : { misses }),
  });
  const commit = async (changes: IndexChanges, checkpoint: Checkpoint): Promise<void> => {
    if (changes.size >= threadChanges && (await commitInThread(dir, changes, checkpoint, spawn))) {
      // What this thread has read in this turn came from the state before, and so would what it reads next.
      root.resetReadTxn();
      return;
    }
    const sorted = [...changes.keys()].sort().map((id) => {
      const entry = changes.get(id) ?? null;
      return { key: keyOf(id), value: entry === null ? undefined : encodeEntry(entry) };
    });
    write(sorted, checkpoint);
  };
  return {
    checkpoint: () => state.get(CHECKPOINT_KEY),
    get(id) {
      if (!known.mayHave(id)) return undefined;
      sought.write(id, 'hex');
      const value = shards.getBinaryFast(sought);
      if (value !== undefined) return decodeEntry(value);
      known.missed();
      return undefined;
    },
    ids,
    commit: (changes, checkpoint) => known.during(changes, () => commit(changes, checkpoint)),
    async clear() {
      root.transactionSync(() => {
        state.removeSync(CHECKPOINT_KEY);
        shards.clearSync();
      });
    },
    close() {
      known.close();
      return close();
    },
  };
}

/** Takes the index away, whatever state it is in; the next opening of the store builds it from the segments. */
export async function removeLmdbIndex(disk: Disk, dir: string): Promise<void> {
  if ((await disk.stat(dir)) === undefined) return;
  for (const name of await disk.list(dir)) await disk.remove(`${dir}/${name}`);
  await disk.syncDir(dir);
}
