/**
 * One record of the segment log: 64 bytes of header, the owners, the pool, the shard's bytes. Little-endian:
 *
 *   0 magic 'DMRC' · 4 u8 version · 5 u8 kind · 6 u16 owners · 8 u32 length of the bytes · 12 u32 syncedTo
 *   16 u48 written at (ms since the epoch) · 22 u8 length of the pool's name · 23 five zero bytes · 28 u32 CRC
 *   32 shard id · 64 owners, 32 each · pool, UTF-8
 *
 * The CRC (CRC-32 of zlib) runs over salt, segment, offset and everything before the shard's bytes: a record found at another place than it
 * was written to, or bytes of a shard that look like a record, do not pass, for the salt never leaves this machine.
 * `syncedTo` is how much of the segment was durable when the record was written: it tells rot (before it) from a torn
 * tail (after it). The bytes need no sum of their own, their BLAKE3 is the id.
 *
 * Version 1 had no pools: its byte 22 is zero, and it reads as the empty pool.
 *
 * The last record of an id is its state, whole: kind 1 holds bytes and owners, kind 2 new owners of bytes that lie
 * further back, kind 3 says it is gone.
 */
import { crc32 } from 'node:zlib';
import { bytesToHex, type OwnerId, type ShardId } from '../types.ts';
import { MAX_OWNERS, MAX_POOL_BYTES, MAX_SHARD_BYTES } from './limits.ts';

export const RECORD_HEADER_BYTES = 64;
export const RECORD_VERSION = 2;
const OWNER_BYTES = 32;
export const MAGIC = Uint8Array.from([0x44, 0x4d, 0x52, 0x43]);
const POOL_AT = 22;
const CRC_AT = 28;

export type RecordKind = 'shard' | 'owners' | 'gone';
const KIND_NUMBER: Record<RecordKind, number> = { shard: 1, owners: 2, gone: 3 };
const KINDS: (RecordKind | undefined)[] = [undefined, 'shard', 'owners', 'gone'];

export interface RecordHead {
  kind: RecordKind;
  id: ShardId;
  owners: readonly OwnerId[];
  /** Where the shard belongs, at most MAX_POOL_BYTES of UTF-8; '' for none, and always in records without bytes. */
  pool: string;
  /** Length of the shard's bytes; 0 for the other kinds. */
  lengthBytes: number;
  writtenAtMs: number;
}

export interface ParsedHead extends RecordHead {
  syncedTo: number;
  /** Header, owners and pool: where the shard's bytes begin, counted from the record. */
  headBytes: number;
}

/** Where a record lies; part of its CRC. `salt` is the store's (segment.ts). */
export interface RecordPlace {
  salt: Uint8Array;
  segment: number;
  offset: number;
}

export function headBytesOf(owners: number, pool = ''): number {
  return RECORD_HEADER_BYTES + owners * OWNER_BYTES + (pool === '' ? 0 : Buffer.byteLength(pool));
}

export function recordBytesOf(record: {
  owners: readonly OwnerId[];
  pool: string;
  lengthBytes: number;
}): number {
  return headBytesOf(record.owners.length, record.pool) + record.lengthBytes;
}

/** Writes all but the shard's bytes at `target[0…]`; returns the bytes written. `target` need not be zeroed. */
export function encodeHead(
  target: Uint8Array,
  head: RecordHead,
  place: RecordPlace,
  syncedTo: number,
): number {
  const length = headBytesOf(head.owners.length, head.pool);
  const bytes = asBuffer(target).subarray(0, length);
  bytes.fill(0, 0, RECORD_HEADER_BYTES);
  bytes.set(MAGIC, 0);
  bytes.writeUInt8(RECORD_VERSION, 4);
  bytes.writeUInt8(KIND_NUMBER[head.kind], 5);
  bytes.writeUInt16LE(head.owners.length, 6);
  bytes.writeUInt32LE(head.lengthBytes, 8);
  bytes.writeUInt32LE(syncedTo, 12);
  bytes.writeUIntLE(head.writtenAtMs, 16, 6);
  bytes.write(head.id, 32, 'hex');
  let at = RECORD_HEADER_BYTES;
  for (const owner of head.owners) at += bytes.write(owner, at, 'hex');
  if (head.pool !== '') bytes.writeUInt8(bytes.write(head.pool, at, 'utf8'), POOL_AT);
  bytes.writeUInt32LE(checksum(bytes, place), CRC_AT);
  return length;
}

/** How many bytes `parseHead` needs, from the first 64; undefined when they cannot be a record's. */
export function headLength(bytes: Uint8Array): number | undefined {
  const view = asBuffer(bytes);
  if (view.length < RECORD_HEADER_BYTES || view.readUInt32LE(0) !== asBuffer(MAGIC).readUInt32LE(0))
    return undefined;
  const version = view[4]!;
  if (version < 1 || version > RECORD_VERSION || KINDS[view[5]!] === undefined) return undefined;
  const owners = view.readUInt16LE(6);
  const poolBytes = view[POOL_AT]!;
  if (owners > MAX_OWNERS || poolBytes > MAX_POOL_BYTES || view.readUInt32LE(8) > MAX_SHARD_BYTES)
    return undefined;
  return headBytesOf(owners) + poolBytes;
}

/** The record's head, or undefined when any bit of it or its place is wrong. */
export function parseHead(bytes: Uint8Array, place: RecordPlace): ParsedHead | undefined {
  const headBytes = headLength(bytes);
  if (headBytes === undefined || bytes.length < headBytes) return undefined;
  const view = asBuffer(bytes).subarray(0, headBytes);
  if (view.readUInt32LE(CRC_AT) !== checksum(view, place)) return undefined;
  const owners: OwnerId[] = [];
  const poolAt = headBytes - view[POOL_AT]!;
  for (let at = RECORD_HEADER_BYTES; at < poolAt; at += OWNER_BYTES) {
    owners.push(bytesToHex(view.subarray(at, at + OWNER_BYTES)) as OwnerId);
  }
  return {
    kind: KINDS[view[5]!]!,
    id: bytesToHex(view.subarray(32, 64)) as ShardId,
    owners,
    pool: poolAt === headBytes ? '' : view.toString('utf8', poolAt, headBytes),
    lengthBytes: view.readUInt32LE(8),
    writtenAtMs: view.readUIntLE(16, 6),
    syncedTo: view.readUInt32LE(12),
    headBytes,
  };
}

const placeBytes = Buffer.alloc(8);

function checksum(head: Buffer, place: RecordPlace): number {
  placeBytes.writeUInt32LE(place.segment, 0);
  placeBytes.writeUInt32LE(place.offset, 4);
  const seed = crc32(placeBytes, crc32(place.salt));
  return crc32(head.subarray(CRC_AT + 4), crc32(head.subarray(0, CRC_AT), seed));
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
