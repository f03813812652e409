import { createHash } from 'node:crypto';
import { realRandom } from '../../../../src/engine/effects/random.ts';
import { deriveOwner } from '../../../../src/engine/keys/owner.ts';
import { newPhrase } from '../../../../src/engine/keys/phrase.ts';
import { peerIdOf } from '../../../../src/engine/keys/raw-keys.ts';
import type { Keep } from '../../../../src/engine/maintenance/custody/custody-store.ts';
import { type Order, readOrder, signOrder } from '../../../../src/engine/maintenance/custody/order.ts';
import { pointOf } from '../../../../src/engine/placement/xor.ts';
import type { ObjectId, PeerId } from '../../../../src/engine/types.ts';

export const owner = deriveOwner(newPhrase(realRandom()), 'main');
export const stranger = deriveOwner(newPhrase(realRandom()), 'other');

export function peer(name: string | number): PeerId {
  return peerIdOf(createHash('sha256').update(`peer ${name}`).digest());
}

export function objectId(name: string | number): ObjectId {
  return createHash('sha256').update(`object ${name}`).digest('hex') as ObjectId;
}

export function member(name: string | number) {
  const id = peer(name);
  return { peer: id, point: pointOf(Buffer.from(id)) };
}

export function orderOf(changes: Partial<Order> = {}): Order {
  return {
    network: 'test',
    objectId: objectId(1),
    owner: owner.ownerId,
    domain: 'node',
    members: [],
    state: 'live',
    sequence: 1,
    issuedAtMs: 1_795_000_000_000,
    ...changes,
  };
}

export function keepOf(changes: Partial<Order> = {}, more: Partial<Keep> = {}): Keep {
  const bytes = signOrder(orderOf(changes), changes.owner === stranger.ownerId ? stranger : owner);
  return { order: readOrder(bytes), bytes, ...more };
}
