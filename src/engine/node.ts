/**
 * A running node: everything that lives as long as the process does, opened in order and closed in reverse; the parts are in
 * node/. What it can do for the owner (put, get …) is in calls/, what it shows in node/shown.ts.
 */
import { VERSION } from '../version.ts';
import { localBackend } from './backends/local-backend.ts';
import { serveShards } from './backends/shard-service.ts';
import { certifyDevice } from './keys/certificate.ts';
import { liftingPuts } from './maintenance/collect/collect-holder.ts';
import { Quarantine } from './maintenance/collect/quarantine.ts';
import { ProofMemory } from './maintenance/proof/memory.ts';
import { announcer } from './mesh/announcer.ts';
import { createDiscovery } from './mesh/discovery.ts';
import { keepKnownPeers, loadKnownPeers } from './mesh/known-peers.ts';
import { createMembership } from './mesh/membership.ts';
import { namesOf } from './mesh/nicknames.ts';
import { createPeerHealth } from './mesh/peer-health.ts';
import { NETWORK_PRESETS } from './mesh/presets.ts';
import { spokenBy } from './mesh/protocol-versions.ts';
import { selfInfoIssuer } from './mesh/self-info.ts';
import { serveSpeedTests } from './mesh/speed-test.ts';
import { keepAccess } from './node/access.ts';
import { keepBandwidth } from './node/bandwidth.ts';
import { Closers } from './node/closers.ts';
import { keepCollect } from './node/collect.ts';
import { keepCustody } from './node/custody.ts';
import { keepDrain, openDrainFlag, refusingToFill } from './node/drain.ts';
import { keepHeads } from './node/heads.ts';
import { createHolders } from './node/holders.ts';
import type { Machine } from './node/machine.ts';
import { limitingPuts, openQuotas } from './node/owner-quotas.ts';
import type { Node } from './node/parts.ts';
import { createSites } from './node/sites.ts';
import { watchSpace } from './node/space.ts';
import { lockDataFolder, openStorage } from './node/storage.ts';
import { EventLog } from './observe/events.ts';
import { Jobs } from './observe/jobs.ts';
import { Measures } from './observe/measures.ts';
import { RequestCounter } from './observe/requests.ts';
import { dataPaths, type EngineOptions } from './options.ts';
import { openFolders } from './pools/folders.ts';
import { tellingWhatGoes } from './shardstore/store.ts';
import { FreshManifests } from './transfer/fresh-manifests.ts';
import { createHedging } from './transfer/hedging.ts';
import { RunningPuts } from './transfer/running-puts.ts';
import { ShardCache } from './transfer/shard-cache.ts';
import type { PeerId, ShardId } from './types.ts';

export type { Node } from './node/parts.ts';

/** `on`: the machine it runs on; this one, as it is, unless given. */
export async function startNode(given: EngineOptions, on?: Machine): Promise<Node> {
  // Its own: a reload changes them (live-options.ts).
  const options = { ...given };
  // Loaded here: whoever brings a machine does without libp2p, LMDB and SQLite.
  const machine = on ?? (await import('./node/machine.ts')).realMachine();
  const { clock, random, disk } = machine;
  const paths = dataPaths(options.dataDir);
  const closers = new Closers();
  try {
    await lockDataFolder(options, machine, closers);
    const events = new EventLog(clock);
    if (options.observe?.onEvent !== undefined) events.onEvent(options.observe.onEvent);
    const measures = new Measures();
    closers.add(machine.tolerateStrays((text) => events.add('warn', 'mesh', text)));
    const storage = await openStorage(options, machine, events, closers);
    const { device, keyring, owner, catalog } = storage;
    const quarantine = closers.opened(
      await Quarantine.open({
        disk,
        clock,
        path: paths.quarantine,
        log: (text) => events.add('warn', 'cleanup', text),
      }),
      (value) => value.close(),
    );
    const quotas = await openQuotas(disk, paths.quotas);
    const drainFlag = await openDrainFlag({ disk, clock, path: paths.drain });
    const kept = tellingWhatGoes(storage.store, (id) => withdrawUnlessHeld(id));
    const store = refusingToFill(liftingPuts(limitingPuts(kept, quotas), quarantine), drainFlag);
    const codec = closers.opened(machine.openCodec(), (value) => value.close());
    const space = await watchSpace(options, { clock, disk }, store, closers, (freeBytes) =>
      storage.store.spaceLeft(freeBytes),
    );
    const health = createPeerHealth(clock, random);
    const onNeighbour = (addresses: string[]) => discovery.neighbour(addresses);
    const network = await machine.openNetwork(
      options,
      { clock, random, device, health, events, onNeighbour },
      closers,
    );
    const { net, routing, admission, traffic, bulkPort, caps } = network;
    const applyBandwidth = keepBandwidth(options, clock, caps, closers);

    const nameOf = (peer: PeerId, ownName: string | undefined) => namesOf(options, peer, ownName).name;
    const members = () => membership.members();
    const access = keepAccess({ options, admission, keyring, net, members, events });
    const { admitsOwner } = access;
    const certificates = owner === undefined ? [] : [certifyDevice(owner, device.peerId, clock.now())];
    const requests = new RequestCounter(clock, health);
    const meshLog = (text: string) => events.add('warn', 'mesh', text);
    const remembered = await loadKnownPeers(disk, paths.peers, meshLog);
    const protocols = spokenBy(options.network.newestProtocol);
    const membership = closers.opened(
      createMembership({
        net,
        clock,
        random,
        network: options.network.name,
        protocols,
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
            freeBytes: space.freeBytes(),
            shards: store.usage().shards,
            state: drainFlag.isSet() ? 'draining' : 'active',
          }),
          device.sign,
          protocols,
        ),
        gossip: measures.counted(network.gossip),
        certificates: () => certificates,
        admitsOwner,
        turnsAway: access.turnsAway,
        nameOf,
        quarantined: (peer) => health.quarantined(peer),
        offence: admission.offence,
        forgotten(peer) {
          holders.forget(peer);
          sites.forget(peer);
          requests.forget(peer);
          health.forget(peer);
        },
        log: (level, text) => events.add(level, 'mesh', text),
      }),
      (value) => value.stop(),
    );

    const familiar = [...options.network.bootstrap, ...remembered];
    admission.seatBy((peer) => {
      const { actsFor, knownForMs } = membership.member(peer) ?? { actsFor: new Set<never>(), knownForMs: 0 };
      const isTrusted =
        access.trusts(peer, actsFor) || familiar.some((entry) => entry.includes(`/p2p/${peer}`));
      return isTrusted ? Number.POSITIVE_INFINITY : knownForMs;
    });

    const { announce, withdraw } = announcer(routing, clock, () => membership.members().length + 1);
    const withdrawUnlessHeld = (id: ShardId) => store.has(id) || withdraw(id);
    const attester = { peerId: net.self, sign: device.sign, now: clock.now };
    const own = localBackend(net.self, store, announce, attester);
    const folders = closers.opened(
      await openFolders(
        {
          disk,
          random,
          clock,
          hash: (bytes) => codec.hash(bytes),
          node: net.self,
          reserveFraction: options.storage.reserveFraction,
          announce,
          attester,
          coming: (owner, id) => quarantine.lift(owner, [id]),
          gone: withdrawUnlessHeld,
          log: (level, text) => events.add(level, 'pool', text),
        },
        owner === undefined ? [] : catalog.pools(owner.ownerId).flatMap((pool) => pool.folders),
      ),
      (value) => value.close(),
    );
    const holders = createHolders({ net, clock, own, folders, membership, health, requests });
    const sites = createSites({
      self: net.self,
      own: {
        disk: String((await disk.stat(paths.shards))?.device ?? ''),
        zone: options.network.zone,
        rack: options.network.rack,
      },
      membership,
      admitsOwner,
      isLeaving: drainFlag.isSet,
      offersBytes: options.storage.quotaBytes,
      freeBytes: space.freeBytes,
      clock,
    });
    const ownersOf = (peer: PeerId) => {
      const member = membership.member(peer);
      return member?.introduced === true ? member.actsFor : undefined;
    };
    await serveShards({
      net,
      store,
      elsewhere: folders,
      ownersOf,
      admitsOwner,
      announce,
      attester,
      clock,
    });
    const jobs = new Jobs(clock);
    const proofs = new ProofMemory((holder, verdict) =>
      health.observe(holder, { kind: verdict === 'wrong' ? 'wrong-bytes' : 'failed-audit' }),
    );
    await serveSpeedTests({ net, clock, introduced: (peer) => membership.member(peer)?.introduced === true });
    const discovery = createDiscovery({
      net,
      clock,
      membership,
      bootstrap: options.network.bootstrap,
      mdns: NETWORK_PRESETS[options.network.preset].mdns,
      walk: network.walk,
      nameOf,
    });
    await membership.start();
    closers.add(keepKnownPeers({ disk, path: paths.peers, clock, members, log: meshLog }));

    const freshManifests = new FreshManifests();
    const custody = await keepCustody(
      {
        freshManifests,
        clock,
        random,
        net,
        network: options.network.name,
        store,
        custody: storage.custody,
        quarantine,
        catalog,
        owner,
        codec,
        membership,
        holders,
        sites,
        folders,
        health,
        proofs,
        jobs,
        events,
        measures,
        ownersOf,
        admitsOwner,
      },
      closers,
    );

    const drain = keepDrain(
      {
        flag: drainFlag,
        name: options.name,
        network: options.network.name,
        clock,
        random,
        store,
        codec,
        custody,
        membership,
        holders,
        sites,
        proofs,
        jobs,
        events,
      },
      closers,
    );
    const collect = await keepCollect({ net, clock, store, custody: storage.custody, quarantine, ownersOf });
    const heads = await keepHeads(
      {
        clock,
        disk,
        dir: paths.heads,
        net,
        network: options.network.name,
        peers: custody.peers,
        custody: storage.custody,
        membership,
        events,
        ownersOf,
        admitsOwner,
      },
      closers,
    );

    events.add('info', 'node', `started as ${options.name} (${net.self})`);
    return {
      options,
      clock,
      random,
      disk,
      device,
      owner,
      store,
      quotas,
      catalog,
      codec,
      net,
      membership,
      routing,
      traffic,
      bulkPort,
      events,
      measures,
      syncs: machine.syncs,
      jobs,
      freshManifests,
      runningPuts: new RunningPuts(),
      collect,
      custody,
      heads,
      drain,
      requests,
      health,
      proofs,
      hedging: createHedging(health),
      shardCache: new ShardCache({
        clock,
        maxBytes: options.reads.cacheBytes,
        ttlMs: options.reads.cacheTtlMs,
      }),
      discovery,
      caps,
      applyBandwidth,
      access,
      startedAtMs: clock.now(),
      startedMs: clock.monotonic(),
      space: space.disk,
      folders,
      backend: holders.backend,
      reachable: holders.reachable,
      candidates: sites.candidates,
      siteOf: sites.siteOf,
      close: () => closers.close(),
    };
  } catch (error) {
    await closers.close();
    throw error;
  }
}
