/** Looks for nodes now, by every way there is, and says which way found whom. */
import { asDatameshError } from '../../errors.ts';
import type { Clock } from '../effects/clock.ts';
import type { Net } from '../effects/net.ts';
import type { PeerId } from '../types.ts';
import type { DiscoveryReport, FoundVia } from '../views/mesh.ts';
import { parseBootstrap, peerOfAddress } from './bootstrap-list.ts';
import type { Membership } from './membership.ts';

export interface DiscoveryOptions {
  net: Net;
  clock: Clock;
  membership: Membership;
  bootstrap: readonly string[];
  /** Undefined where mdns is not in use. */
  mdns: boolean;
  /** A walk through the DHT; ends by itself or with the signal. */
  walk(signal: AbortSignal): AsyncIterable<{ peer: PeerId; addresses: string[] }>;
  /** What this node calls a peer that calls itself so; the same when absent. */
  nameOf?(peer: PeerId, ownName: string | undefined): string | undefined;
}

export interface Discovery {
  /** A neighbour announced itself by mdns. */
  neighbour(addresses: readonly string[]): void;
  /** Asks for `durationMs`, then reports. Rejects only with `cancelled`. */
  run(durationMs: number, signal?: AbortSignal): Promise<DiscoveryReport>;
}

/** Connected peers asked for peers, beside the bootstrap nodes. */
const PEERS_ASKED = 5;

export function createDiscovery(options: DiscoveryOptions): Discovery {
  const { net, clock, membership } = options;
  const watchers = new Set<(peer: PeerId) => void>();
  const nameOf = (peer: PeerId) => {
    const ownName = membership.member(peer)?.info?.name;
    return options.nameOf ? options.nameOf(peer, ownName) : ownName;
  };

  return {
    neighbour(addresses) {
      membership.hint(addresses);
      const peer = peerOfAddress(addresses[0] ?? '');
      if (peer !== undefined) for (const watch of watchers) watch(peer);
    },

    async run(durationMs, signal) {
      const before = clock.monotonic();
      const knownBefore = new Set(membership.members().map(({ peerId }) => peerId));
      const found = new Map<PeerId, Set<FoundVia>>();
      const asked: DiscoveryReport['asked'] = [];
      const note = (via: FoundVia, peer: PeerId) => {
        if (peer === net.self) return;
        const ways = found.get(peer) ?? new Set();
        found.set(peer, ways.add(via));
      };
      const ask = async (via: FoundVia, target: string, work: () => Promise<number>) => {
        try {
          asked.push({ via, target, found: await work(), failure: undefined });
        } catch (error) {
          const { message, why } = asDatameshError(error);
          asked.push({ via, target, found: 0, failure: why ?? message });
        }
      };
      const exchange = async (via: FoundVia, peer: PeerId) => {
        note(via, peer);
        const told = await membership.exchange(peer);
        for (const one of told) note(via, one);
        return told.length;
      };

      const stopper = new AbortController();
      const ending = signal === undefined ? stopper.signal : AbortSignal.any([signal, stopper.signal]);
      const neighbours = new Set<PeerId>();
      const watch = (peer: PeerId) => {
        neighbours.add(peer);
        note('mdns', peer);
      };
      watchers.add(watch);
      const work: Promise<void>[] = [];
      for (const { address } of options.bootstrap.map(parseBootstrap)) {
        work.push(
          ask('bootstrap', address, async () =>
            exchange('bootstrap', (await membership.join(address)).peerId),
          ),
        );
      }
      for (const { peerId } of membership
        .members()
        .filter(({ greeted }) => greeted)
        .slice(0, PEERS_ASKED)) {
        work.push(ask('peer', nameOf(peerId) ?? peerId, () => exchange('peer', peerId)));
      }
      work.push(
        ask('dht', 'a walk to a random point', async () => {
          const met = new Set<PeerId>();
          for await (const { peer, addresses } of options.walk(ending)) {
            met.add(peer);
            note('dht', peer);
            if (!membership.member(peer)?.greeted) membership.hint(addresses);
          }
          met.delete(net.self);
          return met.size;
        }),
      );
      try {
        await clock.sleep(durationMs, signal);
        stopper.abort();
        // Each has a time-out of its own, of some seconds: what is not there by now is not waited for.
        await Promise.race([Promise.all(work), clock.sleep(1_000, signal)]);
      } finally {
        stopper.abort();
        watchers.delete(watch);
      }
      if (options.mdns)
        asked.push({ via: 'mdns', target: 'the local network', found: neighbours.size, failure: undefined });
      let heard = 0;
      for (const member of membership.members()) {
        if (member.heard === undefined || member.heard.atMs < before) continue;
        heard++;
        note('gossip', member.peerId);
      }
      asked.push({ via: 'gossip', target: 'heartbeats', found: heard, failure: undefined });
      return {
        durationMs: clock.monotonic() - before,
        asked: [...asked],
        peers: [...found].map(([peerId, via]) => {
          const member = membership.member(peerId);
          return {
            peerId,
            name: nameOf(peerId),
            via: [...via].sort(),
            isNew: !knownBefore.has(peerId),
            state: member?.state,
            rttMs: member?.rttMs,
            address: net.connection(peerId)?.address ?? member?.info?.addresses[0],
          };
        }),
      };
    },
  };
}
