/** The wires of a node: the libp2p host, the bulk plane beside it, and what is refused before anybody reads it. */
import { VERSION } from '../../version.ts';
import { type Clock, realClock } from '../effects/clock.ts';
import type { Net } from '../effects/net.ts';
import type { Random } from '../effects/random.ts';
import type { Device } from '../keys/device.ts';
import { type Admission, createAdmission } from '../mesh/admission.ts';
import { openBulkPlane } from '../mesh/bulk/bulk-plane.ts';
import { type ObjectRouting, objectRouting, walkDht } from '../mesh/dht.ts';
import type { DiscoveryOptions } from '../mesh/discovery.ts';
import { type Gossip, gossipOver } from '../mesh/gossip.ts';
import { type Host, startHost } from '../mesh/libp2p-host.ts';
import { createLibp2pNet } from '../mesh/libp2p-net.ts';
import { MAX_CONNECTIONS } from '../mesh/limits.ts';
import type { PeerHealth } from '../mesh/peer-health.ts';
import { NETWORK_PRESETS } from '../mesh/presets.ts';
import { heldBack, spokenBy } from '../mesh/protocol-versions.ts';
import { type Caps, RateLimit } from '../mesh/rate-limit.ts';
import { TrafficMeter } from '../mesh/traffic.ts';
import type { EventLog } from '../observe/events.ts';
import type { EngineOptions } from '../options.ts';
import type { Closers } from './closers.ts';

export interface Network {
  /** Bulk data over TLS where it can be dialled, else over libp2p; limited by admission. */
  net: Net;
  gossip: Gossip;
  routing: ObjectRouting;
  /** A walk through the DHT; ends by itself or with the signal. */
  walk: DiscoveryOptions['walk'];
  admission: Admission;
  traffic: TrafficMeter;
  /** Where the bulk plane listens. */
  bulkPort?: number;
  /** Of all that moves shards; absent where nothing is capped. */
  caps?: Caps;
}

export interface NetworkParts {
  clock: Clock;
  random: Random;
  device: Device;
  health: PeerHealth;
  events: EventLog;
  /** Multiaddrs of a peer that announced itself on the local network. */
  onNeighbour(addresses: string[]): void;
}

/** Throws `port-in-use`. */
export async function openNetwork(
  { network, access, bandwidth }: EngineOptions,
  { clock, random, device, health, events, onNeighbour }: NetworkParts,
  closers: Closers,
): Promise<Network> {
  const traffic = new TrafficMeter();
  const admission = createAdmission({
    clock,
    deny: access.deny,
    onOffence: (peer) => health.observe(peer, { kind: 'flood' }),
    onBan(peer, what) {
      events.add('warn', 'mesh', `${peer.slice(-8)} is refused for a minute: ${what}`);
      void net.hangUp(peer);
    },
    seats: {
      max: MAX_CONNECTIONS,
      connected: () => net.connected(),
      hangUp: (peer) => void net.hangUp(peer),
    },
  });
  const host = closers.opened(
    await startHost({
      deviceSeed: device.seed,
      network,
      agent: `datamesh/${VERSION}`,
      traffic,
      clock,
      gater: admission.gater,
      onExcess: (peer, protocol) => admission.offence(peer, `more than its share of ${protocol}`),
      onNeighbour,
    }),
    stopHost,
  );
  const caps = {
    up: new RateLimit(clock, bandwidth.upBytesPerSecond),
    down: new RateLimit(clock, bandwidth.downBytesPerSecond),
  };
  const libp2pNet = closers.opened(createLibp2pNet(host, clock, caps), (value) => value.close());
  const bulkNet = closers.opened(
    await openBulkPlane({
      net: libp2pNet,
      clock,
      random,
      caps,
      host: NETWORK_PRESETS[network.preset].listenHost,
      // Beside the port that a firewall opens for libp2p, so that one rule covers both.
      port: network.port === 0 ? 0 : network.port + 1,
      count: (peer, direction, bytes) => traffic.add(peer, 'tls', direction, bytes),
      log: (text) => events.add('debug', 'mesh', text),
    }),
    (value) => value.close(),
  );
  const net = heldBack(admission.limited(bulkNet), spokenBy(network.newestProtocol));
  return {
    net,
    gossip: gossipOver(host.services.gossip, network.name),
    routing: objectRouting(host, clock),
    walk: (signal) => walkDht(host, random, signal),
    admission,
    traffic,
    bulkPort: bulkNet.bulkPort,
    caps,
  };
}

/** libp2p's stop can hang on a dead connection: after 3 s the sockets die with the process. */
const STOP_TIMEOUT_MS = 3_000;

async function stopHost(host: Host): Promise<void> {
  const clock = realClock();
  await Promise.race([Promise.resolve(host.stop()).catch(() => {}), clock.sleep(STOP_TIMEOUT_MS)]);
}
