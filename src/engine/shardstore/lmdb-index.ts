/**
 * The index in LMDB. Every commit is one synced LMDB transaction (copy on write: a crash leaves the last one). It is
 * made in this thread: lmdb's own writing thread, when a write or sync of the index fails, leaves promises unresolved
 * or rejects ones that nobody holds, and takes the process with it; here the error is thrown, and the next checkpoint
 * tries again. Values: u32 segment · u32 offset · u32 length · u16 header bytes · u48 written at ·
 * u8 length of the pool's name · pool · owners, 32 bytes each.
 */
import type { Disk } from '../effects/disk.ts';
import { bytesToHex, type OwnerId, type ShardId } from '../types.ts';
import type { Checkpoint, IndexChanges, IndexEntry, ShardIndex } from './index.ts';

/** At byte 24 of an LMDB file (16 in older releases), in the machine's own byte order. */
const LMDB_MAGIC = 0xbeefc0de;
const MAGIC_PLACES = [24, 16];
const FIXED_BYTES = 21;
const OWNER_BYTES = 32;
const KEY_BYTES = 32;
const CHECKPOINT_KEY = 'checkpoint';

/** Opens or makes the index at `dir`. lmdb is loaded here and nowhere else. */
export async function openLmdbIndex(dir: string): Promise<ShardIndex> {
  const { open } = await import('lmdb');
  // Plain LMDB durability: a commit is synced before it is reported (overlappingSync reports it before).
  const root = open({
    path: dir,
    maxDbs: 2,
    overlappingSync: false,
    noMemInit: false,
    eventTurnBatching: false,
  });
  const shards = root.openDB<Buffer, Buffer>({ name: 'shards', encoding: 'binary', keyEncoding: 'binary' });
  // lmdb copies the key of a get before it returns.
  const sought = Buffer.allocUnsafeSlow(KEY_BYTES);
  const state = root.openDB<Checkpoint, string>({ name: 'state', encoding: 'json' });
  return {
    checkpoint: () => state.get(CHECKPOINT_KEY),
    get(id) {
      sought.write(id, 'hex');
      const value = shards.getBinaryFast(sought);
      return value === undefined ? undefined : decodeEntry(value);
    },
    ids(cursor, limit) {
      const found: ShardId[] = [];
      const start = cursor === undefined ? Buffer.alloc(0) : keyOf(cursor);
      // One more than asked for: the range begins with the cursor itself when that is held.
      for (const key of shards.getKeys({ start, limit: limit + 1 })) {
        const id = bytesToHex(key) as ShardId;
        if (id !== cursor && found.length < limit) found.push(id);
      }
      return found;
    },
    async commit(changes: IndexChanges, checkpoint: Checkpoint) {
      root.transactionSync(() => {
        // In the order of the tree: neighbours share pages, and a commit of many takes half the time.
        for (const id of [...changes.keys()].sort()) {
          const entry = changes.get(id) ?? null;
          if (entry === null) shards.removeSync(keyOf(id));
          else shards.putSync(keyOf(id), encodeEntry(entry));
        }
        state.putSync(CHECKPOINT_KEY, checkpoint);
      });
    },
    async clear() {
      root.transactionSync(() => {
        state.removeSync(CHECKPOINT_KEY);
        shards.clearSync();
      });
    },
    close: () => root.close(),
  };
}

/**
 * Whether there is an index file that LMDB did not write, or not to the end: opening one can end the process. Says
 * nothing of damage further in, for LMDB has no sums; against that there is `doctor --rebuild-index`.
 */
export async function isForeignIndex(disk: Disk, dir: string): Promise<boolean> {
  const path = `${dir}/data.mdb`;
  const found = await disk.stat(path);
  if (found === undefined || found.sizeBytes === 0) return false;
  const file = await disk.open(path, 'read');
  try {
    const head = new Uint8Array(28);
    if ((await file.read(head, 0)) < head.length) return true;
    const view = new DataView(head.buffer);
    const found = MAGIC_PLACES.flatMap((at) => [view.getUint32(at, true), view.getUint32(at, false)]);
    return !found.includes(LMDB_MAGIC);
  } finally {
    await file.close();
  }
}

/** Takes the index away, whatever state it is in; the next opening of the store builds it from the segments. */
export async function removeLmdbIndex(disk: Disk, dir: string): Promise<void> {
  if ((await disk.stat(dir)) === undefined) return;
  for (const name of await disk.list(dir)) await disk.remove(`${dir}/${name}`);
  await disk.syncDir(dir);
}

function keyOf(id: ShardId): Buffer {
  return Buffer.from(id, 'hex');
}

function encodeEntry(entry: IndexEntry): Buffer {
  const poolBytes = entry.pool === '' ? 0 : Buffer.byteLength(entry.pool);
  const bytes = Buffer.alloc(FIXED_BYTES + poolBytes + entry.owners.length * OWNER_BYTES);
  bytes.writeUInt32LE(entry.segment, 0);
  bytes.writeUInt32LE(entry.offset, 4);
  bytes.writeUInt32LE(entry.lengthBytes, 8);
  bytes.writeUInt16LE(entry.headBytes, 12);
  bytes.writeUIntLE(entry.writtenAtMs, 14, 6);
  bytes.writeUInt8(poolBytes, 20);
  if (poolBytes > 0) bytes.write(entry.pool, FIXED_BYTES, 'utf8');
  for (const [index, owner] of entry.owners.entries()) {
    bytes.write(owner, FIXED_BYTES + poolBytes + index * OWNER_BYTES, 'hex');
  }
  return bytes;
}

function decodeEntry(bytes: Buffer): IndexEntry {
  const owners: OwnerId[] = [];
  const ownersAt = FIXED_BYTES + bytes[20]!;
  for (let at = ownersAt; at + OWNER_BYTES <= bytes.length; at += OWNER_BYTES) {
    owners.push(bytesToHex(bytes.subarray(at, at + OWNER_BYTES)) as OwnerId);
  }
  return {
    segment: bytes.readUInt32LE(0),
    offset: bytes.readUInt32LE(4),
    lengthBytes: bytes.readUInt32LE(8),
    headBytes: bytes.readUInt16LE(12),
    writtenAtMs: bytes.readUIntLE(14, 6),
    pool: ownersAt === FIXED_BYTES ? '' : bytes.toString('utf8', FIXED_BYTES, ownersAt),
    owners,
  };
}
