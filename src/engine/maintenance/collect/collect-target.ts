/** Whom a node of the owner asks when it collects: other nodes over the collect protocol, and itself. */

import { DatameshError } from '../../../errors.ts';
import { decodeStatus, failureOf } from '../../backends/shard-protocol.ts';
import type { Clock } from '../../effects/clock.ts';
import { type Net, NO_BYTES } from '../../effects/net.ts';
import type { ObjectId, OwnerId, PeerId, ShardId } from '../../types.ts';
import type { CollectHolder } from './collect-holder.ts';
import {
  COLLECT_PROTOCOL,
  type CollectRequest,
  decodeCursor,
  decodeFlags,
  decodeListed,
  decodeOrders,
  decodeOutcomes,
  encodeCollectRequest,
  encodeIds,
  type ListedShard,
  MAX_COLLECT_ANSWER_BYTES,
  type Page,
} from './collect-protocol.ts';
import type { MarkOutcome } from './quarantine.ts';

export interface CollectCall {
  timeoutMs: number;
  signal: AbortSignal;
}

/** Of one owner. At most MAX_COLLECT_IDS ids a call; each throws as any request does. */
export interface CollectTarget {
  readonly id: PeerId;
  list(cursor: ShardId | undefined, delayMs: number, call: CollectCall): Promise<Page<ListedShard, ShardId>>;
  mark(epoch: number, delayMs: number, ids: readonly ShardId[], call: CollectCall): Promise<MarkOutcome[]>;
  sweep(epoch: number, delayMs: number, ids: readonly ShardId[], call: CollectCall): Promise<boolean[]>;
  /** Signed orders, unverified. */
  orders(cursor: ObjectId | undefined, call: CollectCall): Promise<Page<Uint8Array, ObjectId>>;
  /** At most MAX_COLLECT_ORDERS; empty where there is none. */
  order(ids: readonly ObjectId[], call: CollectCall): Promise<Uint8Array[]>;
}

/** A holder with more pages than that lists nonsense: 200 million shards. */
const MAX_PAGES = 100_000;
/** For all of a holder's pages and what is done about them: ten million shards take five minutes. */
const LISTING_MS = 30 * 60_000;

/** Page after page of what a target lists, in order. Throws for one that does not come to an end: nobody is to hold a cleanup up. */
export async function* pagesOf<Item, Id extends string>(
  list: (cursor: Id | undefined) => Promise<Page<Item, Id>>,
  clock: Pick<Clock, 'monotonic'>,
): AsyncGenerator<Item[]> {
  const begunMs = clock.monotonic();
  let cursor: Id | undefined;
  for (let page = 1; ; page++) {
    const { items, cursor: next } = await list(cursor);
    yield items;
    if (next === undefined) return;
    if (page >= MAX_PAGES || (cursor !== undefined && next <= cursor))
      throw new DatameshError('malformed-data', { what: 'the holder lists without end' });
    if (clock.monotonic() - begunMs >= LISTING_MS)
      throw new DatameshError('timeout', {
        what: `its list had no end after ${LISTING_MS / 60_000} minutes, and was cut off there`,
      });
    cursor = next;
  }
}

export function ownCollectTarget(self: PeerId, owner: OwnerId, holder: CollectHolder): CollectTarget {
  return {
    id: self,
    list: async (cursor, delayMs) => holder.list(owner, self, delayMs, cursor),
    mark: (epoch, delayMs, ids) => holder.mark(owner, self, epoch, delayMs, ids),
    sweep: (epoch, delayMs, ids) => holder.sweep(owner, self, epoch, delayMs, ids),
    orders: async (cursor) => holder.orders(owner, cursor),
    order: async (ids) => holder.order(owner, ids),
  };
}

export function peerCollectTarget(net: Net, peer: PeerId, owner: OwnerId): CollectTarget {
  return {
    id: peer,
    async list(cursor, delayMs, call) {
      const { tail, body } = await ask(net, peer, { op: 'list', owner, cursor, delayMs }, NO_BYTES, call);
      return { items: decodeListed(body), cursor: decodeCursor<ShardId>(tail) };
    },
    async mark(epoch, delayMs, ids, call) {
      const { body } = await ask(net, peer, { op: 'mark', owner, epoch, delayMs }, encodeIds(ids), call);
      return decodeOutcomes(body, ids.length);
    },
    async sweep(epoch, delayMs, ids, call) {
      const { body } = await ask(net, peer, { op: 'sweep', owner, epoch, delayMs }, encodeIds(ids), call);
      return decodeFlags(body, ids.length);
    },
    async orders(cursor, call) {
      const { tail, body } = await ask(net, peer, { op: 'orders', owner, cursor }, NO_BYTES, call);
      return { items: decodeOrders(body), cursor: decodeCursor<ObjectId>(tail) };
    },
    async order(ids, call) {
      const { body } = await ask(net, peer, { op: 'order', owner }, encodeIds(ids), call);
      return decodeOrders(body);
    },
  };
}

/** Asks another node of the owner which of the shards it refers to. */
export async function askToVouch(
  net: Net,
  peer: PeerId,
  owner: OwnerId,
  ids: readonly ShardId[],
  call: CollectCall,
): Promise<boolean[]> {
  const { body } = await ask(net, peer, { op: 'vouch', owner }, encodeIds(ids), call);
  return decodeFlags(body, ids.length);
}

async function ask(net: Net, peer: PeerId, request: CollectRequest, body: Uint8Array, call: CollectCall) {
  const message = { header: encodeCollectRequest(request), body };
  const maxBodyBytes = MAX_COLLECT_ANSWER_BYTES[request.op];
  const answer = await net.request(peer, COLLECT_PROTOCOL, message, { ...call, maxBodyBytes });
  const { status, tail } = decodeStatus(answer.header);
  if (status !== 'ok') throw failureOf(status, tail);
  return { tail, body: answer.body };
}
