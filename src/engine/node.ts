/**
 * A running node: everything that lives as long as the process does, opened in order and closed in reverse.
 * What it can do for the owner (put, get …) is in objects.ts; what it shows is in views.ts.
 */
import { VERSION } from '../version.ts';
import type { Backend } from './backends/backend.ts';
import { isFolderId } from './backends/folder-marker.ts';
import { localBackend } from './backends/local-backend.ts';
import { peerBackend } from './backends/peer-backend.ts';
import { serveShards } from './backends/shard-service.ts';
import type { Catalog } from './catalog/catalog.ts';
import { openCatalog } from './catalog/sqlite-catalog.ts';
import type { Codec } from './codec/codec.ts';
import { createCodecPool } from './codec/codec-pool.ts';
import { shardIdOfBytes } from './codec/hash.ts';
import { type Clock, realClock } from './effects/clock.ts';
import type { Disk, DiskSpace } from './effects/disk.ts';
import { acquireLock } from './effects/lock.ts';
import type { Net } from './effects/net.ts';
import { type Random, realRandom } from './effects/random.ts';
import { realDisk } from './effects/real-disk.ts';
import { tolerateStrayRejections } from './effects/stray-errors.ts';
import { certifyDevice } from './keys/certificate.ts';
import { type Device, loadOrCreateDevice } from './keys/device.ts';
import { openKeyring } from './keys/keyring.ts';
import type { OwnerKeys } from './keys/keys.ts';
import { createAdmission } from './mesh/admission.ts';
import { announcer } from './mesh/announcer.ts';
import { openBulkPlane } from './mesh/bulk/bulk-plane.ts';
import { type ObjectRouting, objectRouting, walkDht } from './mesh/dht.ts';
import { createDiscovery, type Discovery } from './mesh/discovery.ts';
import { gossipOver } from './mesh/gossip.ts';
import { keepKnownPeers, loadKnownPeers } from './mesh/known-peers.ts';
import { type Host, startHost } from './mesh/libp2p-host.ts';
import { createLibp2pNet } from './mesh/libp2p-net.ts';
import { createMembership, type Membership } from './mesh/membership.ts';
import { createPeerHealth, type PeerHealth } from './mesh/peer-health.ts';
import { peerKeyBytes } from './mesh/peer-key.ts';
import { NETWORK_PRESETS } from './mesh/presets.ts';
import { RateLimit } from './mesh/rate-limit.ts';
import { selfInfoIssuer } from './mesh/self-info.ts';
import { serveSpeedTests } from './mesh/speed-test.ts';
import { TrafficMeter } from './mesh/traffic.ts';
import { EventLog } from './observe/events.ts';
import { Jobs } from './observe/jobs.ts';
import { RequestCounter } from './observe/requests.ts';
import { dataPaths, type EngineOptions } from './options.ts';
import type { Candidate, Site } from './placement/domains.ts';
import { pointOf } from './placement/xor.ts';
import { type Folders, openFolders } from './pools/folders.ts';
import { openShardStore } from './shardstore/segment-store.ts';
import type { ShardStore } from './shardstore/store.ts';
import type { OwnerId, PeerId } from './types.ts';

export interface Node {
  readonly options: EngineOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  readonly device: Device;
  readonly owner: OwnerKeys | undefined;
  readonly store: ShardStore;
  readonly catalog: Catalog;
  /** Folders of this node's pools. */
  readonly folders: Folders;
  readonly codec: Codec;
  readonly net: Net;
  readonly membership: Membership;
  readonly routing: ObjectRouting;
  readonly traffic: TrafficMeter;
  readonly events: EventLog;
  readonly jobs: Jobs;
  readonly requests: RequestCounter;
  /** Breaker, reputation and latency of each peer. */
  readonly health: PeerHealth;
  readonly discovery: Discovery;
  readonly startedAtMs: number;
  /** Free and total bytes under the data folder, as last asked. */
  space(): DiskSpace;
  /** This node, one of its folders or a greeted peer; undefined when it cannot be asked now. */
  backend(peer: PeerId): Backend | undefined;
  /** This node and its folders first, then greeted peers by round-trip time. */
  reachable(): Backend[];
  /** Nodes that take shards of this owner now. */
  candidates(owner: OwnerId): Candidate[];
  /** Where a holder stands; undefined when this node has not heard of it. */
  siteOf(holder: PeerId): Site | undefined;
  close(): Promise<void>;
}

/** Asked again this often: statfs is cheap, but not for every shard. */
const SPACE_EVERY_MS = 2_000;

/** 1 TB in a day and a half, for a few per cent of one core and of a slow disk. */
const SCRUB_BYTES_PER_SECOND = 8 * 1024 * 1024;

export async function startNode(options: EngineOptions): Promise<Node> {
  const clock = realClock();
  const random = realRandom();
  const disk = realDisk();
  const paths = dataPaths(options.dataDir);
  const closers: (() => void | Promise<void>)[] = [];
  const opened = <T>(value: T, close: (value: T) => void | Promise<void>): T => {
    closers.push(() => close(value));
    return value;
  };
  const closeAll = async () => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    await disk.makeDir(options.dataDir, 0o700);
    opened(await acquireLock(disk, paths.lock, clock), (lock) => lock.release());
    const events = new EventLog(clock);
    closers.push(tolerateStrayRejections((text) => events.add('warn', 'mesh', text)));
    const device = await loadOrCreateDevice(disk, paths.device, random);
    const keyring = await openKeyring({ disk, random, clock }, paths.keyring, options.passphrase);
    const owner = keyring.list().length === 0 ? undefined : await keyring.owner();
    const codec = opened(createCodecPool(), (value) => value.close());
    const store = opened(
      await openShardStore({
        dir: paths.shards,
        disk,
        clock,
        idOf: shardIdOfBytes,
        quotaBytes: options.storage.quotaBytes,
        reserveFraction: options.storage.reserveFraction,
        onLost: (id) => events.add('warn', 'store', `shard ${id} is damaged on this disk and counts as lost`),
        onEvent: (level, text) => events.add(level, 'store', text),
      }),
      (value) => value.close(),
    );
    store.startScrub(SCRUB_BYTES_PER_SECOND);
    // SQLite makes its file by the umask; made here first, it and its log are the owner's alone.
    await (await disk.open(paths.catalog, 'update', 0o600)).close();
    const catalog = opened(openCatalog(paths.catalog, clock), (value) => value.close());
    const traffic = new TrafficMeter();
    const health = createPeerHealth(clock, random);
    const admission = createAdmission({
      clock,
      deny: options.access.deny,
      onOffence: (peer) => health.observe(peer, { kind: 'flood' }),
      onBan(peer, what) {
        events.add('warn', 'mesh', `${peer.slice(-8)} is refused for a minute: ${what}`);
        void net.hangUp(peer);
      },
    });
    const host = opened(
      await startHost({
        deviceSeed: device.seed,
        network: options.network,
        agent: `datamesh/${VERSION}`,
        traffic,
        clock,
        gater: admission.gater,
        onNeighbour: (addresses) => discovery.neighbour(addresses),
      }),
      stopHost,
    );
    const caps = {
      up: new RateLimit(clock, options.bandwidth.upBytesPerSecond),
      down: new RateLimit(clock, options.bandwidth.downBytesPerSecond),
    };
    const libp2pNet = opened(createLibp2pNet(host, clock, caps), (value) => value.close());
    const bulkNet = opened(
      await openBulkPlane({
        net: libp2pNet,
        clock,
        random,
        caps,
        host: NETWORK_PRESETS[options.network.preset].listenHost,
        // Beside the port that a firewall opens for libp2p, so that one rule covers both.
        port: options.network.port === 0 ? 0 : options.network.port + 1,
        count: (peer, direction, bytes) => traffic.add(peer, 'tls', direction, bytes),
        log: (text) => events.add('debug', 'mesh', text),
      }),
      (value) => value.close(),
    );
    const net = admission.limited(bulkNet);
    let space = await disk.space(options.dataDir);

    const denied = new Set<string>(options.access.deny);
    const admitsOwner = (id: OwnerId, peer: PeerId) =>
      options.storage.quotaBytes > 0 &&
      !denied.has(id) &&
      (options.access.mode === 'open' ||
        keyring.list().some((key) => key.ownerId === id) ||
        options.access.allow.includes(id) ||
        options.access.allow.includes(peer));
    const freeBytes = () => {
      const reserve = space.totalBytes * options.storage.reserveFraction;
      const quotaLeft = options.storage.quotaBytes - store.usage().liveBytes;
      return Math.max(0, Math.floor(Math.min(quotaLeft, space.freeBytes - reserve)));
    };
    const certificates = owner === undefined ? [] : [certifyDevice(owner, device.peerId, clock.now())];
    const requests = new RequestCounter(clock, health);
    const peers = new Map<PeerId, Backend>();
    const pointsOfPeers = new Map<PeerId, Uint8Array>();
    const meshLog = (text: string) => events.add('warn', 'mesh', text);
    const remembered = await loadKnownPeers(disk, paths.peers, meshLog);
    const membership = opened(
      createMembership({
        net,
        clock,
        random,
        network: options.network.name,
        bootstrap: [...options.network.bootstrap, ...remembered],
        selfInfo: selfInfoIssuer(
          clock,
          () => ({
            peerId: net.self,
            network: options.network.name,
            name: options.name,
            role: options.role,
            zone: options.network.zone ?? '',
            rack: options.network.rack ?? '',
            version: VERSION,
            addresses: net.addresses().slice(0, 16),
            capacityBytes: options.storage.quotaBytes,
            freeBytes: freeBytes(),
            shards: store.usage().shards,
            state: 'active',
          }),
          device.sign,
        ),
        gossip: gossipOver(host.services.gossip, options.network.name),
        certificates: () => certificates,
        admitsOwner,
        turnsAway(peer, owners) {
          if (admission.refuses(peer)) return 'this node refuses that peer';
          return [...owners].some((id) => denied.has(id)) ? 'this node refuses that owner' : undefined;
        },
        quarantined: (peer) => health.quarantined(peer),
        offence: admission.offence,
        forgotten(peer) {
          peers.delete(peer);
          pointsOfPeers.delete(peer);
          requests.forget(peer);
          health.forget(peer);
        },
        log: (level, text) => events.add(level, 'mesh', text),
      }),
      (value) => value.stop(),
    );

    const routing = objectRouting(host, clock);
    const announce = announcer(routing, clock);
    const own = localBackend(net.self, store, announce);
    const folders = opened(
      await openFolders(
        {
          disk,
          random,
          clock,
          hash: (bytes) => codec.hash(bytes),
          node: net.self,
          reserveFraction: options.storage.reserveFraction,
          announce,
          log: (level, text) => events.add(level, 'pool', text),
        },
        owner === undefined ? [] : catalog.pools(owner.ownerId).flatMap((pool) => pool.folders),
      ),
      (value) => value.close(),
    );
    const ownDisk = String((await disk.stat(paths.shards))?.device ?? '');
    const backend = (peer: PeerId): Backend | undefined => {
      if (peer === net.self) return own;
      if (isFolderId(peer)) return folders.backend(peer);
      const member = membership.member(peer);
      if (member === undefined || !member.greeted) return undefined;
      let found = peers.get(peer);
      if (found === undefined) peers.set(peer, (found = requests.counted(peerBackend(net, peer))));
      return found;
    };
    await serveShards({
      net,
      store,
      elsewhere: folders,
      ownersOf(peer) {
        const member = membership.member(peer);
        return member?.introduced === true ? member.actsFor : undefined;
      },
      admitsOwner,
      announce,
    });
    await serveSpeedTests({ net, clock, introduced: (peer) => membership.member(peer)?.introduced === true });
    const discovery = createDiscovery({
      net,
      clock,
      membership,
      bootstrap: options.network.bootstrap,
      mdns: NETWORK_PRESETS[options.network.preset].mdns,
      walk: (signal) => walkDht(host, random, signal),
    });
    await membership.start();
    closers.push(
      keepKnownPeers({ disk, path: paths.peers, clock, members: () => membership.members(), log: meshLog }),
    );

    let spaceTimer = clock.after(SPACE_EVERY_MS, function refresh() {
      disk.space(options.dataDir).then(
        (value) => {
          space = value;
        },
        () => {}, // the folder is gone or unreadable: the store reports that on its own
      );
      spaceTimer = clock.after(SPACE_EVERY_MS, refresh);
    });
    closers.push(() => spaceTimer.cancel());
    const pointOfPeer = (peer: PeerId) => {
      let point = pointsOfPeers.get(peer);
      if (point === undefined) pointsOfPeers.set(peer, (point = pointOf(peerKeyBytes(peer))));
      return point;
    };

    const siteOf = (holder: PeerId): Site | undefined => {
      const { zone, rack } = options.network;
      if (holder === net.self) return { peer: holder, disk: ownDisk, zone, rack };
      const member = membership.member(holder);
      return member && { peer: holder, zone: member.info?.zone, rack: member.info?.rack };
    };

    events.add('info', 'node', `started as ${options.name} (${net.self})`);
    return {
      options,
      clock,
      random,
      disk,
      device,
      owner,
      store,
      catalog,
      codec,
      net,
      membership,
      routing,
      traffic,
      events,
      jobs: new Jobs(clock),
      requests,
      health,
      discovery,
      startedAtMs: clock.now(),
      space: () => space,
      folders,
      backend,
      reachable() {
        const greeted = membership.members().filter((member) => member.greeted);
        // Those in quarantine or behind an open breaker last: they are asked when nobody else is left.
        const last = (peer: PeerId) => (health.mayAsk(peer) ? 0 : 1);
        greeted.sort(
          (a, b) => last(a.peerId) - last(b.peerId) || (a.rttMs ?? Infinity) - (b.rttMs ?? Infinity),
        );
        return [
          own,
          ...folders.all(),
          ...greeted.map((member) => backend(member.peerId)).filter((entry) => entry !== undefined),
        ];
      },
      candidates(id) {
        const found: Candidate[] = membership
          .members()
          .filter((member) => member.greeted && member.state === 'active' && member.admits.has(id))
          .map((member) => ({
            point: pointOfPeer(member.peerId),
            freeBytes: member.info?.freeBytes ?? 0,
            ...(siteOf(member.peerId) ?? { peer: member.peerId }),
          }));
        if (admitsOwner(id, net.self)) {
          found.push({
            peer: net.self,
            ...siteOf(net.self),
            point: pointOfPeer(net.self),
            freeBytes: freeBytes(),
          });
        }
        return found.filter((candidate) => candidate.freeBytes > 0);
      },
      siteOf,
      close: closeAll,
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** libp2p's stop can hang on a dead connection: after 3 s the sockets die with the process. */
const STOP_TIMEOUT_MS = 3_000;

async function stopHost(host: Host): Promise<void> {
  const clock = realClock();
  await Promise.race([Promise.resolve(host.stop()).catch(() => {}), clock.sleep(STOP_TIMEOUT_MS)]);
}
