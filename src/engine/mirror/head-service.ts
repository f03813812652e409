/** The holder's side of the head protocol. */
import { DatameshError } from '../../errors.ts';
import { answering, introduced } from '../backends/answering.ts';
import { encodeStatus } from '../backends/shard-protocol.ts';
import type { Clock } from '../effects/clock.ts';
import { type Net, type NetMessage, NO_BYTES } from '../effects/net.ts';
import { nextTurn } from '../effects/turn.ts';
import type { CustodyStore } from '../maintenance/custody/custody-store.ts';
import { TokenBuckets } from '../mesh/token-bucket.ts';
import type { ObjectId, OwnerId, PeerId } from '../types.ts';
import { type Head, MAX_HEAD_BYTES, readHead } from './head.ts';
import {
  decodeHeadRequest,
  encodeIds,
  HEAD_PROTOCOL,
  type HeadRequest,
  MAX_ORDER_IDS,
} from './head-protocol.ts';
import type { HeadStore } from './head-store.ts';

export interface HeadServiceOptions {
  net: Net;
  clock: Clock;
  network: string;
  heads: HeadStore;
  custody: Pick<CustodyStore, 'list'>;
  /** Owners this peer has proved to act for; undefined when it has not introduced itself. */
  ownersOf(peer: PeerId): ReadonlySet<OwnerId> | undefined;
  admitsOwner(owner: OwnerId, peer: PeerId): boolean;
  /** A newer head was kept. */
  kept(owner: OwnerId): void;
}

/** A node that hands over what it holds sends as many heads at once; a scan asks page after page. */
const REQUEST_RATE = { perSecond: 50, burst: 5_000 };
/** Owners never heard of, from one peer: made up by the thousand they would push others out. */
const NEW_OWNER_RATE = { perSecond: 1, burst: 1_000 };
const MAX_PEERS = 2_000;
/** Orders looked at for one page of one owner's, unless none of them is his. */
const SCANNED_ORDERS = 4_096;

export async function serveHeads(options: HeadServiceOptions): Promise<void> {
  const requests = new TokenBuckets(options.clock, REQUEST_RATE, MAX_PEERS);
  const newOwners = new TokenBuckets(options.clock, NEW_OWNER_RATE, MAX_PEERS);
  await options.net.handle(
    HEAD_PROTOCOL,
    answering((from, message) => {
      introduced(options.ownersOf(from));
      if (!requests.take(from)) throw new DatameshError('denied', { what: 'too many head requests' });
      return answer(options, from, message, newOwners);
    }),
    { maxBodyBytes: MAX_HEAD_BYTES, admits: (from) => options.ownersOf(from) !== undefined },
  );
}

async function answer(
  options: HeadServiceOptions,
  from: PeerId,
  { header, body }: NetMessage,
  newOwners: TokenBuckets,
): Promise<NetMessage> {
  const request = decodeHeadRequest(header);
  switch (request.op) {
    case 'put':
      return await takeHead(options, from, body, newOwners);
    case 'get': {
      const bytes = await options.heads.get(request.owner);
      return bytes === undefined
        ? { header: encodeStatus('absent'), body: NO_BYTES }
        : { header: encodeStatus('ok'), body: bytes };
    }
    case 'orders':
      return { header: encodeStatus('ok'), body: encodeIds(await ordersOf(options, from, request)) };
  }
}

async function takeHead(
  { heads, network, admitsOwner, kept }: HeadServiceOptions,
  from: PeerId,
  body: Uint8Array,
  newOwners: TokenBuckets,
): Promise<NetMessage> {
  const bytes = Uint8Array.from(body);
  const head: Head = readHead(bytes);
  if (head.network !== network || !admitsOwner(head.owner, from)) {
    throw new DatameshError('denied', { what: 'this node keeps nothing for that owner' });
  }
  const known = await heads.get(head.owner);
  if (known === undefined && !newOwners.take(from)) {
    throw new DatameshError('denied', { what: 'too many heads of new owners' });
  }
  const newer = await heads.put(head.owner, head.sequence, bytes);
  if (newer !== undefined) return { header: encodeStatus('already'), body: newer };
  if (known === undefined || Buffer.compare(known, bytes) !== 0) kept(head.owner);
  return { header: encodeStatus('ok'), body: NO_BYTES };
}

/** Which objects somebody stores is told to his own devices alone. */
async function ordersOf(
  { custody, ownersOf }: HeadServiceOptions,
  from: PeerId,
  { owner, after }: HeadRequest & { op: 'orders' },
): Promise<ObjectId[]> {
  if (!ownersOf(from)?.has(owner))
    throw new DatameshError('denied', { what: 'you do not act for that owner' });
  const found: ObjectId[] = [];
  let cursor = after;
  for (let scanned = 0; scanned < SCANNED_ORDERS || found.length === 0; ) {
    const page = custody.list(cursor, MAX_ORDER_IDS);
    for (const mark of page) {
      cursor = mark.objectId;
      if (mark.owner === owner && mark.state === 'live') found.push(mark.objectId);
      if (found.length === MAX_ORDER_IDS) return found;
    }
    if (page.length < MAX_ORDER_IDS) break;
    scanned += page.length;
    await nextTurn();
  }
  return found;
}
