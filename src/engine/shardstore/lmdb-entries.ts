/**
 * What the index in LMDB holds of a shard, as bytes, and changes on their way to the thread that commits them. Keys: the
 * id. Values: u32 segment · u32 offset · u32 length · u16 header bytes · u48 written at · u8 length of the pool's name ·
 * pool · owners, 32 bytes each. A change: u16 length of the value, 0 for gone · key · value.
 */
import { bytesToHex, type OwnerId, type ShardId } from '../types.ts';
import type { IndexEntry } from './index.ts';

const FIXED_BYTES = 21;
const OWNER_BYTES = 32;
export const KEY_BYTES = 32;
const LENGTH_BYTES = 2;

export function keyOf(id: ShardId): Buffer {
  return Buffer.from(id, 'hex');
}

export function encodeEntry(entry: IndexEntry): Buffer {
  const bytes = Buffer.alloc(entryBytes(entry));
  writeEntry(bytes, 0, entry);
  return bytes;
}

function entryBytes(entry: IndexEntry): number {
  return FIXED_BYTES + poolBytesOf(entry) + entry.owners.length * OWNER_BYTES;
}

function poolBytesOf({ pool }: IndexEntry): number {
  return pool === '' ? 0 : Buffer.byteLength(pool);
}

function writeEntry(bytes: Buffer, at: number, entry: IndexEntry): void {
  const poolBytes = poolBytesOf(entry);
  bytes.writeUInt32LE(entry.segment, at);
  bytes.writeUInt32LE(entry.offset, at + 4);
  bytes.writeUInt32LE(entry.lengthBytes, at + 8);
  bytes.writeUInt16LE(entry.headBytes, at + 12);
  bytes.writeUIntLE(entry.writtenAtMs, at + 14, 6);
  bytes.writeUInt8(poolBytes, at + 20);
  if (poolBytes > 0) bytes.write(entry.pool, at + FIXED_BYTES, 'utf8');
  let next = at + FIXED_BYTES + poolBytes;
  for (const owner of entry.owners) next += bytes.write(owner, next, 'hex');
}

export function decodeEntry(bytes: Buffer): IndexEntry {
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

/** Changes in one buffer of their own, to be handed to another thread. */
export function packChanges(
  changes: readonly (readonly [ShardId, IndexEntry | null])[],
): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const [, entry] of changes)
    length += LENGTH_BYTES + KEY_BYTES + (entry === null ? 0 : entryBytes(entry));
  const packed = new Uint8Array(length);
  const bytes = Buffer.from(packed.buffer);
  let at = 0;
  for (const [id, entry] of changes) {
    const valueBytes = entry === null ? 0 : entryBytes(entry);
    bytes.writeUInt16LE(valueBytes, at);
    bytes.write(id, at + LENGTH_BYTES, 'hex');
    at += LENGTH_BYTES + KEY_BYTES;
    if (entry !== null) writeEntry(bytes, at, entry);
    at += valueBytes;
  }
  return packed;
}

export interface PackedChange {
  key: Buffer;
  /** Undefined: gone. */
  value: Buffer | undefined;
}

/** The changes of all pieces, in the order of their keys; views of the pieces. */
export function unpackSorted(pieces: readonly Uint8Array<ArrayBuffer>[]): PackedChange[] {
  /** With the key as text of one byte a character: the sort compares those natively. */
  const found: { order: string; change: PackedChange }[] = [];
  for (const piece of pieces) {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    for (let at = 0; at < bytes.length; ) {
      const keyAt = at + LENGTH_BYTES;
      const valueAt = keyAt + KEY_BYTES;
      const end = valueAt + bytes.readUInt16LE(at);
      const value = end === valueAt ? undefined : bytes.subarray(valueAt, end);
      found.push({
        order: bytes.toString('latin1', keyAt, valueAt),
        change: { key: bytes.subarray(keyAt, valueAt), value },
      });
      at = end;
    }
  }
  found.sort((a, b) => (a.order < b.order ? -1 : 1));
  return found.map(({ change }) => change);
}
