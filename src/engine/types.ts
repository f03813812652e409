/** Identifiers shared by the whole engine. Text forms here; bytes only on wire and disk. */

declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** 64 lower-case hex digits: BLAKE3-256 of a shard's bytes. */
export type ShardId = Brand<string, 'ShardId'>;
/** 64 lower-case hex digits: BLAKE3-256 of the stored manifest. A manifest is stored as a shard under the same id. */
export type ObjectId = Brand<string, 'ObjectId'>;
/** libp2p peer id in its base58btc text form (12D3KooW…). */
export type PeerId = Brand<string, 'PeerId'>;
/** 64 lower-case hex digits: the Ed25519 public key of an owner. */
export type OwnerId = Brand<string, 'OwnerId'>;

const HEX_256 = /^[0-9a-f]{64}$/;

export function isHexId(text: string): boolean {
  return HEX_256.test(text);
}

export function shardIdOf(hash: Uint8Array): ShardId {
  return bytesToHex(hash) as ShardId;
}

export function objectIdOf(hash: Uint8Array): ObjectId {
  return bytesToHex(hash) as ObjectId;
}

/** A manifest rests in the mesh as one replicated shard; its shard id and its object id are the same hash. */
export function manifestShardId(id: ObjectId): ShardId {
  return id as string as ShardId;
}

export function bytesToHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** Throws on odd length or other characters than hex digits. */
export function hexToBytes(hex: string): Uint8Array {
  if (hex.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(hex))
    throw new RangeError(`not hex: ${hex.slice(0, 20)}`);
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

/** Eight of an id's 64 hex digits, from `at` on, as a number: ids are hashes, and their digits as good as those of another hash. */
export function wordOfId(id: ShardId | ObjectId, at: number): number {
  return Number.parseInt(id.slice(at, at + 8), 16);
}

/** k data and m parity shards per stripe; any k of the k+m give the chunk back. k = 1 is replication. */
export interface CodeProfile {
  k: number;
  m: number;
}
