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

/** Bytes of a distance behind its leading zeros that fit a double exactly. */
const EXACT_BYTES = 6;

/** Distance as a share of the key space, 0 ≤ d < 1, to 41 significant bits or more: never larger for the closer of two. */
export function distanceShare(target: Point, point: Point): number {
  let at = 0;
  while (at < target.length && target[at] === point[at]) at++;
  const end = Math.min(at + EXACT_BYTES, target.length);
  let value = 0;
  for (let i = at; i < end; i++) value = value * 256 + (target[i]! ^ point[i]!);
  return value * 2 ** (-8 * end);
}

export interface Placed {
  peer: PeerId;
  point: Point;
}

/** `candidates`, closest to `target` first. */
export function byDistance<T extends Placed>(target: Point, candidates: readonly T[]): T[] {
  return [...candidates].sort((a, b) => compareDistance(target, a.point, b.point));
}
