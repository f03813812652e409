/** The part of a node that lets owners collect here what nothing of theirs refers to. */
import { DatameshError } from '../../errors.ts';
import type { Clock } from '../effects/clock.ts';
import type { Net } from '../effects/net.ts';
import { CollectHolder } from '../maintenance/collect/collect-holder.ts';
import { type CollectServiceOptions, serveCollect } from '../maintenance/collect/collect-service.ts';
import type { Quarantine } from '../maintenance/collect/quarantine.ts';
import type { CustodyStore } from '../maintenance/custody/custody-store.ts';
import type { ShardStore } from '../shardstore/store.ts';

export interface Collect {
  holder: CollectHolder;
  /** What is known of marks and orders here, for the node's folders. */
  marks: { quarantine: Quarantine; custody: CustodyStore };
  /** Who tells other nodes of this node's owner what it refers to. */
  vouchBy(vouch: CollectServiceOptions['vouch']): void;
}

interface Parts {
  net: Net;
  clock: Clock;
  store: ShardStore;
  custody: CustodyStore;
  quarantine: Quarantine;
  ownersOf: CollectServiceOptions['ownersOf'];
}

export async function keepCollect({ net, clock, ownersOf, ...held }: Parts): Promise<Collect> {
  const holder = new CollectHolder(held);
  let vouch: CollectServiceOptions['vouch'] = () => {
    throw new DatameshError('failed', { what: 'the node is still starting' });
  };
  await serveCollect({ net, clock, holder, ownersOf, vouch: (owner, ids) => vouch(owner, ids) });
  return {
    holder,
    marks: { quarantine: held.quarantine, custody: held.custody },
    vouchBy(by) {
      vouch = by;
    },
  };
}
