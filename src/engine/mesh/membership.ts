/**
 * Who is in the mesh: knows peers by their signed NodeInfo (told by themselves in a hello, or by gossip), keeps a connection to
 * each, sees who falls silent, and tells which peers may take this owner's shards.
 */
import type { Clock, Timer } from '../effects/clock.ts';
import { type Net, NO_BYTES } from '../effects/net.ts';
import type { Random } from '../effects/random.ts';
import type { EventLevel, PeerState } from '../engine.ts';
import type { OwnerId, PeerId } from '../types.ts';
import { parseBootstrap, seedsToDial } from './bootstrap-list.ts';
import { createDialer, type DialTarget, freshRedial, type Redial } from './dialer.ts';
import type { Gossip } from './gossip.ts';
import { createGreeter } from './greeter.ts';
import { createHeartbeat, gossipIntervalMs, type Heartbeat } from './heartbeat.ts';
import { HELLO_PROTOCOL } from './hello.ts';
import {
  DIAL_TIMEOUT_MS,
  HELLO_INTERVAL_MS,
  HELLO_MAX_INTERVAL_MS,
  HELLOS_PER_SECOND,
  MAX_HELLO_BYTES,
  OFFLINE_AFTER_MS,
  SUSPECT_AFTER_MS,
} from './limits.ts';
import type { NodeInfo } from './node-info.ts';
import { type PeerEntry, PeerTable } from './peer-table.ts';
import { type Spoken, spokenBy } from './protocol-versions.ts';
import { Twins } from './twins.ts';

export interface Member {
  peerId: PeerId;
  info: NodeInfo | undefined;
  state: PeerState;
  /** It answered our hello on this connection: it knows us and serves our requests. */
  greeted: boolean;
  /** It said hello on this connection, and was not turned away: its requests are served. */
  introduced: boolean;
  /** Owners of ours that it admits. */
  admits: ReadonlySet<OwnerId>;
  /** Owners it has proved to act for. */
  actsFor: ReadonlySet<OwnerId>;
  rttMs: number | undefined;
  /** The shortest of late: the line itself, without queues and busy nodes. */
  leastRttMs: number | undefined;
  /** When it last spoke to us on its own connection. */
  lastSeenMs: number | undefined;
  /** Between the first time it was here and the last, since this node started. */
  knownForMs: number;
  /** Its newest heartbeat by gossip: number and (monotonic) time. */
  heard: { seq: number; atMs: number } | undefined;
}

export interface MembershipOptions {
  net: Net;
  clock: Clock;
  random: Random;
  network: string;
  /** Oldest and newest protocol version it speaks; all that are known when absent. */
  protocols?: Spoken | undefined;
  /** Multiaddrs, each with its priority if it has one (bootstrap-list.ts); dialled until they answer, and again when lost. */
  bootstrap: readonly string[];
  /** Absent: NodeInfos travel by hello alone. */
  gossip?: Gossip | undefined;
  /** This node's NodeInfo, signed: as it is now, or as it was some seconds ago. */
  selfInfo(fresh: boolean): Uint8Array;
  certificates(): Uint8Array[];
  /** Whether an owner (acting through this peer) may store here. */
  admitsOwner(owner: OwnerId, peer: PeerId): boolean;
  /** Why this peer, acting for these owners, is turned away; undefined when it is not. */
  turnsAway?(peer: PeerId, owners: ReadonlySet<OwnerId>): string | undefined;
  /** What this node calls a peer that calls itself so, in its log; the same when absent. */
  nameOf?(peer: PeerId, ownName: string | undefined): string | undefined;
  quarantined?(peer: PeerId): boolean;
  /** A peer passed on what is invalid, or too much. */
  offence?(peer: PeerId, what: string): void;
  /** A peer is no longer remembered: whoever keeps something per peer drops it. */
  forgotten(peer: PeerId): void;
  log(level: EventLevel, text: string): void;
}

export interface Membership {
  start(): Promise<void>;
  stop(): void;
  members(): Member[];
  member(peer: PeerId): Member | undefined;
  /** Whether there is somebody who has neither answered nor failed to be reached: for a moment after the start, or when others pass on newcomers. */
  meeting(): boolean;
  /** Dials a multiaddr, greets the peer and keeps re-dialling the address for this run. */
  join(address: string): Promise<{ peerId: PeerId; rttMs: number }>;
  /** Asks a connected peer for peers now; resolves with those it passed on. */
  exchange(peer: PeerId): Promise<PeerId[]>;
  /** A peer may be at these addresses (mdns, the DHT, an earlier run): dials them when it is not connected. */
  hint(addresses: readonly string[]): void;
  /** Tells everybody soon, after this node's info or keys changed. */
  announce(): void;
  onChange(listener: (peer: PeerId, state: PeerState) => void): () => void;
}

const TICK_MS = 250;
/** A tick this late means that this process stood still (asleep, stopped, starved): that time is not the others' silence. */
const STANDSTILL_MS = 500;
/** Heartbeats missed by gossip before a peer is asked more often. */
const MISSED_BEATS = 3;
/** Whoever learns of a newcomer by gossip waits this long (and up to twice) before dialling: the newcomer is dialling already. */
const COURTESY_MS = 1_000;
/** It has as many to dial as there are nodes: who dials it meanwhile makes a second connection, at 60 ms of processor time for both. */
const COURTESY_PER_NODE_MS = 50;
/** Many newcomers at once are dialled one after another: a stranger may have made them all up. */
const COURTESY_GAP_MS = 100;
/** Of two nodes that learn of each other at one moment the one with the smaller id dials; the other only after this. */
const YIELD_MS = 400;
/** Longest wait between two dials of a bootstrap address while nobody is connected. */
const ALONE_WAIT_MS = 2_000;
/** Addresses that somebody hinted at, dialled once each. */
const MAX_HINTS = 64;

interface Seed extends Redial {
  address: string;
  priority: number;
  peer: PeerId | undefined;
}

export function createMembership(options: MembershipOptions): Membership {
  const { net, clock, random } = options;
  const twins = new Twins(clock);
  const table = new PeerTable(
    net.self,
    options.network,
    options.forgotten,
    (before, { peerId, name, addresses }) => {
      if (twins.noted(peerId, before.addresses, addresses))
        options.log(
          'warn',
          `${shownName(peerId, name)} speaks from two places in turn, ${before.addresses[0]} and ${addresses[0]}: two processes have its identity, as of a copied data folder; end one of them, and set it up anew`,
        );
    },
  );
  const seeds = new Map<string, Seed>();
  const hints = new Map<string, Redial>();
  const listeners = new Set<(peer: PeerId, state: PeerState) => void>();
  let timer: Timer | undefined;
  let lastTickMs = clock.monotonic();
  let courtesyMs = 0;
  let stopped = false;
  for (const entry of options.bootstrap) addSeed(entry);

  const dialer = createDialer({
    net,
    clock,
    random,
    freed: () => dialWanted(),
    log: (text) => options.log('debug', text),
  });
  const greeter = createGreeter({
    ...options,
    protocols: options.protocols ?? spokenBy(undefined),
    table,
    turnsAway: (peer, owners) => options.turnsAway?.(peer, owners),
    seen,
    introduced: (entry) => heartbeat?.introduce(entry),
    learned(entry) {
      if (isNew(entry)) entry.redial.nextMs = clock.monotonic() + (net.self < entry.peerId ? 0 : YIELD_MS);
    },
  });
  const heartbeat: Heartbeat | undefined =
    options.gossip &&
    createHeartbeat({
      clock,
      gossip: options.gossip,
      network: options.network,
      self: net.self,
      table,
      selfInfo: options.selfInfo,
      refuses: (peer) => options.turnsAway?.(peer, new Set()) !== undefined,
      heard(entry) {
        if (isNew(entry)) {
          courtesyMs = Math.max(
            clock.monotonic() +
              (COURTESY_MS + COURTESY_PER_NODE_MS * table.all().length) * (1 + random.fraction()),
            courtesyMs + COURTESY_GAP_MS,
          );
          entry.redial.nextMs = courtesyMs;
        }
        if (entry.greeted && entry.state !== 'suspect') setState(entry, stateOf(entry));
      },
      offence: (peer, what) => options.offence?.(peer, what),
    });

  function addSeed(text: string, peer?: PeerId): void {
    const { address, priority } = parseBootstrap(text);
    seeds.set(address, { ...freshRedial(), address, priority, peer });
  }

  /** Known since just now, and nobody of us has dialled yet. */
  const isNew = (entry: PeerEntry) =>
    entry.state === 'offline' && entry.lastSeenMs === undefined && entry.redial.nextMs === 0;

  function stateOf(entry: PeerEntry): PeerState {
    if (options.quarantined?.(entry.peerId)) return 'quarantined';
    return entry.info?.state === 'draining' ? 'draining' : 'active';
  }

  function shownName(peer: PeerId, ownName: string | undefined): string {
    return (options.nameOf ? options.nameOf(peer, ownName) : ownName) ?? peer.slice(-8);
  }

  function setState(entry: PeerEntry, state: PeerState): void {
    if (entry.state === state) return;
    const before = entry.state;
    entry.state = state;
    // Who is offline answers nobody; what it took before is shown nowhere.
    if (state === 'offline') entry.rttMs = undefined;
    const name = shownName(entry.peerId, entry.info?.name);
    if (state === 'active' && before !== 'suspect') options.log('info', `${name} joined`);
    else if (state === 'offline' && before !== 'joining') options.log('warn', `${name} went offline`);
    else if (state === 'suspect') options.log('warn', `${name} does not answer`);
    else if (state === 'quarantined')
      options.log('warn', `${name} is in quarantine: it gets no shards and is asked last`);
    else if (state === 'draining') options.log('info', `${name} is draining`);
    for (const listener of listeners) listener(entry.peerId, state);
  }

  function seen(entry: PeerEntry): void {
    entry.lastSeenMs = clock.now();
    entry.firstSeenMs ??= clock.monotonic();
    entry.knownForMs = clock.monotonic() - entry.firstSeenMs;
    entry.unansweredSinceMs = undefined;
    if (!entry.greeted) return;
    entry.redial = freshRedial();
    setState(entry, stateOf(entry));
  }

  function greetNow(entry: PeerEntry, intervalMs = HELLO_INTERVAL_MS): void {
    entry.nextHelloMs = clock.monotonic() + intervalMs;
    void greeter.greet(entry).catch(() => {}); // the next beat tries again; a peer that never answers goes offline
  }

  function tick(): void {
    if (stopped) return;
    const now = clock.monotonic();
    const late = now - lastTickMs - TICK_MS;
    lastTickMs = now;
    const connected = net.connected();
    const calmMs = Math.min(
      HELLO_MAX_INTERVAL_MS,
      Math.max(HELLO_INTERVAL_MS, (connected.length * 1000) / HELLOS_PER_SECOND),
    );
    const silentAfterMs = MISSED_BEATS * gossipIntervalMs(table.all().length + 1);
    for (const peer of connected) {
      const entry = table.entry(peer);
      if (late > STANDSTILL_MS && entry.unansweredSinceMs !== undefined) entry.unansweredSinceMs += late;
      judge(entry, now);
      const calm =
        entry.greeted &&
        entry.unansweredSinceMs === undefined &&
        entry.heard !== undefined &&
        now - entry.heard.atMs < silentAfterMs;
      // It fell silent: the long wait that was set while all was well no longer holds.
      if (!calm) entry.nextHelloMs = Math.min(entry.nextHelloMs, now + HELLO_INTERVAL_MS);
      if (now >= entry.nextHelloMs)
        greetNow(entry, calm ? calmMs * (0.9 + 0.2 * random.fraction()) : HELLO_INTERVAL_MS);
    }
    dialWanted();
    timer = clock.after(TICK_MS, tick);
  }

  function judge(entry: PeerEntry, now: number): void {
    // It may have lied just now, or its time in quarantine may be over.
    if (entry.greeted && entry.state !== 'suspect') setState(entry, stateOf(entry));
    const silentMs = entry.unansweredSinceMs === undefined ? 0 : now - entry.unansweredSinceMs;
    if (silentMs > OFFLINE_AFTER_MS) {
      setState(entry, 'offline');
      entry.greeted = false;
      entry.unansweredSinceMs = undefined;
      void net.hangUp(entry.peerId);
    } else if (silentMs > SUSPECT_AFTER_MS && entry.greeted) setState(entry, 'suspect');
  }

  function dialWanted(): void {
    if (!stopped) dialer.work(dialTargets());
  }

  function* dialTargets(): Generator<DialTarget> {
    const connected = new Set(net.connected());
    const all = [...seeds.values()];
    for (const seed of all) {
      if (seed.peer !== undefined && table.find(seed.peer)?.greeted) Object.assign(seed, freshRedial());
      // A node without anybody does not wait its turn: the address may have been busy for a moment.
      if (connected.size === 0) seed.nextMs = Math.min(seed.nextMs, clock.monotonic() + ALONE_WAIT_MS);
    }
    const views = all.map(({ priority, peer, failures }) => ({
      priority,
      connected: peer !== undefined && connected.has(peer),
      failed: failures > 0,
    }));
    for (const index of seedsToDial(views)) {
      const seed = all[index]!;
      yield {
        redial: seed,
        kind: 'seed',
        addresses: [seed.address],
        reached: (peer) => {
          seed.peer = peer;
        },
      };
    }
    for (const { peerId, info, redial } of table.all()) {
      if (connected.has(peerId) || info === undefined || options.turnsAway?.(peerId, new Set()) !== undefined)
        continue;
      // A NodeInfo may name any address: only those that end in its own id are dialled.
      const addresses = info.addresses.filter((address) => address.endsWith(`/p2p/${peerId}`));
      if (addresses.length > 0) yield { redial, kind: 'known', addresses };
    }
    for (const [address, redial] of hints) {
      if (redial.failures > 0) hints.delete(address);
      else yield { redial, kind: 'hint', addresses: [address], reached: () => hints.delete(address) };
    }
  }

  net.onPeer((event, peer) => {
    if (stopped) return;
    const entry = table.entry(peer);
    if (event === 'connect') {
      if (entry.state === 'offline') setState(entry, 'joining');
      greetNow(entry);
    } else {
      entry.greeted = false;
      entry.introduced = false;
      entry.unansweredSinceMs = undefined;
      // It turned us away: not before the time that was set then.
      if (entry.redial.nextMs <= clock.monotonic()) entry.redial = freshRedial();
      setState(entry, 'offline');
    }
  });

  return {
    async start() {
      await net.handle(
        HELLO_PROTOCOL,
        async (from, request) => ({ header: NO_BYTES, body: greeter.answer(from, request.body) }),
        { maxBodyBytes: MAX_HELLO_BYTES, urgent: true },
      );
      heartbeat?.start();
      tick();
    },
    stop() {
      stopped = true;
      timer?.cancel();
      heartbeat?.stop();
    },
    members: () => table.all(),
    member: (peer) => table.find(peer),
    meeting() {
      const all = table.all();
      // Configured addresses of lower priority are not dialled once somebody is there.
      if (!all.some(({ greeted }) => greeted))
        return [...seeds.values()].some(({ failures }) => failures === 0);
      return all.some(
        ({ peerId, greeted, state, info, redial }) =>
          !greeted &&
          (state === 'joining' || (info !== undefined && redial.failures === 0)) &&
          options.turnsAway?.(peerId, new Set()) === undefined,
      );
    },
    async join(text) {
      const { address } = parseBootstrap(text);
      const peerId = await net.dial([address], DIAL_TIMEOUT_MS);
      const entry = table.entry(peerId);
      await greeter.greet(entry);
      addSeed(text, peerId);
      return { peerId, rttMs: entry.rttMs ?? 0 };
    },
    exchange: (peer) => greeter.greet(table.entry(peer), true),
    hint(addresses) {
      for (const address of addresses) {
        if (hints.size >= MAX_HINTS || hints.has(address)) continue;
        hints.set(address, freshRedial());
      }
      dialWanted();
    },
    announce() {
      // Hellos give out what was issued last.
      options.selfInfo(true);
      for (const entry of table.all()) entry.nextHelloMs = 0;
      heartbeat?.soon();
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
