import type { NodeStatus, PeerView } from '../../engine/engine.ts';
import type { Command } from '../command.ts';
import { type TopologyRow, topologyOf } from './topology.ts';

const MAX_DEPTH = 3;

export const networkCommand: Command = {
  path: ['network'],
  synonyms: [['topology']],
  group: 'network',
  summary: 'Show the mesh by zone and rack, with states and round trips',
  description: `This node and every peer it knows, in the zone and rack that each says it stands in. A zone or rack line counts its nodes and
    those that answer now, and adds up what these offer. Depth 1 shows zones, 2 racks, 3 nodes.`,
  args: [],
  options: [
    {
      name: 'depth',
      type: { kind: 'integer', min: 1, max: MAX_DEPTH },
      summary: 'Levels to show: 1 zones, 2 racks, 3 nodes',
      default: String(MAX_DEPTH),
    },
    { name: 'visualize', summary: 'Draw it as a tree' },
  ],
  examples: [
    { line: 'datamesh network --visualize', note: 'the whole mesh as a tree' },
    { line: 'datamesh network --depth 1', note: 'how many nodes each zone has, and how many answer' },
    { line: 'datamesh network --json=kind,zone,rack,name,state', note: 'for a script' },
  ],
  effects: 'reads',
  needs: 'engine',
  shape: 'list',
  columns: [
    { key: 'kind', title: 'LEVEL' },
    { key: 'zone', title: 'ZONE' },
    { key: 'rack', title: 'RACK' },
    { key: 'name', title: 'NODE' },
    ...figureColumns(),
  ],
  otherViews: [
    {
      when: (values) => values.visualize === true,
      columns: [{ key: 'tree', title: 'NETWORK' }, ...figureColumns()],
    },
  ],
  async run(context, values) {
    const engine = await context.engine();
    const [status, peers] = await Promise.all([engine.status(), engine.peers()]);
    const depth = (values.depth as number | undefined) ?? MAX_DEPTH;
    for (const row of topologyOf(nodesOf(status, peers), depth)) context.out.record({ ...row });
    context.out.note(
      `network "${status.network}": ${status.peersConnected} of ${status.peersKnown} known peers are connected`,
    );
  },
};

function figureColumns() {
  return [
    { key: 'state', title: 'STATE' },
    { key: 'rttMs', title: 'RTT', align: 'right', format: 'duration', priority: 1 },
    { key: 'nodes', title: 'NODES', align: 'right', priority: 2 },
    { key: 'up', title: 'UP', align: 'right', priority: 2 },
    { key: 'freeBytes', title: 'FREE', align: 'right', format: 'bytes', priority: 3 },
    { key: 'capacityBytes', title: 'CAPACITY', align: 'right', format: 'bytes', priority: 3 },
  ] as const;
}

function nodesOf(status: NodeStatus, peers: readonly PeerView[]): Parameters<typeof topologyOf>[0] {
  const own: Omit<TopologyRow, 'kind' | 'tree' | 'nodes' | 'up'> = {
    zone: status.zone ?? null,
    rack: status.rack ?? null,
    name: status.name,
    peerId: status.peerId,
    state: 'this node',
    rttMs: null,
    freeBytes: Math.max(0, status.store.quotaBytes - status.store.usedBytes),
    capacityBytes: status.store.quotaBytes,
  };
  return [
    { ...own, isUp: true },
    ...peers.map((peer) => ({
      zone: peer.zone ?? null,
      rack: peer.rack ?? null,
      name: peer.name ?? null,
      peerId: peer.peerId,
      state: peer.state,
      rttMs: peer.rttMs ?? null,
      freeBytes: peer.freeBytes ?? null,
      capacityBytes: peer.capacityBytes ?? null,
      isUp: peer.direction !== undefined,
    })),
  ];
}
