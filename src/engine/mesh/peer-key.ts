import { peerIdFromString } from '@libp2p/peer-id';
import type { PeerId } from '../types.ts';

/** The bytes the DHT hashes to place a peer in the key space: its id's multihash. */
export function peerKeyBytes(peer: PeerId): Uint8Array {
  return peerIdFromString(peer).toMultihash().bytes;
}
