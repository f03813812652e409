import type { PeerView } from '../../engine/engine.ts';
import type { Command, OutputRecord } from '../command.ts';

const SORTS = ['name', 'rtt', 'up', 'down', 'shards', 'seen'] as const;

export const peersCommand: Command = {
  path: ['peers'],
  synonyms: [['p']],
  group: 'network',
  summary: 'List the peers this node knows, with what was measured of them',
  args: [],
  options: [
    { name: 'sort', short: 's', type: { kind: 'enum', values: SORTS }, summary: 'Order', default: 'name' },
    { name: 'reverse', short: 'r', summary: 'Other way round' },
    { name: 'connected', summary: 'Only those connected now' },
  ],
  examples: [
    { line: 'datamesh peers', note: 'all peers' },
    { line: 'datamesh peers --sort rtt --connected', note: 'the nearest first' },
    { line: 'datamesh peers --json=peerId,state,rttMs', note: 'for a script' },
  ],
  effects: 'reads',
  needs: 'engine',
  shape: 'list',
  columns: [
    { key: 'name', title: 'NAME' },
    { key: 'peerId', title: 'PEER', format: 'id' },
    { key: 'state', title: 'STATE' },
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

/** Undefined figures become null, so that every record has every field. */
function peerRecord(peer: PeerView): OutputRecord {
  const { rttHistoryMs: _, ...rest } = peer;
  return Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, value ?? null]));
}

function sortPeers(peers: readonly PeerView[], by: (typeof SORTS)[number]): PeerView[] {
  const keyOf: Record<(typeof SORTS)[number], (peer: PeerView) => number | string | undefined> = {
    name: (peer) => peer.name ?? '\uffff',
    rtt: (peer) => peer.rttMs,
    up: (peer) => -peer.upBytesPerSecond,
    down: (peer) => -peer.downBytesPerSecond,
    shards: (peer) => (peer.shards === undefined ? undefined : -peer.shards),
    seen: (peer) => (peer.lastSeenMs === undefined ? undefined : -peer.lastSeenMs),
  };
  const compare = (a: number | string | undefined, b: number | string | undefined) =>
    a === b ? 0 : a === undefined ? 1 : b === undefined ? -1 : a < b ? -1 : 1;
  // The id breaks ties, so that rows keep their places from one call to the next.
  return [...peers].sort((a, b) => compare(keyOf[by](a), keyOf[by](b)) || compare(a.peerId, b.peerId));
}
