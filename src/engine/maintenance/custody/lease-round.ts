/** A leader asks the other custodians for leases before it rebuilds, and gives them back when it is done. */
import type { ObjectId, OwnerId, PeerId } from '../../types.ts';
import { majorityOf } from './custodians.ts';
import type { CustodyClient } from './custody-client.ts';
import { type CustodyPeers, dutyFor } from './custody-peers.ts';
import type { Leases } from './leases.ts';
import { type AskingContext, askEach, heard } from './silences.ts';

export interface LeaseContext extends AskingContext {
  peers: CustodyPeers;
  client: CustodyClient;
  leases: Leases;
  timeoutMs: number;
}

export interface LeaseRound {
  /** Those for which a majority of the custodians in sight, this node among them, has given its lease. */
  given: ReadonlySet<ObjectId>;
  /** Of all, also of those that too few gave. */
  giveBack(): Promise<void>;
}

export async function takeLeases(
  objects: readonly { objectId: ObjectId; owner: OwnerId }[],
  context: LeaseContext,
): Promise<LeaseRound> {
  const { peers, client, leases, timeoutMs, signal } = context;
  const votes = new Map<ObjectId, number>();
  const needed = new Map<ObjectId, number>();
  const byPeer = new Map<PeerId, ObjectId[]>();
  for (const { objectId, owner } of objects) {
    const { others } = dutyFor(peers, objectId, owner);
    needed.set(objectId, majorityOf(others.length + 1));
    votes.set(objectId, leases.take(objectId, peers.self) ? 1 : 0);
    for (const peer of others) byPeer.set(peer, [...(byPeer.get(peer) ?? []), objectId]);
  }
  // Who is not asked has nothing to be given back.
  const asked = heard(byPeer, context);
  const each = (work: (peer: PeerId, ids: ObjectId[]) => Promise<void>) =>
    askEach(asked, context, (peer) => `lease: ${peer}`, work);
  await each(async (peer, ids) => {
    const answers = await client.lease(peer, ids, { timeoutMs, signal });
    for (const [at, yes] of answers.entries()) if (yes) votes.set(ids[at]!, votes.get(ids[at]!)! + 1);
  });
  return {
    given: new Set([...votes].filter(([id, count]) => count >= needed.get(id)!).map(([id]) => id)),
    async giveBack() {
      for (const { objectId } of objects) leases.giveBack(objectId, peers.self);
      await each((peer, ids) => client.unlease(peer, ids, { timeoutMs, signal }));
    },
  };
}
