import { randomBytes } from 'node:crypto';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { realRandom } from '../../../src/engine/effects/random.ts';
import { deviceOfSeed } from '../../../src/engine/keys/device.ts';
import { type Admission, createAdmission } from '../../../src/engine/mesh/admission.ts';
import { gossipOver } from '../../../src/engine/mesh/gossip.ts';
import { type Host, startHost } from '../../../src/engine/mesh/libp2p-host.ts';
import { createLibp2pNet, type Libp2pNet } from '../../../src/engine/mesh/libp2p-net.ts';
import { MAX_CONNECTIONS } from '../../../src/engine/mesh/limits.ts';
import { createMembership, type Membership } from '../../../src/engine/mesh/membership.ts';
import { createPeerHealth, type PeerHealth } from '../../../src/engine/mesh/peer-health.ts';
import { type Spoken, spokenBy } from '../../../src/engine/mesh/protocol-versions.ts';
import { RateLimit } from '../../../src/engine/mesh/rate-limit.ts';
import { selfInfoIssuer } from '../../../src/engine/mesh/self-info.ts';
import { TrafficMeter } from '../../../src/engine/mesh/traffic.ts';
import type { OwnerId, PeerId } from '../../../src/engine/types.ts';

export interface TestPeer {
  host: Host;
  net: Libp2pNet;
  membership: Membership;
  traffic: TrafficMeter;
  admission: Admission;
  health: PeerHealth;
  /** What membership logged. */
  log: string[];
  peerId: PeerId;
  address: string;
  stop(): Promise<void>;
}

export interface TestPeerOptions {
  bootstrap?: string[];
  network?: string;
  protocols?: Spoken;
  certificates?: Uint8Array[];
  admits?: (owner: OwnerId) => boolean;
  port?: number;
  upBytesPerSecond?: number;
  downBytesPerSecond?: number;
  /** Peers, and owners. */
  deny?: string[];
  quarantined?: (peer: PeerId) => boolean;
  /** Of its device; random when absent. */
  seed?: Uint8Array;
  /** Addresses it tells others instead of its own. */
  advertise?: (peer: PeerId) => string[];
  /** Whether it can dial this address; any when absent. */
  reaches?: (address: string) => boolean;
  /** What it says that it offers; 1e9 when absent. */
  capacityBytes?: number;
  /** All there may be when absent. */
  maxConnections?: number;
}

/** A host, its net and its membership on 127.0.0.1, without store or catalog. */
export async function startPeer(name: string, options: TestPeerOptions = {}): Promise<TestPeer> {
  const clock = realClock();
  const device = deviceOfSeed(options.seed ?? randomBytes(32));
  const traffic = new TrafficMeter();
  const network = options.network ?? 'test';
  const health = createPeerHealth(clock, realRandom());
  const log: string[] = [];
  const admission = createAdmission({
    clock,
    deny: options.deny ?? [],
    onOffence: (peer) => health.observe(peer, { kind: 'flood' }),
    onBan: (peer) => void net.hangUp(peer),
    seats: {
      max: options.maxConnections ?? MAX_CONNECTIONS,
      connected: () => net.connected(),
      hangUp: (peer) => void net.hangUp(peer),
    },
  });
  const host = await startHost({
    deviceSeed: device.seed,
    network: {
      name: network,
      preset: 'local',
      port: options.port ?? 0,
      bootstrap: [],
      zone: undefined,
      rack: undefined,
    },
    agent: 'datamesh/test',
    traffic,
    clock,
    gater: {
      ...admission.gater,
      denyDialMultiaddr: (address) => options.reaches?.(address.toString()) === false,
    },
  });
  const net: Libp2pNet = createLibp2pNet(host, clock, {
    up: new RateLimit(clock, options.upBytesPerSecond),
    down: new RateLimit(clock, options.downBytesPerSecond),
  });
  const limited = admission.limited(net);
  const describe = () => ({
    peerId: net.self,
    network,
    name,
    role: 'regular' as const,
    zone: '',
    rack: '',
    version: '0.0.0',
    addresses: options.advertise?.(net.self) ?? net.addresses(),
    capacityBytes: options.capacityBytes ?? 1e9,
    freeBytes: options.capacityBytes ?? 1e9,
    shards: 0,
    state: 'active' as const,
  });
  const protocols = options.protocols ?? spokenBy(undefined);
  const membership = createMembership({
    net: limited,
    clock,
    random: realRandom(),
    network,
    bootstrap: options.bootstrap ?? [],
    gossip: gossipOver(host.services.gossip, network),
    selfInfo: selfInfoIssuer(clock, describe, device.sign, protocols),
    protocols,
    certificates: () => options.certificates ?? [],
    admitsOwner: (owner) => options.admits?.(owner) ?? true,
    turnsAway: (peer, owners) =>
      admission.refuses(peer) || [...owners].some((id) => options.deny?.includes(id)) ? 'refused' : undefined,
    quarantined: (peer) => options.quarantined?.(peer) ?? health.quarantined(peer),
    offence: admission.offence,
    forgotten: () => {},
    log: (level, text) => log.push(`${level} ${text}`),
  });
  admission.seatBy((peer) => membership.member(peer)?.knownForMs ?? 0);
  await membership.start();
  return {
    host,
    net,
    membership,
    traffic,
    admission,
    health,
    log,
    peerId: net.self,
    address: net.addresses()[0]!,
    async stop() {
      membership.stop();
      net.close();
      await host.stop();
    },
  };
}

export async function until(check: () => boolean, timeoutMs = 10_000, what = 'condition'): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!check()) {
    if (Date.now() > end) throw new Error(`${what} did not come true within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
