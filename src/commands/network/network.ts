import type { NodeStatus, PeerView } from '../../engine/engine.ts';
import type { DistributionReport } from '../../engine/views/pools.ts';
import type { Command, Output } from '../command.ts';
import { many } from '../format/units.ts';
import { unansweredText } from './distribution.ts';
import { NETWORK_FIELDS } from './fields.ts';
import { type TopologyRow, topologyOf } from './topology.ts';

const MAX_DEPTH = 3;

export const networkCommand: Command = {
  path: ['network'],
  synonyms: [['topology']],
  group: 'network',
  summary: 'Show the mesh by zone and rack, with states and round trips',
  description: `This node and every peer it knows, in the zone and rack that each says it stands in. A zone or rack line counts its nodes and
    those that answer now, and adds up what these offer. Depth 1 shows zones, 2 racks, 3 nodes. The shards in the drawing are those that the holders just said they have, of current
    versions and the copies of their manifests: the same census as \`datamesh distribution\`.`,
  args: [],
  options: [
    {
      name: 'depth',
      type: { kind: 'integer', min: 1, max: MAX_DEPTH },
      summary: 'Levels to show: 1 zones, 2 racks, 3 nodes',
      default: String(MAX_DEPTH),
    },
    { name: 'visualize', summary: 'Draw it as a tree, with where the shards of your objects lie (a census)' },
  ],
  examples: [
    { line: 'datamesh network --visualize', note: 'the whole mesh as a tree' },
    { line: 'datamesh network --depth 1', note: 'how many nodes each zone has, and how many answer' },
    { line: 'datamesh network --json=kind,zone,rack,name,state', note: 'for a script' },
  ],
  effects: 'reads',
  fields: NETWORK_FIELDS,
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
      columns: [
        { key: 'tree', title: 'NETWORK' },
        { key: 'spread', title: 'SPREAD' },
        { key: 'shards', title: 'SHARDS', align: 'right' },
        { key: 'share', title: 'SHARE', align: 'right', format: 'percent', priority: 1 },
        ...figureColumns(),
      ],
    },
  ],
  async run(context, values) {
    const engine = await context.engine();
    const [status, peers] = await Promise.all([engine.status(), engine.peers()]);
    const depth = (values.depth as number | undefined) ?? MAX_DEPTH;
    const spread =
      values.visualize === true && status.owner !== undefined
        ? await engine.distribution({}, { signal: context.signal })
        : undefined;
    for (const row of topologyOf(nodesOf(status, peers, spread), depth)) {
      if (values.visualize !== true) context.out.record({ ...row });
      else context.out.record({ ...row, share: shareOf(row, spread), spread: spreadBar(row, spread) });
    }
    if (spread !== undefined) tellSpread(context.out, spread, peers.length + 1);
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

/** Cells of the drawing of a share. */
const SPREAD_CELLS = 16;

function shareOf({ shards }: TopologyRow, spread: DistributionReport | undefined): number | null {
  if (spread === undefined || spread.shards === 0 || shards === null) return null;
  return shards / spread.shards;
}

/** On one scale for all rows, so that rows of one level can be compared; any shard at all shows. */
function spreadBar(row: TopologyRow, spread: DistributionReport | undefined): string | null {
  const share = shareOf(row, spread);
  if (share === null) return null;
  const cells = share === 0 ? 0 : Math.max(1, Math.round(share * SPREAD_CELLS));
  return '█'.repeat(cells).padEnd(SPREAD_CELLS, '·');
}

function tellSpread(out: Output, spread: DistributionReport, known: number): void {
  out.note(
    `${spread.shards} shards of ${spread.objects} ${spread.objects === 1 ? 'object' : 'objects'} on ${known} known nodes`,
  );
  if (spread.silent.length > 0) out.warn(unansweredText(spread));
  if (spread.stripesBroken > 0)
    out.warn(
      `${many(spread.stripesBroken, 'stripe')} ${spread.stripesBroken === 1 ? 'breaks the rule of its' : 'break the rule of their'} pool: datamesh distribution`,
    );
}

function nodesOf(
  status: NodeStatus,
  peers: readonly PeerView[],
  spread: DistributionReport | undefined,
): Parameters<typeof topologyOf>[0] {
  const shards = new Map(
    spread?.rows.filter(({ level }) => level === 'node').map((row) => [row.id, row.shards] as const),
  );
  const shardsOf = (peerId: string) => (spread === undefined ? null : (shards.get(peerId) ?? 0));
  const own: Omit<TopologyRow, 'kind' | 'tree' | 'nodes' | 'up'> = {
    zone: status.zone ?? null,
    rack: status.rack ?? null,
    name: status.name,
    peerId: status.peerId,
    state: 'this node',
    rttMs: null,
    freeBytes: Math.max(0, status.store.quotaBytes - status.store.usedBytes),
    capacityBytes: status.store.quotaBytes,
    shards: shardsOf(status.peerId),
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
      shards: shardsOf(peer.peerId),
      isUp: peer.direction !== undefined,
    })),
  ];
}
