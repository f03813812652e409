/** XOR distance of Kademlia, so that the nodes closest to an id are those the DHT finds too. */
import { createHash } from 'node:crypto';
import { hexToBytes, type PeerId, type ShardId } from '../types.ts';

/** A point of the 256-bit key space. */
export type Point = Uint8Array;

/**
 * SHA-256 of the key's bytes, as the DHT hashes what it is asked for (kad-dht `convertBuffer`).
 * `peerKeyBytes` is the peer id's multihash.
 */
export function pointOf(keyBytes: Uint8Array): Point {
  return createHash('sha256').update(keyBytes).digest();
}

export function pointOfShard(id: ShardId): Point {
  return pointOf(hexToBytes(id));
}

/** < 0 when `a` is closer to `target` than `b` is. Total order over distinct points. */
export function compareDistance(target: Point, a: Point, b: Point): number {
  for (let i = 0; i < target.length; i++) {
    const difference = (a[i]! ^ target[i]!) - (b[i]! ^ target[i]!);
    if (difference !== 0) return difference;
  }
  return 0;
}

export interface Placed {
  peer: PeerId;
  point: Point;
}

/** `candidates`, closest to `target` first. */
export function byDistance<T extends Placed>(target: Point, candidates: readonly T[]): T[] {
  return [...candidates].sort((a, b) => compareDistance(target, a.point, b.point));
}
