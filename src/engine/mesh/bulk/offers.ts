/**
 * An offer invites one peer to open one TLS connection: a port, a name for the connection and a key that only the two of them know. It travels
 * over a libp2p stream, which has authenticated both ends; whoever completes the TLS 1.3 handshake with that key (RFC 8446 §2.2,
 * PSK with (EC)DHE) is therefore that peer, and so is whoever answers. docs/FORMATS.md "Bulk offer".
 */
import { DatameshError } from '../../../errors.ts';
import type { Clock } from '../../effects/clock.ts';
import type { Random } from '../../effects/random.ts';
import { bytesToHex, hexToBytes, type PeerId } from '../../types.ts';
import { MAX_OFFER_BYTES, MAX_OFFERS, OFFER_LIFE_MS } from './limits.ts';

export const OFFER_PROTOCOL = '/datamesh/bulk/1';

const IDENTITY_BYTES = 16;
const KEY_BYTES = 32;

export interface Offer {
  /** TCP port on the host that the libp2p connection goes to. */
  port: number;
  /** Hex. The PSK identity. */
  identity: string;
  key: Uint8Array;
}

/** `undefined`: no invitation (nothing listens, or the connection exists already). */
export function encodeOffer(offer: Offer | undefined): Uint8Array {
  const value =
    offer === undefined ? {} : { port: offer.port, identity: offer.identity, key: bytesToHex(offer.key) };
  return Buffer.from(JSON.stringify(value));
}

/** Throws `malformed-data`. */
export function decodeOffer(bytes: Uint8Array): Offer | undefined {
  const fail = () => new DatameshError('malformed-data', { what: 'a bulk offer is malformed' });
  if (bytes.length > MAX_OFFER_BYTES) throw fail();
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    throw fail();
  }
  if (typeof value !== 'object' || value === null) throw fail();
  const { port, identity, key } = value as Record<string, unknown>;
  if (port === undefined) return undefined;
  if (
    !Number.isInteger(port) ||
    (port as number) < 1 ||
    (port as number) > 65_535 ||
    !isHex(identity, IDENTITY_BYTES) ||
    !isHex(key, KEY_BYTES)
  ) {
    throw fail();
  }
  return { port: port as number, identity: identity as string, key: hexToBytes(key as string) };
}

function isHex(value: unknown, bytes: number): boolean {
  return typeof value === 'string' && value.length === 2 * bytes && /^[0-9a-f]+$/.test(value);
}

interface Outstanding {
  peer: PeerId;
  key: Uint8Array;
  untilMs: number;
}

/** Both sides may ask at once: one offer goes with the question, one with the answer to the other's. */
const OFFERS_PER_PEER = 2;

/** Offers made and not yet taken up, each good once and for a short time. */
export class OfferBook {
  private readonly byIdentity = new Map<string, Outstanding>();
  private readonly clock: Clock;
  private readonly random: Random;

  constructor(clock: Clock, random: Random) {
    this.clock = clock;
    this.random = random;
  }

  /** A new offer to the peer; its oldest gives way. Undefined when too many are outstanding. */
  make(peer: PeerId, port: number): Offer | undefined {
    const nowMs = this.clock.monotonic();
    const same: string[] = [];
    for (const [identity, offer] of this.byIdentity) {
      if (offer.untilMs < nowMs) this.byIdentity.delete(identity);
      else if (offer.peer === peer) same.push(identity);
    }
    while (same.length >= OFFERS_PER_PEER) this.byIdentity.delete(same.shift()!);
    if (this.byIdentity.size >= MAX_OFFERS) return undefined;
    const identity = bytesToHex(this.random.bytes(IDENTITY_BYTES));
    const key = this.random.bytes(KEY_BYTES);
    this.byIdentity.set(identity, { peer, key, untilMs: nowMs + OFFER_LIFE_MS });
    return { port, identity, key };
  }

  /** The peer has left: its offers are void, and must not fill the book. */
  forget(peer: PeerId): void {
    for (const [identity, offer] of this.byIdentity)
      if (offer.peer === peer) this.byIdentity.delete(identity);
  }

  /** Whose offer it is; it cannot be used again. */
  redeem(identity: string): { peer: PeerId; key: Uint8Array } | undefined {
    const offer = this.byIdentity.get(identity);
    this.byIdentity.delete(identity);
    return offer === undefined || offer.untilMs < this.clock.monotonic() ? undefined : offer;
  }
}
