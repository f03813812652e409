/** Asks other custodians, in batches; a peer that does not answer throws as any request does. */
import { DatameshError } from '../../../errors.ts';
import { decodeStatus, failureOf } from '../../backends/shard-protocol.ts';
import { MAX_MANIFEST_BYTES } from '../../codec/manifest-limits.ts';
import { type Net, NO_BYTES } from '../../effects/net.ts';
import type { ObjectId, PeerId } from '../../types.ts';
import {
  CUSTODY_PROTOCOL,
  type CustodyRequest,
  decodeClaims,
  decodeKnown,
  decodeOffer,
  encodeClaims,
  encodeCustodyRequest,
  encodeOffer,
  itemBytes,
  type KnownAnswer,
  MAX_CLAIMS,
  MAX_CUSTODY_BYTES,
  MAX_CUSTODY_IDS,
  MAX_CUSTODY_ITEMS,
  OFFER_ANSWERS,
  type OfferAnswer,
  type OfferItem,
  type Place,
} from './custody-protocol.ts';
import type { Claim, ClaimsOf } from './custody-store.ts';

export interface CustodyCall {
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

export interface CustodyClient {
  /** An answer for each item. Manifests that fit no message stay behind: the answer is then `wants-manifest`, and the receiver asks for it. */
  offer(peer: PeerId, items: readonly OfferItem[], call: CustodyCall): Promise<OfferAnswer[]>;
  known(peer: PeerId, ids: readonly ObjectId[], call: CustodyCall): Promise<KnownAnswer[]>;
  where(peer: PeerId, ids: readonly ObjectId[], call: CustodyCall): Promise<ClaimsOf[]>;
  /** Which of them the peer takes. */
  moved(peer: PeerId, moves: readonly ClaimsOf[], call: CustodyCall): Promise<boolean[]>;
  /** Whether the peer gives the lease of each. */
  lease(peer: PeerId, ids: readonly ObjectId[], call: CustodyCall): Promise<boolean[]>;
  unlease(peer: PeerId, ids: readonly ObjectId[], call: CustodyCall): Promise<void>;
  /** Orders that release some of these, as it gives them: unverified. */
  released(peer: PeerId, ids: readonly ObjectId[], call: CustodyCall): Promise<Uint8Array[]>;
  /** All that the peer keeps of objects of which this node has or had shards, in order after `cursor`, some at a time; unverified. Manifests that fit no message are left out. */
  held(peer: PeerId, cursor: ObjectId | undefined, call: CustodyCall): Promise<OfferItem[]>;
  /** Unverified bytes; undefined when it has none. */
  manifest(peer: PeerId, id: ObjectId, call: CustodyCall): Promise<Uint8Array | undefined>;
  /** Durable at the peer when it resolves. Throws `denied` (it does not serve the owner, or the object is released), `hash-mismatch`, `quota-full`, `disk-full`. */
  adopt(peer: PeerId, id: ObjectId, place: Place, bytes: Uint8Array, call: CustodyCall): Promise<void>;
  /** Tells a holder that objects are released, so that it drops the owner's claims: `kept` where it has none any more. */
  drop(peer: PeerId, items: readonly OfferItem[], call: CustodyCall): Promise<OfferAnswer[]>;
}

/** Before all others: a hash of zeros is nobody's. */
const FIRST_ID = '0'.repeat(64) as ObjectId;

export function custodyClient(net: Pick<Net, 'request'>): CustodyClient {
  const ask = async (
    peer: PeerId,
    request: CustodyRequest,
    body: Uint8Array,
    { timeoutMs, signal }: CustodyCall,
    maxBodyBytes = MAX_CUSTODY_BYTES,
  ) => {
    const message = { header: encodeCustodyRequest(request), body };
    const answer = await net.request(peer, CUSTODY_PROTOCOL, message, { timeoutMs, signal, maxBodyBytes });
    const { status, tail } = decodeStatus(answer.header);
    if (status !== 'ok' && status !== 'absent') throw failureOf(status, tail);
    return { status, tail, body: answer.body };
  };
  const byIds = async <T>(
    ids: readonly ObjectId[],
    once: (ids: readonly ObjectId[]) => Promise<readonly T[]>,
  ): Promise<T[]> => {
    const found: T[] = [];
    for (let at = 0; at < ids.length; at += MAX_CUSTODY_IDS) {
      found.push(...(await once(ids.slice(at, at + MAX_CUSTODY_IDS))));
    }
    return found;
  };
  const byItems = async (
    peer: PeerId,
    op: 'offer' | 'drop',
    items: readonly OfferItem[],
    call: CustodyCall,
  ): Promise<OfferAnswer[]> => {
    const answers: OfferAnswer[] = [];
    for (const batch of batches(items.map(thatFits))) {
      const { tail } = await ask(peer, { op, ids: [] }, encodeOffer(batch), call);
      if (tail.length !== batch.length) throw malformed(peer);
      for (const code of tail) {
        const answer = OFFER_ANSWERS[code];
        if (answer === undefined) throw malformed(peer);
        answers.push(answer);
      }
    }
    return answers;
  };
  return {
    offer: (peer, items, call) => byItems(peer, 'offer', items, call),
    drop: (peer, items, call) => byItems(peer, 'drop', items, call),
    known: (peer, ids, call) =>
      byIds(ids, async (some) =>
        decodeKnown((await ask(peer, { op: 'known', ids: some }, NO_BYTES, call)).tail, some.length),
      ),
    where: (peer, ids, call) =>
      byIds(ids, async (some) => {
        const { body } = await ask(peer, { op: 'where', ids: some }, NO_BYTES, call);
        const told = decodeClaims(body);
        if (told.length !== some.length || told.some(({ objectId }, i) => objectId !== some[i]))
          throw malformed(peer);
        return told;
      }),
    async moved(peer, moves, call) {
      const taken: boolean[] = [];
      for (const batch of batches(moves.map(fewEnough))) {
        const { tail } = await ask(peer, { op: 'moved', ids: [] }, encodeClaims(batch), call);
        if (tail.length !== batch.length) throw malformed(peer);
        taken.push(...Array.from(tail, (flag) => flag === 1));
      }
      return taken;
    },
    lease: (peer, ids, call) =>
      byIds(ids, async (some) => {
        const { tail } = await ask(peer, { op: 'lease', ids: some }, NO_BYTES, call);
        if (tail.length !== some.length) throw malformed(peer);
        return Array.from(tail, (flag) => flag === 1);
      }),
    async unlease(peer, ids, call) {
      await byIds(ids, async (some) => {
        await ask(peer, { op: 'unlease', ids: some }, NO_BYTES, call);
        return [];
      });
    },
    released: (peer, ids, call) =>
      byIds(ids, async (some) => {
        const { body } = await ask(peer, { op: 'released', ids: some }, NO_BYTES, call);
        return decodeOffer(body).map(({ order }) => order);
      }),
    async held(peer, cursor, call) {
      const ids = [cursor ?? FIRST_ID];
      return decodeOffer((await ask(peer, { op: 'held', ids }, NO_BYTES, call)).body);
    },
    async manifest(peer, id, call) {
      const { status, body } = await ask(
        peer,
        { op: 'manifest', ids: [id] },
        NO_BYTES,
        call,
        MAX_MANIFEST_BYTES,
      );
      return status === 'absent' ? undefined : body;
    },
    async adopt(peer, id, place, bytes, call) {
      await ask(peer, { op: 'adopt', ids: [id], place }, bytes, call);
    },
  };
}

/** Half a message at most, so that the others of its batch find room beside it. */
export const MAX_OFFERED_MANIFEST_BYTES = MAX_CUSTODY_BYTES / 2;

export function thatFits(item: OfferItem): OfferItem {
  const fits = (item.manifest?.length ?? 0) <= MAX_OFFERED_MANIFEST_BYTES;
  return fewEnough(fits ? item : { ...item, manifest: undefined });
}

/** What is left out is found again by asking holders. */
function fewEnough<T extends { claims: readonly Claim[] }>(item: T): T {
  return item.claims.length <= MAX_CLAIMS ? item : { ...item, claims: item.claims.slice(0, MAX_CLAIMS) };
}

/** As many items as a message takes. */
function batches<T extends Parameters<typeof itemBytes>[0]>(items: readonly T[]): T[][] {
  const all: T[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const item of items) {
    const size = itemBytes(item);
    if (bytes + size > (MAX_CUSTODY_BYTES * 3) / 4 || all.at(-1)!.length === MAX_CUSTODY_ITEMS) {
      all.push([]);
      bytes = 0;
    }
    all.at(-1)!.push(item);
    bytes += size;
  }
  return all;
}

function malformed(peer: PeerId): DatameshError {
  return new DatameshError('malformed-data', {
    what: `custodian ${peer.slice(-8)} sent an answer that makes no sense`,
  });
}
