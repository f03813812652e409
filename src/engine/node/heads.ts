/** The part of a node that holds heads of catalogs for their owners, and through which its own owner's is found. */

import type { Clock } from '../effects/clock.ts';
import type { Disk } from '../effects/disk.ts';
import type { Net } from '../effects/net.ts';
import type { CustodyStore } from '../maintenance/custody/custody-store.ts';
import type { Membership } from '../mesh/membership.ts';
import { peerKeyBytes } from '../mesh/peer-key.ts';
import { HeadKeeper } from '../mirror/head-keeper.ts';
import { serveHeads } from '../mirror/head-service.ts';
import { openHeadStore } from '../mirror/head-store.ts';
import type { HeadPeers, HeadsContext } from '../mirror/heads.ts';
import type { EventLog } from '../observe/events.ts';
import { pointOf } from '../placement/xor.ts';
import { ASK_TIMEOUT_MS } from '../transfer/limits.ts';
import type { OwnerId, PeerId } from '../types.ts';
import type { Closers } from './closers.ts';

interface Parts {
  clock: Clock;
  disk: Disk;
  /** Folder of the heads. */
  dir: string;
  net: Net;
  network: string;
  peers: HeadPeers;
  custody: CustodyStore;
  membership: Membership;
  events: EventLog;
  ownersOf(peer: PeerId): ReadonlySet<OwnerId> | undefined;
  admitsOwner(owner: OwnerId, peer: PeerId): boolean;
}

/** Serves and starts it; `closers` stops it. */
export async function keepHeads(parts: Parts, closers: Closers): Promise<HeadsContext> {
  const { clock, disk, dir, net, network, peers, custody, membership, events } = parts;
  const log = (text: string) => events.add('debug', 'catalog', text);
  const point = pointOf(peerKeyBytes(net.self));
  const store = await openHeadStore(disk, dir, point, (text) => events.add('warn', 'catalog', text));
  const heads: HeadsContext = { net, network, peers, store, timeoutMs: ASK_TIMEOUT_MS, log };
  const keeper = new HeadKeeper({ ...heads, clock });
  await serveHeads({
    net,
    clock,
    network,
    heads: store,
    custody,
    ownersOf: parts.ownersOf,
    admitsOwner: parts.admitsOwner,
    kept: (owner) => keeper.kept(owner),
  });
  const unsubscribe = membership.onChange((peer, state) => {
    if (state === 'active' || state === 'offline') keeper.changed(peer);
  });
  closers.add(async () => {
    unsubscribe();
    await keeper.stop();
  });
  keeper.start();
  return heads;
}
