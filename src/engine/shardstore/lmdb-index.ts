/**
 * The index in LMDB. Every commit is one synced LMDB transaction (copy on write: a crash leaves the last one), in its
 * own thread. Values: u32 segment · u32 offset · u32 length · u16 header bytes · u48 written at · owners, 32 bytes each.
 */
import { bytesToHex, hexToBytes, type OwnerId, type ShardId } from '../types.ts';
import type { Checkpoint, IndexChanges, IndexEntry, ShardIndex } from './index.ts';

const FIXED_BYTES = 20;
const OWNER_BYTES = 32;
const CHECKPOINT_KEY = 'checkpoint';

/** Opens or makes the index at `dir`. lmdb is loaded here and nowhere else. */
export async function openLmdbIndex(dir: string): Promise<ShardIndex> {
  const { open } = await import('lmdb');
  // Plain LMDB durability: a commit is synced before it is reported (overlappingSync reports it before).
  const root = open({ path: dir, maxDbs: 2, overlappingSync: false, noMemInit: false });
  const shards = root.openDB<Buffer, Buffer>({ name: 'shards', encoding: 'binary', keyEncoding: 'binary' });
  const state = root.openDB<Checkpoint, string>({ name: 'state', encoding: 'json' });
  return {
    checkpoint: () => state.get(CHECKPOINT_KEY),
    get(id) {
      const value = shards.getBinaryFast(keyOf(id));
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
      await root.batch(() => {
        for (const [id, entry] of changes) {
          if (entry === null) shards.remove(keyOf(id));
          else shards.put(keyOf(id), encodeEntry(entry));
        }
        state.put(CHECKPOINT_KEY, checkpoint);
      });
    },
    async clear() {
      await root.batch(() => {
        state.remove(CHECKPOINT_KEY);
        shards.clearAsync();
      });
    },
    close: () => root.close(),
  };
}

function keyOf(id: ShardId): Buffer {
  return Buffer.from(id, 'hex');
}

function encodeEntry(entry: IndexEntry): Buffer {
  const bytes = Buffer.alloc(FIXED_BYTES + entry.owners.length * OWNER_BYTES);
  bytes.writeUInt32LE(entry.segment, 0);
  bytes.writeUInt32LE(entry.offset, 4);
  bytes.writeUInt32LE(entry.lengthBytes, 8);
  bytes.writeUInt16LE(entry.headBytes, 12);
  bytes.writeUIntLE(entry.writtenAtMs, 14, 6);
  for (const [index, owner] of entry.owners.entries()) {
    bytes.set(hexToBytes(owner), FIXED_BYTES + index * OWNER_BYTES);
  }
  return bytes;
}

function decodeEntry(bytes: Buffer): IndexEntry {
  const owners: OwnerId[] = [];
  for (let at = FIXED_BYTES; at + OWNER_BYTES <= bytes.length; at += OWNER_BYTES) {
    owners.push(bytesToHex(bytes.subarray(at, at + OWNER_BYTES)) as OwnerId);
  }
  return {
    segment: bytes.readUInt32LE(0),
    offset: bytes.readUInt32LE(4),
    lengthBytes: bytes.readUInt32LE(8),
    headBytes: bytes.readUInt16LE(12),
    writtenAtMs: bytes.readUIntLE(14, 6),
    owners,
  };
}
