/** Releases win over repairs: before anything of an object is rebuilt, its other custodians are asked whether they know of its release. */
import type { ObjectId, OwnerId, PeerId } from '../../types.ts';
import type { CustodyClient } from './custody-client.ts';
import { type CustodyPeers, dutyFor } from './custody-peers.ts';
import type { CustodyStore } from './custody-store.ts';
import { readOrder } from './order.ts';
import { type AskingContext, askEach, heard } from './silences.ts';

export interface TombstoneContext extends AskingContext {
  peers: CustodyPeers;
  store: CustodyStore;
  client: CustodyClient;
  timeoutMs: number;
}

/** A custodian is believed with an order that its owner has signed, and for an object of his that is kept here. Throws when the peer does not answer. */
export async function releasesFrom(
  peer: PeerId,
  ids: readonly ObjectId[],
  { store, client, timeoutMs, signal }: Pick<TombstoneContext, 'store' | 'client' | 'timeoutMs' | 'signal'>,
): Promise<ObjectId[]> {
  const wanted = new Set(ids);
  const released: ObjectId[] = [];
  for (const bytes of await client.released(peer, ids, { timeoutMs, signal })) {
    const order = readOrder(bytes);
    const { objectId, owner, state } = order;
    const known = wanted.has(objectId) ? store.get(objectId)?.order : undefined;
    if (state !== 'released' || known?.owner !== owner || known.network !== order.network) continue;
    store.keep([{ order, bytes }]);
    released.push(objectId);
  }
  return released;
}

/**
 * Which of these objects are released, by an order with their owner's signature; the orders are kept. A custodian that missed a release while it was away
 * would otherwise make anew what all holders have just dropped. One that does not answer is not waited for: the object's release reaches this
 * node with the hand-over, and is then carried to whoever got a shard meanwhile.
 */
export async function releasedOf(
  objects: readonly { objectId: ObjectId; owner: OwnerId }[],
  context: TombstoneContext,
): Promise<ReadonlySet<ObjectId>> {
  const { peers } = context;
  const byPeer = new Map<PeerId, ObjectId[]>();
  for (const { objectId, owner } of objects)
    for (const peer of dutyFor(peers, objectId, owner).others)
      byPeer.set(peer, [...(byPeer.get(peer) ?? []), objectId]);
  const released = new Set<ObjectId>();
  const asked = heard(byPeer, context);
  await askEach(
    asked,
    context,
    (peer) => `releases: ${peer}`,
    async (peer, ids) => {
      for (const id of await releasesFrom(peer, ids, context)) released.add(id);
    },
  );
  return released;
}
