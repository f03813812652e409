/**
 * Who may connect and how often: the deny list, temporary bans, connections per host and requests per peer. Refused is
 * refused before anything is allocated for it; who keeps on is banned for a while and loses reputation.
 */
import type { ConnectionGater } from '@libp2p/interface';
import { LRUCache } from 'lru-cache';
import { DatameshError } from '../../errors.ts';
import type { Clock } from '../effects/clock.ts';
import type { Net, RequestHandler } from '../effects/net.ts';
import type { PeerId } from '../types.ts';
import { HELLO_PROTOCOL } from './hello.ts';
import {
  BAN_MS,
  HELLO_RATE,
  INBOUND_RATE,
  MAX_KNOWN_PEERS,
  MAX_PENDING_OF_HOST,
  OFFENCE_RATE,
  REQUEST_RATE,
} from './limits.ts';
import { hostOfMultiaddr, Pending } from './pending.ts';
import { Seats, type SeatsOptions } from './seats.ts';
import { TokenBuckets } from './token-bucket.ts';

export interface Admission {
  /** Asked by libp2p at every dial and every connection. */
  readonly gater: ConnectionGater;
  /** On the deny list, or banned just now. */
  refuses(peer: PeerId): boolean;
  /** Takes the place of the deny list. Connections that stand are left alone. */
  deny(list: readonly string[]): void;
  /** How high peers stand, where there is room for some of them only. */
  seatBy(standing: (peer: PeerId) => number): void;
  /** The same `net` with the requests of each peer bounded. */
  limited(net: Net): Net;
  /** A peer did what an honest one does not: too many requests, invalid gossip. Bans it when it does not stop. */
  offence(peer: PeerId, what: string): void;
}

export interface AdmissionOptions {
  clock: Clock;
  /** Peer ids that may neither connect nor be dialled; other entries (owner ids) are not its business. */
  deny: readonly string[];
  /** For each offence: the peer's reputation. */
  onOffence(peer: PeerId): void;
  /** A peer was banned: hang up. */
  onBan(peer: PeerId, what: string): void;
  /** Those who are connected, and how to let one go; absent: there is room for all. */
  seats?: SeatsOptions;
}

export function createAdmission(options: AdmissionOptions): Admission {
  const { clock } = options;
  let denied = new Set<string>(options.deny);
  const bannedUntilMs = new LRUCache<string, number>({ max: MAX_KNOWN_PEERS });
  const hosts = new TokenBuckets(clock, INBOUND_RATE, MAX_KNOWN_PEERS);
  const requests = new TokenBuckets(clock, REQUEST_RATE, MAX_KNOWN_PEERS);
  const hellos = new TokenBuckets(clock, HELLO_RATE, MAX_KNOWN_PEERS);
  const patience = new TokenBuckets(clock, OFFENCE_RATE, MAX_KNOWN_PEERS);

  /** By address and port. */
  const pending = new Pending<string>();
  const seats = options.seats && new Seats(options.seats);

  const refuses = (peer: string) => denied.has(peer) || (bannedUntilMs.get(peer) ?? 0) > clock.monotonic();

  function offence(peer: PeerId, what: string): void {
    options.onOffence(peer);
    if (patience.take(peer)) return;
    bannedUntilMs.set(peer, clock.monotonic() + BAN_MS);
    options.onBan(peer, what);
  }

  return {
    gater: {
      denyDialPeer: (peer) => refuses(peer.toString()),
      denyInboundConnection(connection) {
        const address = connection.remoteAddr.toString();
        const host = hostOfMultiaddr(address);
        if (pending.of(host) >= MAX_PENDING_OF_HOST || !hosts.take(host)) return true;
        pending.add(host, address);
        connection.addEventListener('close', () => pending.remove(host, address), { once: true });
        return false;
      },
      denyInboundUpgradedConnection(_peer, { remoteAddr }) {
        pending.remove(hostOfMultiaddr(remoteAddr.toString()), remoteAddr.toString());
        return false;
      },
      denyInboundEncryptedConnection: (peer) =>
        refuses(peer.toString()) || seats?.make(peer.toString() as PeerId) === false,
      denyOutboundEncryptedConnection(peer) {
        if (refuses(peer.toString())) return true;
        // Whom this node dials it has a reason for.
        seats?.make(peer.toString() as PeerId);
        return false;
      },
    },
    refuses,
    deny(list) {
      denied = new Set(list);
    },
    offence,
    seatBy: (standing) => seats?.by(standing),
    limited: (net) => ({
      ...net,
      handle(protocol, handler, handleOptions) {
        const buckets = protocol === HELLO_PROTOCOL ? hellos : requests;
        const bounded: RequestHandler = (from, request) => {
          if (buckets.take(from)) return handler(from, request);
          offence(from, `too many requests of ${protocol}`);
          // A handler that throws resets the stream: a refusal costs no answer.
          return Promise.reject(new DatameshError('denied', { what: 'too many requests' }));
        };
        return net.handle(protocol, bounded, handleOptions);
      },
    }),
  };
}
