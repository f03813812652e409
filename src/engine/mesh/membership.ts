/**
 * Who is in the mesh: knows peers by their signed NodeInfo, greets every connection, keeps a heartbeat, dials what is
 * known and not connected, and tells which peers may take this owner's shards.
 */
import { asDatameshError, DatameshError } from '../../errors.ts';
import type { Clock, Timer } from '../effects/clock.ts';
import { type Net, NO_BYTES } from '../effects/net.ts';
import type { Random } from '../effects/random.ts';
import type { EventLevel, PeerState } from '../engine.ts';
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
  DIAL_TIMEOUT_MS,
  HELLO_INTERVAL_MS,
  HELLO_TIMEOUT_MS,
  MAX_EXCHANGED_PEERS,
  MAX_HELLO_BYTES,
  MAX_PARALLEL_DIALS,
  OFFLINE_AFTER_MS,
  REDIAL_FIRST_MS,
  REDIAL_MAX_MS,
  SUSPECT_AFTER_MS,
} from './limits.ts';
import type { NodeInfo } from './node-info.ts';
import { freshRedial, type PeerEntry, PeerTable, type Redial } from './peer-table.ts';

export interface Member {
  peerId: PeerId;
  info: NodeInfo | undefined;
  state: PeerState;
  /** It answered our hello on this connection: it knows us and serves our requests. */
  greeted: boolean;
  /** Owners of ours that it admits. */
  admits: ReadonlySet<OwnerId>;
  /** Owners it has proved to act for. */
  actsFor: ReadonlySet<OwnerId>;
  rttMs: number | undefined;
  lastSeenMs: number | undefined;
}

export interface MembershipOptions {
  net: Net;
  clock: Clock;
  random: Random;
  network: string;
  /** Multiaddrs dialled until they answer, and again when they are lost. */
  bootstrap: readonly string[];
  /** This node's NodeInfo as it is now, signed. */
  selfInfo(): Uint8Array;
  certificates(): Uint8Array[];
  /** Whether an owner (acting through this peer) may store here. */
  admitsOwner(owner: OwnerId, peer: PeerId): boolean;
  /** A peer is no longer remembered: whoever keeps something per peer drops it. */
  forgotten(peer: PeerId): void;
  log(level: EventLevel, text: string): void;
}

export interface Membership {
  start(): Promise<void>;
  stop(): void;
  members(): Member[];
  member(peer: PeerId): Member | undefined;
  /** Dials a multiaddr, greets the peer and keeps re-dialling the address for this run. */
  join(address: string): Promise<{ peerId: PeerId; rttMs: number }>;
  /** Greets everybody again soon, after this node's info or keys changed. */
  announce(): void;
  onChange(listener: (peer: PeerId, state: PeerState) => void): () => void;
}

const TICK_MS = 250;
/** Peers are exchanged at the first hello and then with every tenth: a heartbeat of a large mesh stays small. */
const PEERS_EVERY_BEATS = 10;

export function createMembership(options: MembershipOptions): Membership {
  const { net, clock, random } = options;
  const table = new PeerTable(net.self, options.network, options.forgotten);
  const seeds = new Map<string, Redial & { peer: PeerId | undefined }>();
  const listeners = new Set<(peer: PeerId, state: PeerState) => void>();
  let timer: Timer | undefined;
  let stopped = false;
  let dials = 0;
  for (const address of options.bootstrap) seeds.set(address, { ...freshRedial(), peer: undefined });

  function setState(entry: PeerEntry, state: PeerState): void {
    if (entry.state === state) return;
    const before = entry.state;
    entry.state = state;
    const name = entry.info?.name ?? entry.peerId.slice(-8);
    if (state === 'active' && before !== 'suspect') options.log('info', `${name} joined`);
    else if (state === 'offline' && before !== 'joining') options.log('warn', `${name} went offline`);
    else if (state === 'suspect') options.log('warn', `${name} does not answer`);
    for (const listener of listeners) listener(entry.peerId, state);
  }

  function seen(entry: PeerEntry): void {
    entry.lastSeenMs = clock.now();
    entry.lastAnswerMs = clock.monotonic();
    if (entry.greeted) setState(entry, entry.info?.state === 'draining' ? 'draining' : 'active');
  }

  async function answerHello(from: PeerId, body: Uint8Array): Promise<Uint8Array> {
    const refuse = (refused: string) =>
      encodeHelloResponse({ info: NO_BYTES, admitted: [], peers: [], refused });
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
    const entry = table.learn(request.info) ?? table.entry(from);
    if (!sameBytes(entry.certificates, request.certificates)) {
      entry.certificates = request.certificates;
      entry.actsFor = provedOwners(from, request.certificates);
    }
    const known = entry.greeted;
    seen(entry);
    // The other side spoke first: greet it now rather than at the next beat, so that both may ask at once.
    if (!known) void greet(entry).catch(() => {});
    const admitted = [...entry.actsFor].filter((owner) => options.admitsOwner(owner, from));
    return encodeHelloResponse({
      info: options.selfInfo(),
      admitted,
      peers: request.wantPeers ? peersFor(from) : [],
    });
  }

  function provedOwners(from: PeerId, certificates: readonly Uint8Array[]): Set<OwnerId> {
    const owners = new Set<OwnerId>();
    for (const certificate of certificates) {
      try {
        owners.add(verifyCertificate(certificate, { peerId: from }).ownerId);
      } catch (error) {
        options.log(
          'warn',
          `${from.slice(-8)} presented a bad certificate: ${asDatameshError(error).message}`,
        );
      }
    }
    return owners;
  }

  /** A sample of peers that are up, so that a newcomer knows the mesh after one hello. */
  function peersFor(asker: PeerId): Uint8Array[] {
    const up = table
      .all()
      .filter((entry) => entry.state === 'active' && entry.peerId !== asker && entry.signed !== undefined);
    for (let i = up.length - 1; i > 0; i--) {
      const j = Math.floor(random.fraction() * (i + 1));
      [up[i], up[j]] = [up[j]!, up[i]!];
    }
    return up.slice(0, MAX_EXCHANGED_PEERS).map((entry) => entry.signed!);
  }

  function greet(entry: PeerEntry): Promise<void> {
    entry.greeting ??= sayHello(entry).finally(() => {
      entry.greeting = undefined;
    });
    return entry.greeting;
  }

  async function sayHello(entry: PeerEntry): Promise<void> {
    entry.nextHelloMs = clock.monotonic() + HELLO_INTERVAL_MS;
    const body = encodeHelloRequest({
      info: options.selfInfo(),
      certificates: options.certificates(),
      wantPeers: !entry.greeted || entry.beats++ % PEERS_EVERY_BEATS === 0,
    });
    const before = clock.monotonic();
    const answer = await net.request(
      entry.peerId,
      HELLO_PROTOCOL,
      { header: NO_BYTES, body },
      {
        timeoutMs: HELLO_TIMEOUT_MS,
        maxBodyBytes: MAX_HELLO_BYTES,
      },
    );
    const rttMs = clock.monotonic() - before;
    const response = decodeHelloResponse(answer.body);
    if (response.refused !== undefined) {
      options.log('warn', `${entry.peerId.slice(-8)} refused us: ${response.refused}`);
      entry.redial = { nextMs: clock.monotonic() + REDIAL_MAX_MS, waitMs: REDIAL_MAX_MS, busy: false };
      await net.hangUp(entry.peerId);
      throw new DatameshError('denied', { what: `the peer refused this node: ${response.refused}` });
    }
    if (table.learn(response.info)?.peerId !== entry.peerId) {
      await net.hangUp(entry.peerId);
      throw new DatameshError('not-authentic', { what: 'the peer answered with the NodeInfo of another' });
    }
    entry.rttMs = entry.rttMs === undefined ? rttMs : entry.rttMs * 0.7 + rttMs * 0.3;
    entry.admits = new Set(response.admitted);
    entry.greeted = true;
    entry.redial = freshRedial();
    seen(entry);
    for (const signed of response.peers) {
      try {
        table.learn(signed);
      } catch (error) {
        options.log(
          'debug',
          `ignored a NodeInfo passed on by ${entry.peerId.slice(-8)}: ${asDatameshError(error).message}`,
        );
      }
    }
  }

  function tick(): void {
    if (stopped) return;
    const now = clock.monotonic();
    const connected = new Set(net.connected());
    for (const peer of connected) {
      const entry = table.entry(peer);
      if (entry.greeted) judge(entry, now);
      if (now >= entry.nextHelloMs) void greet(entry).catch(() => {});
    }
    for (const entry of table.all()) {
      if (connected.has(entry.peerId) || entry.info === undefined || entry.info.addresses.length === 0)
        continue;
      maybeDial(entry.redial, entry.info.addresses, now);
    }
    for (const [address, seed] of seeds) {
      if (seed.peer !== undefined && connected.has(seed.peer)) continue;
      maybeDial(seed, [address], now, (peer) => {
        seed.peer = peer;
      });
    }
    timer = clock.after(TICK_MS, tick);
  }

  function judge(entry: PeerEntry, now: number): void {
    const silentMs = now - entry.lastAnswerMs;
    if (silentMs > OFFLINE_AFTER_MS) {
      setState(entry, 'offline');
      entry.greeted = false;
      void net.hangUp(entry.peerId);
    } else if (silentMs > SUSPECT_AFTER_MS) setState(entry, 'suspect');
  }

  function maybeDial(
    redial: Redial,
    addresses: readonly string[],
    now: number,
    done?: (peer: PeerId) => void,
  ): void {
    if (redial.busy || now < redial.nextMs || dials >= MAX_PARALLEL_DIALS) return;
    redial.busy = true;
    dials++;
    net
      .dial(addresses, DIAL_TIMEOUT_MS)
      .then(
        (peer) => {
          redial.waitMs = REDIAL_FIRST_MS;
          done?.(peer);
        },
        (error: unknown) => {
          options.log('debug', `${asDatameshError(error).message}: ${asDatameshError(error).why ?? ''}`);
          redial.waitMs = Math.min(redial.waitMs * 2, REDIAL_MAX_MS);
        },
      )
      .finally(() => {
        dials--;
        redial.busy = false;
        redial.nextMs = clock.monotonic() + redial.waitMs * (0.5 + random.fraction());
      });
  }

  net.onPeer((event, peer) => {
    if (stopped) return;
    const entry = table.entry(peer);
    if (event === 'connect') {
      if (entry.state === 'offline') setState(entry, 'joining');
      entry.lastAnswerMs = clock.monotonic();
      void greet(entry).catch(() => {}); // the next beat tries again; a peer that never answers goes offline
    } else {
      entry.greeted = false;
      entry.redial = freshRedial();
      setState(entry, 'offline');
    }
  });

  return {
    async start() {
      await net.handle(
        HELLO_PROTOCOL,
        async (from, request) => ({ header: NO_BYTES, body: await answerHello(from, request.body) }),
        { maxBodyBytes: MAX_HELLO_BYTES },
      );
      tick();
    },
    stop() {
      stopped = true;
      timer?.cancel();
    },
    members: () => table.all(),
    member: (peer) => table.find(peer),
    async join(address) {
      const peerId = await net.dial([address], DIAL_TIMEOUT_MS);
      const entry = table.entry(peerId);
      await greet(entry);
      seeds.set(address, { ...freshRedial(), peer: peerId });
      return { peerId, rttMs: entry.rttMs ?? 0 };
    },
    announce() {
      for (const entry of table.all()) entry.nextHelloMs = 0;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function sameBytes(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return a.length === b.length && a.every((bytes, i) => Buffer.compare(bytes, b[i]!) === 0);
}
