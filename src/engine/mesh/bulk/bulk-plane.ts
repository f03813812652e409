/**
 * `Net` with a second, faster plane for the protocols that move shards: kept TLS connections beside libp2p, opened on first use by an
 * offer over libp2p (offers.ts). Where the plane cannot be had (an older peer, a firewall), requests go over libp2p as before.
 */
import type { TLSSocket } from 'node:tls';
import { asDatameshError, DatameshError } from '../../../errors.ts';
import { SHARD_PROTOCOL } from '../../backends/shard-protocol.ts';
import type { Clock, Timer } from '../../effects/clock.ts';
import { type Net, type NetMessage, NO_BYTES, type RequestOptions } from '../../effects/net.ts';
import type { Random } from '../../effects/random.ts';
import { CUSTODY_PROTOCOL } from '../../maintenance/custody/custody-protocol.ts';
import type { PeerId } from '../../types.ts';
import { FRAME_TIMEOUT_MS } from '../limits.ts';
import type { Caps } from '../rate-limit.ts';
import { SPEED_PROTOCOL } from '../speed-test.ts';
import { BodyPool } from './body-pool.ts';
import {
  FRAME_CHECK_MS,
  MAX_OFFER_BYTES,
  OFFER_TIMEOUT_MS,
  OPENING_WAIT_MS,
  RETRY_FIRST_MS,
  RETRY_LAST_MS,
} from './limits.ts';
import { Link, type LinkShared, type Service } from './link.ts';
import { decodeOffer, encodeOffer, OFFER_PROTOCOL, type Offer, OfferBook } from './offers.ts';
import { type BulkServer, dialBulk, listenBulk } from './tls-door.ts';

export interface BulkPlaneOptions {
  /** The libp2p plane. */
  net: Net;
  clock: Clock;
  random: Random;
  caps: Caps;
  /** Address to listen on. */
  host: string;
  /** 0 = any free one; a taken one gives way to any free one. */
  port: number;
  /** Bytes of frames that passed. */
  count(peer: PeerId, direction: 'sent' | 'received', bytes: number): void;
  log(text: string): void;
}

export interface BulkPlane extends Net {
  /** Port of the TLS server. */
  readonly bulkPort: number;
  /** Whether requests to the peer take the fast plane now. */
  hasLink(peer: PeerId): boolean;
  close(): void;
}

interface Entry {
  link: Link | undefined;
  opening: Promise<void> | undefined;
  /** One dial at a time, whoever invited. */
  dialling: Promise<void> | undefined;
  retryAtMs: number;
  waitMs: number;
}

/** The plane's number of a protocol: its place in this list. */
const SERVICES = [SHARD_PROTOCOL, SPEED_PROTOCOL, CUSTODY_PROTOCOL];

export async function openBulkPlane(options: BulkPlaneOptions): Promise<BulkPlane> {
  const { net, clock } = options;
  const services = new Map<number, Service>();
  const entries = new Map<PeerId, Entry>();
  const offers = new OfferBook(clock, options.random);
  const shared: LinkShared = {
    clock,
    caps: options.caps,
    pool: new BodyPool(),
    services,
    served: { bytes: 0, peers: 0, waiting: new Set() },
    count: options.count,
  };
  let closed = false;

  const entryOf = (peer: PeerId): Entry => {
    let entry = entries.get(peer);
    if (entry === undefined) {
      entry = {
        link: undefined,
        opening: undefined,
        dialling: undefined,
        retryAtMs: 0,
        waitMs: RETRY_FIRST_MS,
      };
      entries.set(peer, entry);
    }
    return entry;
  };
  const linkOf = (peer: PeerId): Link => {
    const entry = entryOf(peer);
    entry.link ??= new Link(peer, shared, (link, reason) => {
      if (entry.link === link) entry.link = undefined;
      options.log(`bulk plane to ${peer.slice(-8)} closed: ${reason.message}`);
    });
    return entry.link;
  };

  const server: BulkServer = await listenBulk<PeerId>(options.host, options.port, {
    redeem: (identity) => offers.redeem(identity),
    connected(peer, socket: TLSSocket) {
      // A peer that left libp2p has no business here: its identity was proved there.
      if (closed || net.connection(peer) === undefined) socket.destroy();
      else linkOf(peer).addAccepted(socket);
    },
  });

  /** An invitation for the peer, unless it is connected already. */
  const invite = (peer: PeerId): Offer | undefined =>
    entries.get(peer)?.link?.hasAccepted ? undefined : offers.make(peer, server.port);

  function dialOffered(peer: PeerId, offer: Offer | undefined): Promise<void> {
    const entry = entryOf(peer);
    if (entry.link?.hasDialled) return Promise.resolve();
    if (offer !== undefined) {
      entry.dialling ??= dialTo(peer, offer).finally(() => {
        entry.dialling = undefined;
      });
    }
    return entry.dialling ?? Promise.resolve();
  }

  async function dialTo(peer: PeerId, offer: Offer): Promise<void> {
    const connection = net.connection(peer);
    if (connection === undefined) return;
    const { socket, door } = await dialBulk(hostOf(connection.address), offer);
    if (closed || net.connection(peer) === undefined) socket.destroy();
    else linkOf(peer).addDialled(socket, door);
  }

  /** Asks the peer for the plane: both sides invite, both dial. */
  async function open(peer: PeerId): Promise<void> {
    const entry = entryOf(peer);
    try {
      const answer = await net.request(
        peer,
        OFFER_PROTOCOL,
        { header: NO_BYTES, body: encodeOffer(invite(peer)) },
        { timeoutMs: OFFER_TIMEOUT_MS, maxBodyBytes: MAX_OFFER_BYTES },
      );
      await dialOffered(peer, decodeOffer(answer.body));
      if (entry.link?.usable !== true) throw new DatameshError('peer-unreachable', { what: 'no connection' });
      entry.waitMs = RETRY_FIRST_MS;
    } catch (error) {
      entry.retryAtMs = clock.monotonic() + entry.waitMs;
      entry.waitMs = Math.min(2 * entry.waitMs, RETRY_LAST_MS);
      options.log(`no bulk plane to ${peer.slice(-8)}: ${asDatameshError(error).message}`);
    }
  }

  /** The link to the peer, opened if that is quickly done. */
  async function linkTo(peer: PeerId): Promise<Link | undefined> {
    // An entry lives as long as its connection: whoever is asked without one must not leave one behind.
    if (net.connection(peer) === undefined) return undefined;
    const entry = entryOf(peer);
    if (entry.link?.usable) return entry.link;
    if (clock.monotonic() < entry.retryAtMs) return undefined;
    entry.opening ??= open(peer).finally(() => {
      entry.opening = undefined;
    });
    let timer: Timer | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = clock.after(OPENING_WAIT_MS, resolve);
    });
    await Promise.race([entry.opening, patience]);
    timer?.cancel();
    return entry.link?.usable ? entry.link : undefined;
  }

  await net.handle(
    OFFER_PROTOCOL,
    async (from, request) => {
      const offer = decodeOffer(request.body);
      void dialOffered(from, offer).catch((error: unknown) =>
        options.log(`bulk plane from ${from.slice(-8)}: ${asDatameshError(error).message}`),
      );
      return { header: NO_BYTES, body: encodeOffer(invite(from)) };
    },
    { maxBodyBytes: MAX_OFFER_BYTES },
  );
  const stopListening = net.onPeer((event, peer) => {
    if (event === 'connect') return;
    const entry = entries.get(peer);
    entries.delete(peer);
    offers.forget(peer);
    entry?.link?.close(new Error('the peer disconnected'));
  });
  let watch = clock.after(FRAME_CHECK_MS, function check() {
    const nowMs = clock.monotonic();
    for (const { link } of entries.values()) link?.watch(nowMs, FRAME_TIMEOUT_MS);
    watch = clock.after(FRAME_CHECK_MS, check);
  });

  async function request(
    peer: PeerId,
    protocol: string,
    message: NetMessage,
    call: RequestOptions,
  ): Promise<NetMessage> {
    const service = SERVICES.indexOf(protocol);
    if (service < 0) return await net.request(peer, protocol, message, call);
    const ready = entries.get(peer)?.link;
    const link = ready?.usable ? ready : await linkTo(peer);
    if (link === undefined) return await net.request(peer, protocol, message, call);
    try {
      return await link.request(service, message, call);
    } catch (error) {
      // The link broke, the peer may be well: what it serves is idempotent, so ask once more on the other plane.
      const broken = asDatameshError(error).code === 'peer-unreachable';
      if (!broken || call.signal?.aborted || net.connection(peer) === undefined) throw error;
      return await net.request(peer, protocol, message, call);
    }
  }

  return {
    self: net.self,
    bulkPort: server.port,
    hasLink: (peer) => entries.get(peer)?.link?.usable ?? false,
    async handle(protocol, handler, handleOptions) {
      const service = SERVICES.indexOf(protocol);
      if (service >= 0) services.set(service, { handler, ...handleOptions });
      await net.handle(protocol, handler, handleOptions);
    },
    request,
    dial: (addresses, timeoutMs) => net.dial(addresses, timeoutMs),
    hangUp: (peer) => net.hangUp(peer),
    connected: () => net.connected(),
    connection: (peer) => net.connection(peer),
    addresses: () => net.addresses(),
    onPeer: (listener) => net.onPeer(listener),
    close() {
      closed = true;
      watch.cancel();
      stopListening();
      server.close();
      for (const { link } of [...entries.values()]) link?.close(new Error('this node is stopping'));
      entries.clear();
    },
  };
}

/** /ip4/192.0.2.1/tcp/4001 → 192.0.2.1 */
function hostOf(address: string): string {
  const host = /^\/(?:ip4|ip6|dns|dns4|dns6)\/([^/]+)/.exec(address)?.[1];
  if (host !== undefined) return host;
  throw new DatameshError('peer-unreachable', { what: `the peer's address ${address} names no host` });
}
