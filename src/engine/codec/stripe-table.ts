/**
 * The stripes of a manifest as records of a fixed length, so that any one is found by its index and none is parsed before it is needed.
 * Record: shardBytes u32 | n holder indices u16 | n shard ids of 32 bytes; integers big-endian. Holder 0xFFFF: placed nowhere.
 */
import { DatameshError } from '../../errors.ts';
import { type CodeProfile, hexToBytes, type PeerId, type ShardId, shardIdOf } from '../types.ts';
import { BLOCK_BYTES } from './wasm-emitter.ts';

export interface StripeLayout {
  shardBytes: number;
  /** k data, then m parity shards. */
  ids: ShardId[];
  /** Who acknowledged each shard when it was written; undefined when nobody did. */
  holders: (PeerId | undefined)[];
}

export const ID_BYTES = 32;
export const NOWHERE = 0xffff;

export function recordBytes(code: CodeProfile): number {
  return 4 + (code.k + code.m) * (2 + ID_BYTES);
}

/** What shards of a whole chunk may measure: exactly `maxBytes` where all are the `same`, else at most that. */
export interface ShardLengths {
  maxBytes: number;
  same: boolean;
}

export interface StripeTable {
  count: number;
  shardBytes(index: number): number;
  /** Throws RangeError outside 0…count-1. */
  stripe(index: number): StripeLayout;
}

/** The table's bytes and the distinct holders its indices stand for, in order of appearance. */
export function encodeStripes(
  code: CodeProfile,
  stripes: readonly StripeLayout[],
): { table: Uint8Array; peers: PeerId[] } {
  const indices = new Map<PeerId, number>();
  const table = encodeRecords(code, stripes, indices);
  return { table, peers: [...indices.keys()] };
}

/** Records whose holders are numbered by `indices`, which gets the new ones. */
export function encodeRecords(
  code: CodeProfile,
  stripes: readonly StripeLayout[],
  indices: Map<PeerId, number>,
): Uint8Array {
  const n = code.k + code.m;
  const table = Buffer.alloc(stripes.length * recordBytes(code));
  let at = 0;
  for (const { shardBytes, ids, holders } of stripes) {
    if (ids.length !== n || holders.length !== n) throw new RangeError(`a stripe needs ${n} ids and holders`);
    at = table.writeUInt32BE(shardBytes, at);
    for (const holder of holders) at = table.writeUInt16BE(holderIndex(indices, holder), at);
    for (const id of ids) {
      table.set(hexToBytes(id), at);
      at += ID_BYTES;
    }
  }
  return table;
}

/** The number of a holder, a new one if need be; NOWHERE for none. */
export function holderIndex(indices: Map<PeerId, number>, holder: PeerId | undefined): number {
  if (holder === undefined) return NOWHERE;
  const known = indices.get(holder);
  if (known !== undefined) return known;
  indices.set(holder, indices.size);
  return indices.size - 1;
}

/**
 * Reads a table. Every record is checked: the length of the shards against `lengths` (those of a whole chunk; only the last stripe may have
 * shorter ones, or any where they are not the `same`) and holders against the peer table. Throws `malformed-data`.
 */
export function readStripes(
  code: CodeProfile,
  count: number,
  lengths: ShardLengths,
  peers: readonly PeerId[],
  bytes: Uint8Array,
): StripeTable {
  const n = code.k + code.m;
  const record = recordBytes(code);
  if (bytes.length !== count * record) {
    throw malformed(`its table of ${count} stripes has ${bytes.length} bytes instead of ${count * record}`);
  }
  const table = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shardBytes = (index: number) => table.readUInt32BE(index * record);
  for (let index = 0; index < count; index++) {
    const length = shardBytes(index);
    const last = index === count - 1;
    const shorter = last || !lengths.same;
    const right = shorter ? length > 0 && length <= lengths.maxBytes : length === lengths.maxBytes;
    if (!right || length % BLOCK_BYTES !== 0)
      throw malformed(`stripe ${index} cannot have shards of ${length} bytes`);
    for (let i = 0; i < n; i++) {
      const holder = table.readUInt16BE(index * record + 4 + 2 * i);
      if (holder !== NOWHERE && holder >= peers.length)
        throw malformed(`stripe ${index} names holder ${holder} of ${peers.length}`);
    }
  }
  return {
    count,
    shardBytes,
    stripe(index) {
      if (!Number.isInteger(index) || index < 0 || index >= count)
        throw new RangeError(`no stripe ${index} of ${count}`);
      const holdersAt = index * record + 4;
      const idsAt = holdersAt + 2 * n;
      const numbers = Array.from({ length: n }, (_, i) => i);
      return {
        shardBytes: shardBytes(index),
        holders: numbers.map((i) => peers[table.readUInt16BE(holdersAt + 2 * i)]),
        ids: numbers.map((i) => shardIdOf(table.subarray(idsAt + i * ID_BYTES, idsAt + (i + 1) * ID_BYTES))),
      };
    },
  };
}

export function malformed(why: string, cause?: unknown): DatameshError {
  return new DatameshError('malformed-data', { what: 'the manifest is malformed', why, cause });
}
