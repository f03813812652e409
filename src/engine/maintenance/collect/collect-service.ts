/** The answering side of the collect protocol: an owner's nodes may ask for what is his, and nobody for anything else. */
import { DatameshError } from '../../../errors.ts';
import { answering } from '../../backends/answering.ts';
import { encodeStatus } from '../../backends/shard-protocol.ts';
import type { Clock } from '../../effects/clock.ts';
import { type Net, type NetMessage, NO_BYTES } from '../../effects/net.ts';
import { TokenBuckets } from '../../mesh/token-bucket.ts';
import type { ObjectId, OwnerId, PeerId, ShardId } from '../../types.ts';
import type { CollectHolder } from './collect-holder.ts';
import {
  COLLECT_PROTOCOL,
  decodeCollectRequest,
  decodeIds,
  encodeCursor,
  encodeListed,
  encodeOrders,
  MAX_COLLECT_BYTES,
  MAX_COLLECT_ORDERS,
} from './collect-protocol.ts';
import { MARK_OUTCOMES } from './quarantine.ts';

export interface CollectServiceOptions {
  net: Net;
  clock: Clock;
  holder: CollectHolder;
  /** Owners this peer has proved to act for; undefined when it has not introduced itself. */
  ownersOf(peer: PeerId): ReadonlySet<OwnerId> | undefined;
  /** Which of these this node, being one of the owner's, refers to. Throws when it cannot tell now. */
  vouch(owner: OwnerId, ids: readonly ShardId[]): Promise<boolean[]>;
}

/** Requests of one peer: a page costs some 10 ms, so a quarter of a core at most; a store of 8 million shards is listed in one burst. */
const RATE = { perSecond: 25, burst: 4_000 };
const MAX_PEERS = 2_000;

export async function serveCollect(options: CollectServiceOptions): Promise<void> {
  const requests = new TokenBuckets(options.clock, RATE, MAX_PEERS);
  await options.net.handle(
    COLLECT_PROTOCOL,
    answering((from, message) => answer(options, requests, from, message)),
    {
      maxBodyBytes: MAX_COLLECT_BYTES,
      admits: (from) => options.ownersOf(from) !== undefined,
    },
  );
}

async function answer(
  options: CollectServiceOptions,
  requests: TokenBuckets,
  from: PeerId,
  { header, body }: NetMessage,
): Promise<NetMessage> {
  const { holder } = options;
  const request = decodeCollectRequest(header);
  const { owner } = request;
  if (options.ownersOf(from)?.has(owner) !== true) {
    throw new DatameshError('denied', { what: 'this peer has no certificate of that owner' });
  }
  if (!requests.take(from)) throw new DatameshError('denied', { what: 'too many requests' });
  const reply = (tail: Uint8Array, bytes: Uint8Array): NetMessage => ({
    header: encodeStatus('ok', tail),
    body: bytes,
  });
  switch (request.op) {
    case 'list': {
      const page = holder.list(owner, from, request.delayMs, request.cursor);
      return reply(encodeCursor(page.cursor), encodeListed(page.items));
    }
    case 'orders': {
      const page = holder.orders(owner, request.cursor);
      return reply(encodeCursor(page.cursor), encodeOrders(page.items));
    }
    case 'order': {
      const ids = decodeIds<ObjectId>(body).slice(0, MAX_COLLECT_ORDERS);
      return reply(NO_BYTES, encodeOrders(holder.order(owner, ids)));
    }
    case 'mark': {
      const ids = decodeIds<ShardId>(body);
      const outcomes = await holder.mark(owner, from, request.epoch, request.delayMs, ids);
      return reply(
        NO_BYTES,
        Uint8Array.from(outcomes, (it) => MARK_OUTCOMES.indexOf(it)),
      );
    }
    case 'sweep': {
      const ids = decodeIds<ShardId>(body);
      const swept = await holder.sweep(owner, from, request.epoch, request.delayMs, ids);
      return reply(NO_BYTES, Uint8Array.from(swept, Number));
    }
    case 'vouch':
      return reply(NO_BYTES, Uint8Array.from(await options.vouch(owner, decodeIds<ShardId>(body)), Number));
  }
}
