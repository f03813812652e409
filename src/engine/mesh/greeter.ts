/** Both sides of the hello: what a node says of itself, what it believes of another, and whom it turns away. */
import { createHash } from 'node:crypto';
import { asDatameshError, DatameshError } from '../../errors.ts';
import type { Clock } from '../effects/clock.ts';
import { type Net, NO_BYTES } from '../effects/net.ts';
import type { Random } from '../effects/random.ts';
import type { EventLevel } from '../engine.ts';
import { verifyCertificate } from '../keys/certificate.ts';
import type { OwnerId, PeerId } from '../types.ts';
import {
  decodeHelloRequest,
  decodeHelloResponse,
  encodeHelloRequest,
  encodeHelloResponse,
  HELLO_PROTOCOL,
  type HelloRequest,
} from './hello.ts';
import {
  FIRST_HELLO_TIMEOUT_MS,
  GOSSIP_FRESH_MS,
  HELLO_TIMEOUT_MS,
  MAX_EXCHANGED_BYTES,
  MAX_EXCHANGED_PEERS,
  MAX_HELLO_BYTES,
  REDIAL_MAX_MS,
} from './limits.ts';
import type { NodeInfo } from './node-info.ts';
import type { PeerEntry, PeerTable } from './peer-table.ts';
import { commonVersion, noCommonVersion, type Spoken } from './protocol-versions.ts';

export interface GreeterOptions {
  net: Net;
  clock: Clock;
  random: Random;
  network: string;
  /** What this node speaks. */
  protocols: Spoken;
  table: PeerTable;
  selfInfo(fresh: boolean): Uint8Array;
  certificates(): Uint8Array[];
  admitsOwner(owner: OwnerId, peer: PeerId): boolean;
  /** Why this peer, acting for these owners, is turned away; undefined when it is not. */
  turnsAway(peer: PeerId, owners: ReadonlySet<OwnerId>): string | undefined;
  /** The peer gave a sign of life on its connection. */
  seen(entry: PeerEntry): void;
  /** A peer said hello for the first time on this connection. */
  introduced(entry: PeerEntry): void;
  /** A NodeInfo that a peer passed on. */
  learned(entry: PeerEntry): void;
  /** A peer did what an honest one does not. */
  offence?(peer: PeerId, what: string): void;
  log(level: EventLevel, text: string): void;
}

export interface Greeter {
  /**
   * Says hello; one at a time per peer. Resolves with the peers it passed on. Rejects when it is not answered, refused, or
   * answered by somebody else.
   */
  greet(entry: PeerEntry, wantPeers?: boolean): Promise<PeerId[]>;
  answer(from: PeerId, body: Uint8Array): Uint8Array;
}

/** Peers are exchanged at the first hello and then with every tenth: a heartbeat of a large mesh stays small. */
const PEERS_EVERY_BEATS = 10;
/** For a refusal to be read. */
const HANG_UP_AFTER_MS = 500;

export function createGreeter(options: GreeterOptions): Greeter {
  const { net, clock, table } = options;

  function greet(entry: PeerEntry, wantPeers = false): Promise<PeerId[]> {
    entry.greeting ??= sayHello(entry, wantPeers).finally(() => {
      entry.greeting = undefined;
    });
    return entry.greeting;
  }

  async function sayHello(entry: PeerEntry, wantPeers: boolean): Promise<PeerId[]> {
    const body = encodeHelloRequest({
      info: options.selfInfo(false),
      certificates: options.certificates(),
      wantPeers: wantPeers || !entry.greeted || entry.beats++ % PEERS_EVERY_BEATS === 0,
    });
    const before = clock.monotonic();
    entry.unansweredSinceMs ??= before;
    const attempt = (timeoutMs: number) =>
      net.request(
        entry.peerId,
        HELLO_PROTOCOL,
        { header: NO_BYTES, body },
        { timeoutMs, maxBodyBytes: MAX_HELLO_BYTES, urgent: true },
      );
    const answer = entry.greeted
      ? await attempt(HELLO_TIMEOUT_MS)
      : await attempt(FIRST_HELLO_TIMEOUT_MS).catch((error: unknown) => {
          // Of two connections dialled at once one is given up, and what went over it with it.
          if (net.connection(entry.peerId) === undefined) throw error;
          return attempt(HELLO_TIMEOUT_MS - FIRST_HELLO_TIMEOUT_MS);
        });
    const rttMs = clock.monotonic() - before;
    const response = decodeHelloResponse(answer.body);
    if (response.refused !== undefined) {
      options.log('warn', `${entry.peerId.slice(-8)} refused us: ${response.refused}`);
      turnedAway(entry);
      throw new DatameshError('denied', { what: `the peer refused this node: ${response.refused}` });
    }
    if (table.learn(response.info, { by: entry.peerId })?.peerId !== entry.peerId) {
      turnedAway(entry, 0);
      throw new DatameshError('not-authentic', { what: 'the peer answered with the NodeInfo of another' });
    }
    // It has not looked, or is of a time before it could: this side knows.
    if (entry.info !== undefined && commonVersion(options.protocols, entry.info.protocols) === undefined) {
      turnedAway(entry);
      throw new DatameshError('denied', { what: noCommonVersion(options.protocols, entry.info.protocols) });
    }
    entry.rttMs = entry.rttMs === undefined ? rttMs : entry.rttMs * 0.7 + rttMs * 0.3;
    // One that has become longer is believed after some time.
    entry.leastRttMs = Math.min(rttMs, (entry.leastRttMs ?? rttMs) * 1.01);
    entry.admits = new Set(response.admitted);
    entry.greeted = true;
    options.seen(entry);
    return response.peers.map((signed) => learn(entry, signed)).filter((peer) => peer !== undefined);
  }

  /**
   * It will say the same again: no use in dialling soon. Its own hello may be under way, and closing the connection at once would leave it
   * without the answer that says why.
   */
  function turnedAway(entry: PeerEntry, hangUpAfterMs = HANG_UP_AFTER_MS): void {
    Object.assign(entry.redial, { nextMs: clock.monotonic() + REDIAL_MAX_MS, waitMs: REDIAL_MAX_MS });
    hangUpSoon(entry.peerId, hangUpAfterMs);
  }

  /** This connection, and not one that has taken its place by then. */
  function hangUpSoon(peer: PeerId, afterMs: number, still = () => true): void {
    const openedAtMs = net.connection(peer)?.openedAtMs;
    clock.after(afterMs, () => {
      if (net.connection(peer)?.openedAtMs === openedAtMs && still()) void net.hangUp(peer);
    });
  }

  function learn(from: PeerEntry, signed: Uint8Array): PeerId | undefined {
    try {
      const entry = table.learn(signed, { latestSeq: clock.now() + GOSSIP_FRESH_MS });
      if (entry !== undefined) options.learned(entry);
      return entry?.peerId;
    } catch (error) {
      const why = asDatameshError(error).message;
      options.log('debug', `ignored a NodeInfo passed on by ${from.peerId.slice(-8)}: ${why}`);
      return undefined;
    }
  }

  function answer(from: PeerId, body: Uint8Array): Uint8Array {
    const refuse = (refused: string) => {
      const entry = table.find(from);
      if (entry !== undefined) entry.introduced = false;
      // An honest node hangs up by itself once it has read why.
      hangUpSoon(from, HANG_UP_AFTER_MS, () => table.find(from)?.introduced !== true);
      return encodeHelloResponse({ info: NO_BYTES, admitted: [], peers: [], refused });
    };
    let request: HelloRequest;
    let info: NodeInfo;
    try {
      request = decodeHelloRequest(body);
      info = table.verified(request.info);
    } catch (error) {
      return refuse(asDatameshError(error).message);
    }
    if (info.peerId !== from) return refuse('the NodeInfo is another peer’s');
    if (info.network !== options.network)
      return refuse(`this node belongs to the network "${options.network}"`);
    if (commonVersion(options.protocols, info.protocols) === undefined)
      return refuse(noCommonVersion(options.protocols, info.protocols));
    const entry = table.learn(request.info, { by: from }) ?? table.entry(from);
    const certificates = digestOf(request.certificates);
    if (entry.certificates !== certificates) {
      entry.certificates = certificates;
      entry.actsFor = provedOwners(from, request.certificates);
    }
    const denied = options.turnsAway(from, entry.actsFor);
    if (denied !== undefined) {
      entry.actsFor = new Set();
      entry.certificates = undefined;
      return refuse(denied);
    }
    const known = entry.greeted;
    if (!entry.introduced) options.introduced(entry);
    entry.introduced = true;
    options.seen(entry);
    // The other side spoke first: greet it now rather than at the next beat, so that both may ask at once.
    if (!known) void greet(entry).catch(() => {});
    const admitted = [...entry.actsFor].filter((owner) => options.admitsOwner(owner, from));
    return encodeHelloResponse({
      info: options.selfInfo(false),
      admitted,
      peers: request.wantPeers ? peersFor(from) : [],
    });
  }

  function provedOwners(from: PeerId, certificates: readonly Uint8Array[]): Set<OwnerId> {
    const owners = new Set<OwnerId>();
    let bad: string | undefined;
    for (const certificate of certificates) {
      try {
        owners.add(verifyCertificate(certificate, { peerId: from }).ownerId);
      } catch (error) {
        bad ??= asDatameshError(error).message;
      }
    }
    if (bad !== undefined) {
      // Others each time, they would fill the log.
      options.log('warn', `${from.slice(-8)} presented a bad certificate: ${bad}`);
      options.offence?.(from, 'bad certificates');
    }
    return owners;
  }

  /** A sample of peers that are up, so that a newcomer knows the mesh after one hello. */
  function peersFor(asker: PeerId): Uint8Array[] {
    const up = table
      .all()
      .filter((entry) => entry.state === 'active' && entry.peerId !== asker && entry.signed !== undefined);
    for (let i = up.length - 1; i > 0; i--) {
      const j = Math.floor(options.random.fraction() * (i + 1));
      [up[i], up[j]] = [up[j]!, up[i]!];
    }
    const peers: Uint8Array[] = [];
    let bytes = 0;
    for (const { signed } of up) {
      bytes += signed!.length;
      if (peers.length === MAX_EXCHANGED_PEERS || bytes > MAX_EXCHANGED_BYTES) break;
      peers.push(signed!);
    }
    return peers;
  }

  return { greet, answer };
}

function digestOf(certificates: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const bytes of certificates) hash.update(`${bytes.length}\n`).update(bytes);
  return hash.digest('base64');
}
