/** The custodian's side of the custody protocol: what others may tell this node and ask of it. */
import { DatameshError } from '../../../errors.ts';
import { answering, introduced } from '../../backends/answering.ts';
import { encodeStatus } from '../../backends/shard-protocol.ts';
import type { Manifest } from '../../codec/manifest.ts';
import type { Clock } from '../../effects/clock.ts';
import { MAX_BODY_BYTES, type Net, type NetMessage, NO_BYTES } from '../../effects/net.ts';
import { TokenBuckets } from '../../mesh/token-bucket.ts';
import { bytesToHex, type ObjectId, type OwnerId, type PeerId } from '../../types.ts';
import type { Adoption } from './adoption.ts';
import { thatFits } from './custody-client.ts';
import type { CustodyManifests } from './custody-manifests.ts';
import {
  CUSTODY_PROTOCOL,
  type CustodyRequest,
  decodeClaims,
  decodeCustodyRequest,
  decodeOffer,
  encodeClaims,
  encodeKnown,
  encodeOffer,
  itemBytes,
  MAX_CLAIMS,
  MAX_CUSTODY_BYTES,
  MAX_CUSTODY_ITEMS,
  OFFER_ANSWERS,
  type OfferAnswer,
  type OfferItem,
  placeExists,
} from './custody-protocol.ts';
import { type Claim, type ClaimsOf, type CustodyStore, type Keep, MANIFEST_GROUP } from './custody-store.ts';
import { itemOf } from './handover.ts';
import type { Leases } from './leases.ts';
import { type Order, readOrder } from './order.ts';

export interface CustodyServiceOptions {
  net: Net;
  clock: Clock;
  store: CustodyStore;
  manifests: CustodyManifests;
  leases: Leases;
  adoption: Adoption;
  /** Name of the network: orders of another are refused. */
  network: string;
  hash(bytes: Uint8Array): Uint8Array;
  /** Owners this peer has proved to act for; undefined when it has not introduced itself. */
  ownersOf(peer: PeerId): ReadonlySet<OwnerId> | undefined;
  /** Whether this node stores for the owner. */
  admitsOwner(owner: OwnerId, peer: PeerId): boolean;
  /** Whether the peer may be a custodian of the object: its word on where shards are is taken. */
  near(peer: PeerId, id: ObjectId): boolean;
  /** Orders came that were not known. `holders`: who has shards of the object, as far as it was told with the order. */
  kept(fresh: readonly { order: Order; holders: readonly PeerId[] }[]): void;
  /** Claims came that are believed. */
  moved(claims: readonly ClaimsOf[]): void;
}

/** Items of one peer: a hand-over of some thousand objects at once, then as many as one core verifies in a tenth of its time. */
const ITEM_RATE = { perSecond: 1_000, burst: 20_000 };
/** Objects asked after by one peer, 12 to 14 µs each beside 20,000 and 100,000 orders: a census of a hundred thousand at once, then some 7 % of a core. Who asks for more is answered later, not refused: a census has to come to its end. */
const QUESTION_RATE = { perSecond: 5_000, burst: 100_000 };
/** A page of orders with their manifests, and a manifest, cost as much as so many objects. */
const PAGE_COST = 256;
const MANIFEST_COST = 32;
const MAX_PEERS = 2_000;

export async function serveCustody(options: CustodyServiceOptions): Promise<void> {
  const items = new TokenBuckets(options.clock, ITEM_RATE, MAX_PEERS);
  const spend = (peer: PeerId, count: number) => {
    if (!items.take(peer, count)) throw new DatameshError('denied', { what: 'too many custody items' });
  };
  const questions = new TokenBuckets(options.clock, QUESTION_RATE, MAX_PEERS);
  await options.net.handle(
    CUSTODY_PROTOCOL,
    answering(async (from, message) => {
      introduced(options.ownersOf(from));
      const request = decodeCustodyRequest(message.header);
      await questions.paid(from, costOf(request));
      return await answer(options, from, message, request, spend);
    }),
    {
      maxBodyBytes: MAX_BODY_BYTES,
      admits(from, header, bodyBytes) {
        const known = options.ownersOf(from) !== undefined;
        return known && (bodyBytes <= MAX_CUSTODY_BYTES || isAdoption(header));
      },
    },
  );
}

/** Items that come in a body are paid for by `spend`. */
function costOf({ op, ids }: CustodyRequest): number {
  if (op === 'held') return PAGE_COST;
  return op === 'manifest' ? MANIFEST_COST : ids.length;
}

async function answer(
  options: CustodyServiceOptions,
  from: PeerId,
  { body }: NetMessage,
  request: CustodyRequest,
  spend: (peer: PeerId, count: number) => void,
): Promise<NetMessage> {
  const { store, leases } = options;
  const { op, ids } = request;
  const reply = (tail: Uint8Array, bytes: Uint8Array = NO_BYTES): NetMessage => ({
    header: encodeStatus('ok', tail),
    body: bytes,
  });
  switch (op) {
    case 'offer': {
      const items = decodeOffer(body);
      spend(from, items.length);
      return reply(Uint8Array.from(takeOffer(options, from, items), (it) => OFFER_ANSWERS.indexOf(it)));
    }
    case 'moved': {
      const moves = decodeClaims(body);
      spend(from, moves.length);
      const taken = moves.map((it) => credible(options, from, it));
      const believed = taken.filter((it) => it !== undefined);
      store.claim(believed);
      options.moved(believed);
      return reply(Uint8Array.from(taken, (it) => (it === undefined ? 0 : 1)));
    }
    case 'known':
      return reply(
        encodeKnown(
          ids.map((id) => {
            const mark = store.mark(id);
            return {
              sequence: mark?.sequence ?? 0,
              released: mark?.state === 'released',
              manifest: mark?.hasManifest ?? false,
            };
          }),
        ),
      );
    case 'where':
      return reply(
        NO_BYTES,
        encodeClaims(within(ids.map((id) => ({ objectId: id, claims: store.claims(id) })))),
      );
    case 'lease':
      spend(from, ids.length);
      return reply(
        Uint8Array.from(ids, (id) =>
          store.mark(id)?.state !== 'released' && options.near(from, id) && leases.take(id, from) ? 1 : 0,
        ),
      );
    case 'held':
      return reply(NO_BYTES, encodeOffer(heldBy(store, from, ids[0]!)));
    case 'released':
      return reply(NO_BYTES, encodeOffer(releasesOf(store, ids)));
    case 'adopt':
      spend(from, 1);
      await options.adoption.adopt(from, ids[0]!, request.place, body);
      return reply(NO_BYTES);
    case 'drop': {
      const items = decodeOffer(body);
      spend(from, items.length);
      const answers: number[] = [];
      for (const item of items) answers.push(OFFER_ANSWERS.indexOf(await options.adoption.drop(from, item)));
      return reply(Uint8Array.from(answers));
    }
    case 'unlease':
      for (const id of ids) leases.giveBack(id, from);
      return reply(NO_BYTES);
    case 'manifest': {
      const bytes = store.manifest(ids[0]!);
      return bytes === undefined
        ? { header: encodeStatus('absent'), body: NO_BYTES }
        : reply(NO_BYTES, bytes);
    }
  }
}

/** As many as fit a message: what is left out is asked for again with the next repair. */
function releasesOf(store: CustodyStore, ids: readonly ObjectId[]): OfferItem[] {
  const items: OfferItem[] = [];
  let bytes = 0;
  for (const id of ids) {
    if (store.mark(id)?.state !== 'released') continue;
    const order = store.get(id)?.bytes;
    if (order === undefined) continue;
    const item = { order, manifest: undefined, claims: [] };
    bytes += itemBytes(item);
    if (bytes > MAX_CUSTODY_BYTES) break;
    items.push(item);
  }
  return items;
}

/** What is kept of objects of which the asker has or had shards: as many as fit a message, one at least. */
function heldBy(store: CustodyStore, asker: PeerId, cursor: ObjectId): OfferItem[] {
  const items: OfferItem[] = [];
  let bytes = 0;
  for (const objectId of store.heldBy(asker, cursor, MAX_CUSTODY_ITEMS)) {
    const found = itemOf(store, { objectId });
    if (found === undefined) continue;
    const item = thatFits(found);
    bytes += itemBytes(item);
    if (items.length > 0 && bytes > (MAX_CUSTODY_BYTES * 3) / 4) break;
    items.push(item);
  }
  return items;
}

function isAdoption(header: Uint8Array): boolean {
  try {
    return decodeCustodyRequest(header).op === 'adopt';
  } catch {
    return false; // malformed: the handler says so
  }
}

/** As many objects as fit a message; what is left out has no claims, and its shards are found by asking. */
function within(items: ClaimsOf[]): ClaimsOf[] {
  let left = MAX_CLAIMS;
  return items.map(({ objectId, claims }) => {
    const fits = claims.length <= left;
    if (fits) left -= claims.length;
    return { objectId, claims: fits ? claims : [] };
  });
}

function takeOffer(options: CustodyServiceOptions, from: PeerId, items: readonly OfferItem[]): OfferAnswer[] {
  const answers: OfferAnswer[] = [];
  const keeps: { at: number; keep: Keep }[] = [];
  for (const [at, item] of items.entries()) {
    const keep = examine(options, from, item);
    answers.push(typeof keep === 'string' ? keep : 'kept');
    if (typeof keep !== 'string') keeps.push({ at, keep });
  }
  const fresh: { order: Order; holders: PeerId[] }[] = [];
  const outcomes = options.store.keep(keeps.map(({ keep }) => keep));
  for (const [i, { at, keep }] of keeps.entries()) {
    const outcome = outcomes[i]!;
    const { order, holders = [], claims = [] } = keep;
    if (outcome === 'kept')
      fresh.push({ order, holders: [...holders, ...claims.map(({ holder }) => holder)] });
    if (outcome === 'older') answers[at] = 'newer';
    else if (outcome === 'full') answers[at] = 'full';
    else if (outcome === 'disputed') answers[at] = 'wants-manifest';
    else if (
      keep.manifest === undefined &&
      keep.order.state === 'live' &&
      options.store.mark(keep.order.objectId)?.hasManifest !== true
    )
      answers[at] = 'wants-manifest';
  }
  if (fresh.length > 0) options.kept(fresh);
  return answers;
}

/** Never throws: one bad item must not cost the others their custodian. */
function examine(options: CustodyServiceOptions, from: PeerId, item: OfferItem): Keep | OfferAnswer {
  const { manifests } = options;
  try {
    const order = readOrder(item.order);
    const { objectId, owner } = order;
    if (order.network !== options.network || !options.admitsOwner(owner, from)) return 'refused';
    if (item.manifest !== undefined && bytesToHex(options.hash(item.manifest)) !== objectId)
      return 'malformed';
    const manifest =
      item.manifest === undefined
        ? manifests.get(objectId)
        : (manifests.cached(objectId) ?? manifests.add(objectId, item.manifest, owner));
    if (manifest !== undefined && manifest.ownerId !== owner) return 'malformed';
    const told = { objectId, claims: item.claims };
    return {
      order,
      bytes: item.order,
      manifest: item.manifest,
      holders: manifest?.peers,
      claims: credible(options, from, told, order, manifest)?.claims,
    };
  } catch {
    return 'malformed';
  }
}

/** Copies of a manifest: one more than the most that a code may lose. */
const MAX_COPIES = 256;

function isManifestCopy({ stripe, index }: Claim): boolean {
  return stripe === MANIFEST_GROUP && index < MAX_COPIES;
}

/** The claims that this peer may make and that name places of the object; undefined when its word is not taken. */
function credible(
  options: CustodyServiceOptions,
  from: PeerId,
  { objectId, claims }: ClaimsOf,
  order: Pick<Order, 'owner'> | undefined = options.store.mark(objectId),
  manifest: Manifest | undefined = order && options.manifests.get(objectId),
): ClaimsOf | undefined {
  if (order === undefined) return undefined;
  const byOwner = options.ownersOf(from)?.has(order.owner) === true;
  if (!byOwner && !options.near(from, objectId)) return undefined;
  // Where its copies are is what is left to know while the manifest itself is out of reach.
  if (manifest === undefined)
    return byOwner ? { objectId, claims: claims.filter(isManifestCopy).slice(0, MAX_COPIES) } : undefined;
  return {
    objectId,
    claims: claims.filter((claim) => placeExists(claim, manifest.stripeCount, manifest.code)),
  };
}
