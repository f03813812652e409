/**
 * Custody orders: the owner's signed word about one object, for whoever keeps it while he is away: that it lives and by which rule its shards
 * lie, or that it is released. Needs no secret and travels with anybody. Format: docs/FORMATS.md "Custody orders".
 */
import { DatameshError } from '../../../errors.ts';
import {
  batchSignatureBytes,
  MAX_BATCH_SIGNATURE_BYTES,
  signTogether,
  verifyTogether,
} from '../../keys/batch-signature.ts';
import type { OwnerKeys } from '../../keys/keys.ts';
import { KEY_BYTES, SIGNATURE_BYTES, verifySignature } from '../../keys/raw-keys.ts';
import { DOMAINS, type Domain } from '../../placement/domains.ts';
import { bytesToHex, hexToBytes, type ObjectId, type OwnerId, type PeerId } from '../../types.ts';

export interface Order {
  /** Name of the network it is for. */
  network: string;
  objectId: ObjectId;
  owner: OwnerId;
  /** Failure domain of the pool: the rule that repairs keep. */
  domain: Domain;
  /** Holders that may have its shards; none: all who admit the owner. */
  members: readonly PeerId[];
  /** `released` is final for its object. */
  state: 'live' | 'released';
  /** From 1; of two orders for an object the higher one holds, but nothing comes after a release. */
  sequence: number;
  issuedAtMs: number;
}

/** The magic is part of what is signed, so no other kind of signed message can be passed off as an order. */
const MAGIC = Buffer.from('datamesh-custody-order');
/** 1: a signature of its own, as orders had before; 2: one for many orders, with a path (keys/batch-signature.ts). */
const VERSION = { alone: 1, together: 2 } as const;
const STATES = { 1: 'live', 2: 'released' } as const;
/** Names of networks have up to 63 characters of ASCII. */
const MAX_NETWORK_BYTES = 255;
/** A pool that names its holders names tens of them. */
const MAX_MEMBERS = 256;
/** Peer ids have 52 characters, folder ids 47. */
const MAX_MEMBER_BYTES = 64;
const MEMBER = /^[1-9A-HJ-NP-Za-km-z]+$/;
export const MAX_ORDER_BYTES = 20 * 1024 + MAX_BATCH_SIGNATURE_BYTES;

/** The bytes that travel, of each order by itself. Throws RangeError for what an order cannot hold, and for more than `MAX_SIGNED_TOGETHER`. */
export function signOrders(
  orders: readonly Order[],
  owner: Pick<OwnerKeys, 'ownerId' | 'sign'>,
): Uint8Array[] {
  if (orders.length === 0) return [];
  const bodies = orders.map((order) => bodyOf(order, owner));
  const signatures = signTogether(bodies, owner.sign);
  return bodies.map((body, at) => new Uint8Array(Buffer.concat([body, signatures[at]!])));
}

export function signOrder(order: Order, owner: Pick<OwnerKeys, 'ownerId' | 'sign'>): Uint8Array {
  return signOrders([order], owner)[0]!;
}

function bodyOf(order: Order, owner: Pick<OwnerKeys, 'ownerId'>): Uint8Array {
  const { network, objectId, domain, state, sequence, issuedAtMs } = order;
  const members = [...new Set(order.members)].sort();
  const name = Buffer.from(network);
  if (owner.ownerId !== order.owner) throw new RangeError('an order is signed by the owner it names');
  if (name.length > MAX_NETWORK_BYTES || members.length > MAX_MEMBERS)
    throw new RangeError('an order too long');
  if (!Number.isSafeInteger(sequence) || sequence < 1) throw new RangeError(`sequence ${sequence}`);
  if (members.some((member) => member.length > MAX_MEMBER_BYTES || !MEMBER.test(member)))
    throw new RangeError('an order names what is no holder');
  const numbers = Buffer.alloc(16);
  numbers.writeBigUInt64BE(BigInt(sequence), 0);
  numbers.writeBigUInt64BE(BigInt(Math.max(0, Math.trunc(issuedAtMs))), 8);
  const count = Buffer.alloc(2);
  count.writeUInt16BE(members.length);
  return Buffer.concat([
    MAGIC,
    Uint8Array.of(VERSION.together, state === 'live' ? 1 : 2, DOMAINS.indexOf(domain), name.length),
    name,
    hexToBytes(objectId),
    hexToBytes(order.owner),
    numbers,
    count,
    ...members.flatMap((member) => [Uint8Array.of(member.length), Buffer.from(member)]),
  ]);
}

/**
 * What an order says, its owner's signature verified. There is one encoding of an order. Throws `malformed-data`, `format-too-new`,
 * `not-authentic`.
 */
export function readOrder(bytes: Uint8Array): Order {
  const { order, signedBytes, version } = parseOrder(bytes);
  const verify = version === VERSION.alone ? verifySignature : verifyTogether;
  if (!verify(hexToBytes(order.owner), bytes.subarray(0, signedBytes), bytes.subarray(signedBytes))) {
    throw new DatameshError('not-authentic', { what: 'the signature of a custody order is wrong' });
  }
  return order;
}

/** Of bytes that were verified when they came. */
export function parseOrder(bytes: Uint8Array): { order: Order; signedBytes: number; version: number } {
  if (bytes.length > MAX_ORDER_BYTES) throw malformed(`it has ${bytes.length} bytes`);
  if (bytes.length <= MAGIC.length || !MAGIC.equals(bytes.subarray(0, MAGIC.length)))
    throw malformed('it does not begin like one');
  const version = bytes[MAGIC.length]!;
  if (version > VERSION.together) {
    throw new DatameshError('format-too-new', {
      what: `a custody order of version ${version}`,
      mend: 'update datamesh',
    });
  }
  const reader = new Reader(bytes, MAGIC.length);
  if (reader.u8() < VERSION.alone) throw malformed('its version is 0');
  const state = STATES[reader.u8() as 1 | 2];
  const domain = DOMAINS[reader.u8()];
  if (state === undefined || domain === undefined) throw malformed('state or domain is unknown');
  const network = reader.text(reader.u8());
  const objectId = bytesToHex(reader.take(KEY_BYTES)) as ObjectId;
  const owner = bytesToHex(reader.take(KEY_BYTES)) as OwnerId;
  const sequence = reader.u64();
  const issuedAtMs = reader.u64();
  const count = reader.u16();
  if (sequence < 1 || count > MAX_MEMBERS) throw malformed('a number is out of range');
  const members: PeerId[] = [];
  for (let i = 0; i < count; i++) {
    const member = reader.text(reader.u8());
    if (member.length > MAX_MEMBER_BYTES || !MEMBER.test(member)) throw malformed('a member is no holder');
    if (i > 0 && member <= members[i - 1]!) throw malformed('its members are not in order');
    members.push(member as PeerId);
  }
  const signedBytes = reader.at;
  const rest = bytes.subarray(signedBytes);
  const signatureBytes = version === VERSION.alone ? SIGNATURE_BYTES : batchSignatureBytes(rest);
  if (rest.length !== signatureBytes) throw malformed('its length does not fit');
  const order: Order = { network, objectId, owner, domain, members, state, sequence, issuedAtMs };
  return { order, signedBytes, version };
}

/** Whether `order` takes the place of one with these marks. */
export function replaces(
  order: Pick<Order, 'state' | 'sequence'>,
  known: Pick<Order, 'state' | 'sequence'>,
): boolean {
  if (known.state === 'released') return false;
  return order.state === 'released' || order.sequence > known.sequence;
}

class Reader {
  at: number;
  private readonly bytes: Buffer;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
  }

  take(length: number): Uint8Array {
    if (this.at + length > this.bytes.length) throw malformed('it ends too early');
    return this.bytes.subarray(this.at, (this.at += length));
  }

  u8(): number {
    return this.take(1)[0]!;
  }

  u16(): number {
    return Buffer.from(this.take(2)).readUInt16BE();
  }

  u64(): number {
    const value = Buffer.from(this.take(8)).readBigUInt64BE();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed('a number is out of range');
    return Number(value);
  }

  text(length: number): string {
    const raw = this.take(length);
    const text = Buffer.from(raw).toString('utf8');
    // Bytes that are no UTF-8 would read as another text than was signed.
    if (Buffer.compare(Buffer.from(text), raw) !== 0) throw malformed('a text is no UTF-8');
    return text;
  }
}

function malformed(why: string): DatameshError {
  return new DatameshError('malformed-data', { what: 'the custody order is malformed', why });
}
