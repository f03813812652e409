/**
 * Keeps one connection per pair of nodes. Two nodes that dial each other at the same time get two (ten have been seen); both
 * must give up the same one. The rule needs no message: the connection dialled by the smaller peer id stays, of several of
 * those the dialler's oldest. Only the dialler closes at once, for the other side cannot know the order; it cuts off what the
 * dialler left open for too long.
 */
import type { Connection } from '@libp2p/interface';
import type { Clock } from '../effects/clock.ts';
import type { Host } from './libp2p-host.ts';

/** Requests that began on the loser end on it; new ones go over the keeper. */
const CLOSE_AFTER_MS = 1_000;
/** When the dialler has not closed it by now, it does not know the rule or does not want to. */
const CUT_OFF_AFTER_MS = 5_000;
/** More than simultaneous dials explain: cut off at once. */
const MAX_PER_PEER = 4;

/** What the rule looks at. */
export interface Dialled {
  direction: 'inbound' | 'outbound';
  status: string;
  timeline: { open: number };
}

/** Of the open connections between `self` and `peer`, the one that stays, as `self` sees it. */
export function keeper<C extends Dialled>(
  self: string,
  peer: string,
  connections: readonly C[],
): C | undefined {
  const wanted = self < peer ? 'outbound' : 'inbound';
  const rank = (connection: C) => (connection.direction === wanted ? 0 : 1);
  let best: C | undefined;
  for (const connection of connections) {
    if (connection.status !== 'open') continue;
    if (best === undefined) best = connection;
    else if (rank(connection) < rank(best)) best = connection;
    else if (rank(connection) === rank(best) && connection.timeline.open < best.timeline.open)
      best = connection;
  }
  return best;
}

/** Watches a host; the returned function stops that. */
export function keepOneConnection(host: Host, clock: Clock): () => void {
  const self = host.peerId.toString();
  let stopped = false;
  const toPeer = (connection: Connection) => host.getConnections(connection.remotePeer);
  const loses = (connection: Connection) =>
    !stopped &&
    connection.status === 'open' &&
    keeper(self, connection.remotePeer.toString(), toPeer(connection)) !== connection;
  const closeLosers = (of: Connection, direction: Connection['direction']) => {
    for (const connection of toPeer(of)) {
      if (connection.direction === direction && loses(connection)) connection.close().catch(() => {}); // gone already
    }
  };
  const onOpen = ({ detail: connection }: CustomEvent<Connection>) => {
    const all = toPeer(connection);
    if (all.length < 2) return;
    if (all.length > MAX_PER_PEER) return connection.abort(new Error('too many connections of one peer'));
    clock.after(CLOSE_AFTER_MS, () => closeLosers(connection, 'outbound'));
    clock.after(CUT_OFF_AFTER_MS, () => closeLosers(connection, 'inbound'));
  };
  const onClose = ({ detail: connection }: CustomEvent<Connection>) => {
    const left = keeper(self, connection.remotePeer.toString(), toPeer(connection));
    // Gossipsub has one stream per peer and opens another only when the peer is identified; it may have died with this one.
    if (left !== undefined && !stopped) host.services.identify.identify(left).catch(() => {}); // lost too: nothing to tell
  };
  host.addEventListener('connection:open', onOpen);
  host.addEventListener('connection:close', onClose);
  return () => {
    stopped = true;
    host.removeEventListener('connection:open', onOpen);
    host.removeEventListener('connection:close', onClose);
  };
}
