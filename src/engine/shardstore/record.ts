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
const MAGIC_NUMBER = 0x43524d44;
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

/**
 * Writes all but the shard's bytes at `target[at…]`; returns the bytes written. `target` need not be zeroed.
 */
export function encodeHead(
  target: Buffer,
  at: number,
  head: RecordHead,
  place: RecordPlace,
  syncedTo: number,
): number {
  const { owners, pool } = head;
  const length = headBytesOf(owners.length, pool);
  target.writeUInt32LE(MAGIC_NUMBER, at);
  target[at + 4] = RECORD_VERSION;
  target[at + 5] = KIND_NUMBER[head.kind];
  target.writeUInt16LE(owners.length, at + 6);
  target.writeUInt32LE(head.lengthBytes, at + 8);
  target.writeUInt32LE(syncedTo, at + 12);
  target.writeUIntLE(head.writtenAtMs, at + 16, 6);
  target.writeUIntLE(0, at + POOL_AT, CRC_AT - POOL_AT);
  target.write(head.id, at + 32, 'hex');
  let next = at + RECORD_HEADER_BYTES;
  for (const owner of owners) {
    target.set(ownerBytes(owner), next);
    next += OWNER_BYTES;
  }
  if (pool !== '') target[at + POOL_AT] = target.write(pool, next, 'utf8');
  target.writeUInt32LE(checksum(target, at, length, place), at + CRC_AT);
  return length;
}

/** The owner of the record before, which mostly is this one's too. */
const lastOwner = { id: '', bytes: Buffer.alloc(OWNER_BYTES) };

function ownerBytes(owner: OwnerId): Buffer {
  if (owner !== lastOwner.id) {
    lastOwner.bytes.write(owner, 'hex');
    lastOwner.id = owner;
  }
  return lastOwner.bytes;
}

/** How many bytes `parseHead` needs, from the first 64; undefined when they cannot be a record's. */
export function headLength(bytes: Uint8Array): number | undefined {
  const view = asBuffer(bytes);
  if (view.length < RECORD_HEADER_BYTES || view.readUInt32LE(0) !== MAGIC_NUMBER) return undefined;
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
  if (view.readUInt32LE(CRC_AT) !== checksum(view, 0, headBytes, place)) return undefined;
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

/** What the CRC runs over, side by side: one call for all of it costs less than the bytes do. */
const summed = Buffer.allocUnsafeSlow(8 + headBytesOf(MAX_OWNERS) + MAX_POOL_BYTES);
/** The usual head, with one owner and no pool. */
const summedUsual = summed.subarray(0, 8 + headBytesOf(1) - 4);
let saltSeed: { salt: Uint8Array; crc: number } = { salt: new Uint8Array(0), crc: 0 };

function checksum(bytes: Buffer, at: number, length: number, { salt, segment, offset }: RecordPlace): number {
  if (saltSeed.salt !== salt) saltSeed = { salt, crc: crc32(salt) };
  summed.writeUInt32LE(segment, 0);
  summed.writeUInt32LE(offset, 4);
  bytes.copy(summed, 8, at, at + CRC_AT);
  bytes.copy(summed, 8 + CRC_AT, at + CRC_AT + 4, at + length);
  const all = 8 + length - 4;
  return crc32(all === summedUsual.length ? summedUsual : summed.subarray(0, all), saltSeed.crc);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
