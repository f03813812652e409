/**
 * `/datamesh/custody/1`: what custodians and owners tell each other. docs/FORMATS.md "Custody protocol".
 *
 * request  [u8 op] and: known, where, lease, unlease, released: n × [32 object id]   manifest, held: [32 object id]   offer, moved, drop: nothing, items in the body
 *          adopt: [32 object id][u32 stripe][u16 index], the shard in the body
 * answer   [u8 status] and: offer, moved, drop, lease: n × [u8]   known: n × [u8 flags][u32 sequence]   where, manifest, released, held: body   error: [UTF-8 text]
 */
import { DatameshError } from '../../../errors.ts';
import { bytesToHex, hexToBytes, type ObjectId, type PeerId } from '../../types.ts';
import { type Claim, type ClaimsOf, MANIFEST_GROUP } from './custody-store.ts';
import { MAX_ORDER_BYTES } from './order.ts';

export const CUSTODY_PROTOCOL = '/datamesh/custody/1';
/** Ids in one request: 8 KiB, half of what a header may hold. */
export const MAX_CUSTODY_IDS = 256;
/** Items of an offer or a move: an answer has a byte for each, and a receiver checks a signature for each (0.1 ms). */
export const MAX_CUSTODY_ITEMS = 256;
/** Body of an offer, a move or an answer to `where`. A manifest that does not fit is fetched by itself. */
export const MAX_CUSTODY_BYTES = 1024 * 1024;
/** Claims of one object in a message; what moved beyond that is found by asking holders. */
export const MAX_CLAIMS = 16_384;

const ID_BYTES = 32;
const OP = {
  offer: 1,
  known: 2,
  where: 3,
  moved: 4,
  lease: 5,
  manifest: 6,
  adopt: 7,
  drop: 8,
  unlease: 9,
  released: 10,
  held: 11,
} as const;
const CODES = new Map(Object.entries(OP).map(([name, code]) => [code, name as CustodyOp]));
type CustodyOp = keyof typeof OP;

/** A shard's place in an object; MANIFEST_GROUP for a replica of the manifest. */
export interface Place {
  stripe: number;
  index: number;
}

export type CustodyRequest =
  | { op: Exclude<CustodyOp, 'adopt'>; ids: readonly ObjectId[] }
  | { op: 'adopt'; ids: readonly ObjectId[]; place: Place };

const PLACE_BYTES = 6;

export function encodeCustodyRequest(request: CustodyRequest): Uint8Array {
  const parts = [Uint8Array.of(OP[request.op]), ...request.ids.map(hexToBytes)];
  if (request.op === 'adopt') {
    const place = Buffer.alloc(PLACE_BYTES);
    place.writeUInt32BE(request.place.stripe, 0);
    place.writeUInt16BE(request.place.index, 4);
    parts.push(place);
  }
  return Buffer.concat(parts);
}

/** Throws `malformed-data`. */
export function decodeCustodyRequest(header: Uint8Array): CustodyRequest {
  const op = CODES.get(header[0] as (typeof OP)[CustodyOp]);
  const rest = header.length - 1 - (op === 'adopt' ? PLACE_BYTES : 0);
  const count = rest / ID_BYTES;
  if (op === undefined || rest % ID_BYTES !== 0 || count > MAX_CUSTODY_IDS) throw malformed('request');
  const ids = Array.from({ length: count }, (_, i) => idAt(header, 1 + i * ID_BYTES));
  const { least, most } = IDS_OF[op];
  if (count < least || count > most) throw malformed('request');
  if (op !== 'adopt') return { op, ids };
  const place = Buffer.from(header.subarray(1 + rest));
  return { op, ids, place: { stripe: place.readUInt32BE(0), index: place.readUInt16BE(4) } };
}

const NO_IDS = { least: 0, most: 0 };
const ONE_ID = { least: 1, most: 1 };
const SOME_IDS = { least: 1, most: MAX_CUSTODY_IDS };
const IDS_OF: Record<CustodyOp, { least: number; most: number }> = {
  offer: NO_IDS,
  moved: NO_IDS,
  drop: NO_IDS,
  known: SOME_IDS,
  where: SOME_IDS,
  lease: SOME_IDS,
  unlease: SOME_IDS,
  released: SOME_IDS,
  manifest: ONE_ID,
  held: ONE_ID,
  adopt: ONE_ID,
};

export interface OfferItem {
  /** As signed. */
  order: Uint8Array;
  manifest: Uint8Array | undefined;
  claims: readonly Claim[];
}

/** Answers to the items of an offer or a drop. `refused`: this node does not serve that owner; `newer`: it knows of a release. */
export const OFFER_ANSWERS = ['kept', 'refused', 'full', 'newer', 'malformed', 'wants-manifest'] as const;
export type OfferAnswer = (typeof OFFER_ANSWERS)[number];

export interface KnownAnswer {
  /** 0: no order. */
  sequence: number;
  released: boolean;
  manifest: boolean;
}

export function encodeOffer(items: readonly OfferItem[]): Uint8Array {
  const writer = new Writer(items.map(({ claims }) => claims));
  for (const { order, manifest, claims } of items) {
    writer.u16(order.length);
    writer.bytes(order);
    writer.u32(manifest?.length ?? 0);
    writer.bytes(manifest ?? new Uint8Array(0));
    writer.claims(claims);
  }
  return writer.end();
}

/** Throws `malformed-data`. Orders and manifests are views of `body`, unverified. */
export function decodeOffer(body: Uint8Array): OfferItem[] {
  const reader = new Reader(body);
  const items: OfferItem[] = [];
  while (!reader.ended) {
    const orderBytes = reader.u16();
    if (orderBytes > MAX_ORDER_BYTES || items.length === MAX_CUSTODY_ITEMS) throw malformed('offer');
    const order = reader.bytes(orderBytes);
    const manifestBytes = reader.u32();
    const manifest = manifestBytes === 0 ? undefined : reader.bytes(manifestBytes);
    items.push({ order, manifest, claims: reader.claims() });
  }
  return items;
}

/** Of a `moved` request and of an answer to `where`. */
export function encodeClaims(items: readonly ClaimsOf[]): Uint8Array {
  const writer = new Writer(items.map(({ claims }) => claims));
  for (const { objectId, claims } of items) {
    writer.bytes(hexToBytes(objectId));
    writer.claims(claims);
  }
  return writer.end();
}

/** Throws `malformed-data`. */
export function decodeClaims(body: Uint8Array): ClaimsOf[] {
  const reader = new Reader(body);
  const items: ClaimsOf[] = [];
  while (!reader.ended) {
    if (items.length === MAX_CUSTODY_ITEMS) throw malformed('list of claims');
    items.push({ objectId: idAt(reader.bytes(ID_BYTES), 0), claims: reader.claims() });
  }
  return items;
}

const KNOWN_BYTES = 5;
/** Sequences beyond that are told as this one: an owner changes an order a few times. */
const MAX_SEQUENCE = 0xffff_ffff;

export function encodeKnown(answers: readonly KnownAnswer[]): Uint8Array {
  const bytes = Buffer.alloc(answers.length * KNOWN_BYTES);
  answers.forEach(({ sequence, released, manifest }, i) => {
    bytes.writeUInt8((released ? 1 : 0) | (manifest ? 2 : 0), i * KNOWN_BYTES);
    bytes.writeUInt32BE(Math.min(sequence, MAX_SEQUENCE), i * KNOWN_BYTES + 1);
  });
  return bytes;
}

export function decodeKnown(tail: Uint8Array, count: number): KnownAnswer[] {
  if (tail.length !== count * KNOWN_BYTES) throw malformed('answer');
  const bytes = Buffer.from(tail.buffer, tail.byteOffset, tail.byteLength);
  return Array.from({ length: count }, (_, i) => {
    const flags = bytes.readUInt8(i * KNOWN_BYTES);
    if (flags > 3) throw malformed('answer');
    return {
      sequence: bytes.readUInt32BE(i * KNOWN_BYTES + 1),
      released: (flags & 1) !== 0,
      manifest: (flags & 2) !== 0,
    };
  });
}

/** Bytes that an item of an offer or a list of claims takes, table of holders aside. */
export function itemBytes({
  order,
  manifest,
  claims,
}: Partial<OfferItem> & Pick<OfferItem, 'claims'>): number {
  return (order?.length ?? 0) + (manifest?.length ?? 0) + claims.length * CLAIM_BYTES + 64;
}

/** stripe u32 | index u16 | number of the holder in the message's table u16. */
const CLAIM_BYTES = 8;
const MAX_HOLDERS = 4096;
const HOLDER = /^[1-9A-HJ-NP-Za-km-z]{1,64}$/;

/** Messages begin with the table of the holders that their claims name. */
class Writer {
  private readonly parts: Uint8Array[] = [];
  private readonly numbers = new Map<PeerId, number>();

  constructor(lists: readonly (readonly Claim[])[]) {
    for (const { holder } of lists.flat()) {
      if (!this.numbers.has(holder)) this.numbers.set(holder, this.numbers.size);
    }
    if (this.numbers.size > MAX_HOLDERS) throw new RangeError('too many holders for one message');
    this.u16(this.numbers.size);
    for (const holder of this.numbers.keys()) this.bytes(Uint8Array.of(holder.length), Buffer.from(holder));
  }

  u16(value: number): void {
    this.bytes(Uint8Array.of(value >> 8, value & 0xff));
  }

  u32(value: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    this.bytes(bytes);
  }

  bytes(...parts: Uint8Array[]): void {
    this.parts.push(...parts);
  }

  claims(claims: readonly Claim[]): void {
    this.u32(claims.length);
    const bytes = Buffer.alloc(claims.length * CLAIM_BYTES);
    claims.forEach(({ stripe, index, holder }, i) => {
      bytes.writeUInt32BE(stripe, i * CLAIM_BYTES);
      bytes.writeUInt16BE(index, i * CLAIM_BYTES + 4);
      bytes.writeUInt16BE(this.numbers.get(holder)!, i * CLAIM_BYTES + 6);
    });
    this.bytes(bytes);
  }

  end(): Uint8Array {
    return Buffer.concat(this.parts);
  }
}

class Reader {
  private at = 0;
  private readonly body: Buffer;
  private readonly holders: PeerId[] = [];

  constructor(body: Uint8Array) {
    this.body = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    const count = this.u16();
    if (count > MAX_HOLDERS) throw malformed('list of holders');
    for (let i = 0; i < count; i++) {
      const text = Buffer.from(this.bytes(this.bytes(1)[0]!)).toString('latin1');
      if (!HOLDER.test(text)) throw malformed('list of holders');
      this.holders.push(text as PeerId);
    }
  }

  get ended(): boolean {
    return this.at === this.body.length;
  }

  bytes(length: number): Uint8Array {
    if (this.at + length > this.body.length) throw malformed('message');
    return this.body.subarray(this.at, (this.at += length));
  }

  u16(): number {
    const [high, low] = this.bytes(2);
    return (high! << 8) | low!;
  }

  u32(): number {
    return Buffer.from(this.bytes(4)).readUInt32BE();
  }

  claims(): Claim[] {
    const count = this.u32();
    if (count > MAX_CLAIMS) throw malformed('list of claims');
    const bytes = Buffer.from(this.bytes(count * CLAIM_BYTES));
    return Array.from({ length: count }, (_, i) => {
      const holder = this.holders[bytes.readUInt16BE(i * CLAIM_BYTES + 6)];
      if (holder === undefined) throw malformed('list of claims');
      return {
        stripe: bytes.readUInt32BE(i * CLAIM_BYTES),
        index: bytes.readUInt16BE(i * CLAIM_BYTES + 4),
        holder,
      };
    });
  }
}

/** Of the manifest's group or of one of so many stripes. */
export function placeExists(claim: Place, stripeCount: number, code: { k: number; m: number }): boolean {
  if (claim.stripe === MANIFEST_GROUP) return claim.index <= code.m;
  return claim.stripe < stripeCount && claim.index < code.k + code.m;
}

function idAt(bytes: Uint8Array, at: number): ObjectId {
  return bytesToHex(bytes.subarray(at, at + ID_BYTES)) as ObjectId;
}

function malformed(what: string): DatameshError {
  return new DatameshError('malformed-data', { what: `a ${what} of the custody protocol is malformed` });
}
