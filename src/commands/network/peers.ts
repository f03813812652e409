import type { PeerView } from '../../engine/engine.ts';
import type { Command, OutputRecord } from '../command.ts';
import { PEER_FIELDS } from './fields.ts';

const SORTS = ['name', 'rtt', 'up', 'down', 'shards', 'seen', 'score', 'state'] as const;

export const peersCommand: Command = {
  path: ['peers'],
  synonyms: [['p']],
  group: 'network',
  summary: 'List the peers this node knows, with what was measured of them',
  description: `Everything is this node's own measurement, but for zone, rack, version, shards, free and capacity, which a peer says of
    itself; of a peer that is offline, what it said last, and no RTT. STATE: joining, active, suspect (owes an answer for five seconds), draining, offline, or quarantined (it gave wrong bytes or
    flooded this node: it gets no shards and is asked last, until its reputation has recovered). SCORE is that reputation, 0 to 100, 50 for a
    stranger. A read is hedged when the peer was late (slower than its own 95th percentile) and another was asked beside
    it; overtaken, when the other was first. An open BREAKER means that requests to the peer failed and others are asked first.`,
  args: [],
  options: [
    {
      name: 'detailed',
      short: 'd',
      summary: 'All that is known of each: reputation, breaker, latency, bytes by connection',
    },
    { name: 'sort', short: 's', type: { kind: 'enum', values: SORTS }, summary: 'Order', default: 'name' },
    { name: 'reverse', short: 'r', summary: 'Other way round' },
    { name: 'connected', summary: 'Only those connected now' },
  ],
  examples: [
    { line: 'datamesh peers', note: 'all peers' },
    {
      line: 'datamesh peers --detailed --sort score --connected',
      note: 'all that was measured, the best first',
    },
    { line: 'datamesh peers --json=peerId,state,rttMs', note: 'for a script' },
  ],
  effects: 'reads',
  fields: PEER_FIELDS,
  needs: 'engine',
  shape: 'list',
  columns: [
    { key: 'name', title: 'NAME' },
    { key: 'peerId', title: 'PEER', format: 'id' },
    { key: 'state', title: 'STATE' },
    { key: 'banned', title: 'BANNED', format: 'yesno', priority: 5 },
    { key: 'eligible', title: 'STORES', format: 'yesno', priority: 2 },
    { key: 'direction', title: 'DIR', priority: 5 },
    { key: 'rttMs', title: 'RTT', align: 'right', format: 'duration', priority: 1 },
    { key: 'upBytesPerSecond', title: 'UP', align: 'right', format: 'rate', priority: 4 },
    { key: 'downBytesPerSecond', title: 'DOWN', align: 'right', format: 'rate', priority: 4 },
    { key: 'shards', title: 'SHARDS', align: 'right', priority: 3 },
    { key: 'freeBytes', title: 'FREE', align: 'right', format: 'bytes', priority: 3 },
    { key: 'zone', title: 'ZONE', priority: 6 },
    { key: 'rack', title: 'RACK', priority: 6 },
    { key: 'version', title: 'VERSION', priority: 7 },
    { key: 'lastSeenMs', title: 'SEEN', format: 'time', priority: 7 },
    { key: 'address', title: 'ADDRESS', priority: 8 },
  ],
  otherViews: [
    {
      when: (values) => values.detailed === true,
      blocks: true,
      columns: [
        { key: 'name', title: 'Name' },
        { key: 'peerId', title: 'Peer' },
        { key: 'ownName', title: 'Calls itself' },
        { key: 'state', title: 'State' },
        { key: 'banned', title: 'Banned here', format: 'yesno' },
        { key: 'eligible', title: 'Stores for us', format: 'yesno' },
        { key: 'zone', title: 'Zone' },
        { key: 'rack', title: 'Rack' },
        { key: 'version', title: 'Version' },
        { key: 'address', title: 'Address' },
        { key: 'direction', title: 'Direction' },
        { key: 'rttMs', title: 'Round trip', format: 'duration' },
        { key: 'score', title: 'Score' },
        { key: 'breaker', title: 'Breaker' },
        { key: 'latencyP50Ms', title: 'Shard latency, median', format: 'duration' },
        { key: 'latencyP95Ms', title: 'Shard latency, 95 %', format: 'duration' },
        { key: 'requests', title: 'Requests' },
        { key: 'failures', title: 'Failed' },
        { key: 'readsHedged', title: 'Reads hedged' },
        { key: 'readsOvertaken', title: 'Overtaken' },
        { key: 'upBytesPerSecond', title: 'Sending', format: 'rate' },
        { key: 'downBytesPerSecond', title: 'Receiving', format: 'rate' },
        { key: 'libp2pSentBytes', title: 'Sent over libp2p', format: 'bytes' },
        { key: 'libp2pReceivedBytes', title: 'Received over libp2p', format: 'bytes' },
        { key: 'tlsSentBytes', title: 'Sent over TLS', format: 'bytes' },
        { key: 'tlsReceivedBytes', title: 'Received over TLS', format: 'bytes' },
        { key: 'servedBytes', title: 'Shards moved', format: 'bytes' },
        { key: 'shards', title: 'Shards it holds' },
        { key: 'freeBytes', title: 'Free', format: 'bytes' },
        { key: 'capacityBytes', title: 'Capacity', format: 'bytes' },
        { key: 'lastSeenMs', title: 'Last seen', format: 'time' },
        { key: 'clockSkewMs', title: 'Clock ahead', format: 'duration' },
        { key: 'heardMs', title: 'Last heartbeat', format: 'time' },
      ],
    },
  ],
  async run(context, values) {
    const engine = await context.engine();
    const peers = await engine.peers();
    const shown = values.connected === true ? peers.filter((peer) => peer.direction !== undefined) : peers;
    const sorted = sortPeers(shown, (values.sort as (typeof SORTS)[number] | undefined) ?? 'name');
    if (values.reverse === true) sorted.reverse();
    for (const peer of sorted) context.out.record(peerRecord(peer));
    if (sorted.length === 0) context.out.note("no peer is known; 'datamesh bootstrap ADDRESS' dials one");
  },
};

/** Undefined figures become null, so that every record has every field: a service's answer leaves out what is undefined. */
function peerRecord(peer: PeerView): OutputRecord {
  const { rttHistoryMs: _, planes, score, lateReads, ...rest } = peer;
  return {
    ...EMPTY,
    banned: false,
    ...Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, value ?? null])),
    score: Math.round(score * 10) / 10,
    readsHedged: lateReads.hedged,
    readsOvertaken: lateReads.overtaken,
    libp2pSentBytes: planes.libp2p.sentBytes,
    libp2pReceivedBytes: planes.libp2p.receivedBytes,
    tlsSentBytes: planes.tls.sentBytes,
    tlsReceivedBytes: planes.tls.receivedBytes,
  };
}

/** What a peer may not have, or not yet. */
const EMPTY = {
  name: null,
  nickname: null,
  ownName: null,
  direction: null,
  address: null,
  transport: null,
  zone: null,
  rack: null,
  agent: null,
  version: null,
  role: null,
  rttMs: null,
  shards: null,
  freeBytes: null,
  capacityBytes: null,
  latencyP50Ms: null,
  latencyP95Ms: null,
  connectedAtMs: null,
  lastSeenMs: null,
  heardMs: null,
  clockSkewMs: null,
} satisfies Partial<Record<keyof PeerView, null>>;

function sortPeers(peers: readonly PeerView[], by: (typeof SORTS)[number]): PeerView[] {
  const keyOf: Record<(typeof SORTS)[number], (peer: PeerView) => number | string | undefined> = {
    name: (peer) => peer.name ?? '\uffff',
    rtt: (peer) => peer.rttMs,
    up: (peer) => -peer.upBytesPerSecond,
    down: (peer) => -peer.downBytesPerSecond,
    shards: (peer) => (peer.shards === undefined ? undefined : -peer.shards),
    score: (peer) => -peer.score,
    state: (peer) => peer.state,
    seen: (peer) => (peer.lastSeenMs === undefined ? undefined : -peer.lastSeenMs),
  };
  const compare = (a: number | string | undefined, b: number | string | undefined) =>
    a === b ? 0 : a === undefined ? 1 : b === undefined ? -1 : a < b ? -1 : 1;
  // The id breaks ties, so that rows keep their places from one call to the next.
  return [...peers].sort((a, b) => compare(keyOf[by](a), keyOf[by](b)) || compare(a.peerId, b.peerId));
}
