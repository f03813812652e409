/** One libp2p node with the options a small private mesh needs. Each departure from a default has its reason beside it. */
import { createHash } from 'node:crypto';
import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import type { GossipSub } from '@libp2p/gossipsub';
import { type Identify, identify } from '@libp2p/identify';
import type {
  ComponentLogger,
  ConnectionGater,
  Libp2p,
  Logger,
  PeerInfo,
  PrivateKey,
  Stream,
} from '@libp2p/interface';
import { type KadDHT, kadDHT, passthroughMapper, removePublicAddressesMapper } from '@libp2p/kad-dht';
import { mdns } from '@libp2p/mdns';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { type Ping, ping } from '@libp2p/ping';
import { tcp } from '@libp2p/tcp';
import { createLibp2p } from 'libp2p';
import { DatameshError } from '../../errors.ts';
import type { Clock } from '../effects/clock.ts';
import type { NetworkOptions } from '../options.ts';
import type { PeerId } from '../types.ts';
import { gossipService } from './gossip.ts';
import { HostDatastore } from './host-datastore.ts';
import {
  DIAL_TIMEOUT_MS,
  INBOUND_CONNECTIONS_PER_SECOND,
  MAX_CONNECTIONS,
  MAX_DHT_STREAMS,
  MAX_HOST_DIALS,
  MAX_INBOUND_STREAMS_IN_ALL,
  MAX_PENDING_INBOUND,
  YAMUX_READ_BUFFER_BYTES,
  YAMUX_WINDOW_BYTES,
} from './limits.ts';
import { noiseCrypto } from './noise-crypto.ts';
import { keepOneConnection } from './one-connection.ts';
import { NETWORK_PRESETS } from './presets.ts';
import { guardStream } from './stream-guard.ts';
import type { TrafficMeter } from './traffic.ts';

export type MeshServices = { dht: KadDHT; identify: Identify; ping: Ping; gossip: GossipSub };
export type Host = Libp2p<MeshServices>;

export interface HostOptions {
  /** The device's Ed25519 seed, 32 bytes. */
  deviceSeed: Uint8Array;
  network: NetworkOptions;
  agent: string;
  traffic: TrafficMeter;
  clock: Clock;
  /** Who may connect or be dialled; everybody when absent. */
  gater?: ConnectionGater | undefined;
  /** A peer sent more on a protocol of the library's own than any honest use needs. */
  onExcess?: ((peer: PeerId, protocol: string) => void) | undefined;
  /** A node of this network said by mdns that it is here. Only with the preset `lan`. */
  onNeighbour?: ((addresses: string[]) => void) | undefined;
}

export function devicePrivateKey(seed: Uint8Array): Promise<PrivateKey> {
  return generateKeyPairFromSeed('Ed25519', seed);
}

/** Starts listening. Throws `port-in-use` when the configured port is taken. */
export async function startHost(options: HostOptions): Promise<Host> {
  const { network } = options;
  const preset = NETWORK_PRESETS[network.preset];
  let started: Host | undefined;
  const exceeded = (stream: Stream) => {
    const of = started?.getConnections().find(({ streams }) => streams.includes(stream));
    if (of !== undefined) options.onExcess?.(of.remotePeer.toString() as PeerId, stream.protocol);
  };
  try {
    const privateKey = await devicePrivateKey(options.deviceSeed);
    const host = await createLibp2p<MeshServices>({
      privateKey,
      nodeInfo: { name: 'datamesh', userAgent: options.agent },
      datastore: new HostDatastore(peerIdFromPrivateKey(privateKey)),
      addresses: { listen: [`/ip4/${preset.listenHost}/tcp/${network.port}`] },
      transports: [tcp()],
      connectionEncrypters: [noise({ crypto: noiseCrypto() })],
      streamMuxers: [
        yamux({
          maxInboundStreams: MAX_INBOUND_STREAMS_IN_ALL,
          streamOptions: {
            maxStreamWindowSize: YAMUX_WINDOW_BYTES,
            maxReadBufferLength: YAMUX_READ_BUFFER_BYTES,
          },
        }),
      ],
      connectionManager: {
        // Who goes when there are more than MAX_CONNECTIONS is for seats.ts to say; libp2p turns away, or ends, the newest, whoever it is.
        maxConnections: MAX_CONNECTIONS + MAX_PENDING_INBOUND + MAX_HOST_DIALS,
        inboundConnectionThreshold: INBOUND_CONNECTIONS_PER_SECOND,
        maxIncomingPendingConnections: MAX_PENDING_INBOUND,
        maxParallelDials: MAX_HOST_DIALS,
        dialTimeout: DIAL_TIMEOUT_MS,
        // Who dials waits no longer either.
        inboundUpgradeTimeout: DIAL_TIMEOUT_MS,
        // Membership re-dials by its own rule (mesh/membership.ts): libp2p gives up after five tries.
        reconnectRetries: 0,
      },
      // A lost heartbeat is noticed by hello; libp2p's own monitor would abort a connection busy with bulk data.
      connectionMonitor: { enabled: false },
      ...(options.gater === undefined ? {} : { connectionGater: options.gater }),
      peerDiscovery: preset.mdns ? [neighbours(network.name, options.onNeighbour)] : [],
      logger: silentLogger(),
      metrics: () =>
        options.traffic.libp2pMetrics((stream) => guardStream(stream, options.clock, () => exceeded(stream))),
      services: {
        identify: identify(),
        ping: ping(),
        gossip: gossipService(network.name),
        dht: kadDHT({
          protocol: `/datamesh/${network.name}/kad/1.0.0`,
          maxInboundStreams: MAX_DHT_STREAMS,
          // Every node of a private mesh serves; the default waits for a public address.
          clientMode: false,
          // Private addresses are the mesh's own; only a mesh over the open internet drops them.
          peerInfoMapper: preset.publicAddresses ? passthroughMapper : removePublicAddressesMapper,
          initialQuerySelfInterval: 1_000,
          allowQueryWithZeroPeers: true,
        }),
      },
    });
    started = host;
    keepOneConnection(host, options.clock);
    host.addEventListener('connection:open', (event) => options.traffic.connectionOpened(event.detail));
    host.addEventListener('connection:close', (event) => options.traffic.connectionClosed(event.detail));
    return host;
  } catch (error) {
    throw hostError(error, network.port);
  }
}

/** mdns with a service name of this network's own: nodes of another network on the same wire are none of our neighbours. */
function neighbours(network: string, found: HostOptions['onNeighbour']) {
  // A DNS label has 63 characters at most, and a network's name may have as many.
  const tag = createHash('sha256').update(network).digest('hex').slice(0, 16);
  const make = mdns({ serviceTag: `_dm-${tag}._udp.local` });
  return (components: Parameters<typeof make>[0]) => {
    const service = make(components);
    service.addEventListener('peer', ({ detail }: CustomEvent<PeerInfo>) =>
      found?.(detail.multiaddrs.map((address) => withPeer(address.toString(), detail.id.toString()))),
    );
    return service;
  };
}

function withPeer(address: string, peer: string): string {
  return address.includes('/p2p/') ? address : `${address}/p2p/${peer}`;
}

function hostError(error: unknown, port: number): unknown {
  const text = error instanceof Error ? `${error.name} ${error.message} ${causeText(error)}` : String(error);
  if (port !== 0 && /EADDRINUSE|UnsupportedListenAddress|failed to listen|could not listen/i.test(text)) {
    return new DatameshError('port-in-use', {
      what: `port ${port} is already in use`,
      why: 'another program, or another datamesh node, listens on it',
      mend: 'stop that program, or choose another port: datamesh config set network.port 0 (0 = any free port)',
      cause: error,
    });
  }
  return error;
}

function causeText(error: Error): string {
  const parts: string[] = [];
  if (error instanceof AggregateError) for (const inner of error.errors) parts.push(String(inner));
  if ('errors' in error && error.errors instanceof Map) {
    for (const inner of error.errors.values()) parts.push(String(inner));
  }
  if (error.cause !== undefined) parts.push(String(error.cause));
  return parts.join(' ');
}

/** libp2p logs through `debug`, which formats even when nothing listens; a mesh node logs its own events instead. */
function silentLogger(): ComponentLogger {
  const make = (): Logger =>
    Object.assign(() => {}, { error: () => {}, trace: () => {}, enabled: false, newScope: make });
  return { forComponent: make };
}
