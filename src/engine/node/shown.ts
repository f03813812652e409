/** What a node shows of itself: pure readings of its counters, no figure that was not measured. */
import { VERSION } from '../../version.ts';
import type { BandwidthView, NodeStatus, PeerView, ReadsView, StoreView } from '../engine.ts';
import { clockSkewMs } from '../mesh/clock-skew.ts';
import type { Member } from '../mesh/membership.ts';
import { namesOf } from '../mesh/nicknames.ts';
import type { Node } from '../node.ts';
import type { Sampler } from '../observe/sampler.ts';

export function storeView(node: Node): StoreView {
  const usage = node.store.usage();
  const space = node.space();
  return {
    shards: usage.shards,
    usedBytes: usage.liveBytes,
    quotaBytes: node.options.storage.quotaBytes,
    diskFreeBytes: space.freeBytes,
    reserveBytes: Math.floor(space.totalBytes * node.options.storage.reserveFraction),
  };
}

export function readsView(node: Node): ReadsView {
  const { asked, hedges, won } = node.hedging.counts;
  const { hits, misses, bytes } = node.shardCache;
  return { asked, hedges, hedgesWon: won, cacheHits: hits, cacheMisses: misses, cacheBytes: bytes };
}

export function statusView(node: Node): NodeStatus {
  const { options } = node;
  const members = node.membership.members();
  return {
    name: options.name,
    peerId: node.net.self,
    owner: node.owner?.ownerId,
    role: options.role,
    network: options.network.name,
    zone: options.network.zone,
    rack: options.network.rack,
    version: VERSION,
    pid: process.pid,
    mode: options.mode,
    startedAtMs: node.startedAtMs,
    uptimeMs: Math.round(node.clock.monotonic() - node.startedMs),
    addresses: node.net.addresses(),
    bulkPort: node.bulkPort,
    peersConnected: members.filter((member) => member.greeted).length,
    peersKnown: members.length,
    dataDir: options.dataDir,
    store: storeView(node),
    code: options.code,
    objects: node.owner === undefined ? 0 : node.catalog.totals(node.owner.ownerId).objects,
  };
}

export function peersView(node: Node, sampler: Sampler): PeerView[] {
  const owner = node.owner?.ownerId;
  return node.membership
    .members()
    .map((member) => peerView(node, sampler, member, owner !== undefined && member.admits.has(owner)))
    .sort((a, b) => (a.peerId < b.peerId ? -1 : 1));
}

function peerView(node: Node, sampler: Sampler, member: Member, admits: boolean): PeerView {
  const { info } = member;
  const connection = node.net.connection(member.peerId);
  const counter = node.traffic.peer(member.peerId);
  const samples = sampler.peer(member.peerId);
  const attempts = node.requests.of(member.peerId);
  const latency = node.health.latencyMs(member.peerId);
  return {
    peerId: member.peerId,
    ...namesOf(node.options, member.peerId, info?.name),
    banned: node.access.isBanned(member.peerId),
    direction: connection?.direction,
    address: connection?.address,
    transport: connection?.transport,
    zone: info?.zone || undefined,
    rack: info?.rack || undefined,
    agent: info === undefined ? undefined : `datamesh/${info.version}`,
    version: info?.version,
    role: info?.role,
    state: member.state,
    eligible: member.greeted && member.state === 'active' && admits && (info?.freeBytes ?? 0) > 0,
    rttMs: member.rttMs,
    rttHistoryMs: samples.rtt.view(),
    upBytesPerSecond: samples.up.now,
    downBytesPerSecond: samples.down.now,
    sentBytes: counter.sentBytes,
    receivedBytes: counter.receivedBytes,
    shards: info?.shards,
    freeBytes: info?.freeBytes,
    capacityBytes: info?.capacityBytes,
    requests: attempts.requests,
    failures: attempts.failures,
    score: node.health.score(member.peerId),
    breaker: node.health.breaker(member.peerId),
    latencyP50Ms: latency.p50,
    latencyP95Ms: latency.p95,
    lateReads: node.health.lateReads(member.peerId),
    servedBytes: node.health.servedBytes(member.peerId),
    planes: node.traffic.planes(member.peerId),
    connectedAtMs: connection?.openedAtMs,
    lastSeenMs: member.lastSeenMs,
    clockSkewMs: clockSkewMs(node.clock, member),
    heardMs:
      member.heard === undefined
        ? undefined
        : node.clock.now() - (node.clock.monotonic() - member.heard.atMs),
  };
}

export function bandwidthView(node: Node, sampler: Sampler): BandwidthView {
  return sampler.bandwidth({ up: node.caps?.up.cap, down: node.caps?.down.cap });
}
