/** Nodes as a tree of zones and racks: pure, one row per line. */
import { label } from '../../engine/placement/domains.ts';

export interface TopologyRow {
  kind: 'zone' | 'rack' | 'node';
  /** The line as drawn in a tree. */
  tree: string;
  zone: string | null;
  rack: string | null;
  name: string | null;
  peerId: string | null;
  state: string | null;
  rttMs: number | null;
  /** Nodes on or below this line, and those of them that are connected. */
  nodes: number;
  up: number;
  /** Of a zone or rack: what its connected nodes say in all. */
  freeBytes: number | null;
  capacityBytes: number | null;
  /** Shards of the owner's objects on or below this line; null where nobody was asked. */
  shards: number | null;
}

export type TopologyNode = Omit<TopologyRow, 'kind' | 'tree' | 'nodes' | 'up'> & { isUp: boolean };

const NO_ZONE = '(no zone)';
const NO_RACK = '(no rack)';

/** Rows in drawing order, named places first, to `depth` levels (1 zones, 2 racks, 3 nodes). */
export function topologyOf(nodes: readonly TopologyNode[], depth: number): TopologyRow[] {
  const rows: TopologyRow[] = [];
  for (const [zone, inZone] of grouped(nodes, (node) => node.zone)) {
    rows.push({ ...summed(inZone), kind: 'zone', tree: zone ?? NO_ZONE, zone, rack: null });
    if (depth < 2) continue;
    const racks = grouped(inZone, (node) => node.rack);
    racks.forEach(([rack, inRack], at) => {
      const lastRack = at === racks.length - 1;
      const tree = `${lastRack ? '└─' : '├─'} ${rack ?? NO_RACK}`;
      rows.push({ ...summed(inRack), kind: 'rack', tree, zone, rack });
      if (depth < 3) return;
      const byName = [...inRack].sort((a, b) => order(a.name ?? a.peerId, b.name ?? b.peerId));
      byName.forEach(({ isUp, ...node }, index) => {
        const branch = index === byName.length - 1 ? '└─' : '├─';
        rows.push({
          ...node,
          kind: 'node',
          tree: `${lastRack ? '  ' : '│ '} ${branch} ${node.name ?? node.peerId?.slice(-8) ?? ''}`,
          nodes: 1,
          up: isUp ? 1 : 0,
        });
      });
    });
  }
  return rows;
}

function summed(nodes: readonly TopologyNode[]): Omit<TopologyRow, 'kind' | 'tree' | 'zone' | 'rack'> {
  const up = nodes.filter(({ isUp }) => isUp);
  const rtts = up.flatMap(({ rttMs }) => (rttMs === null ? [] : [rttMs])).sort((a, b) => a - b);
  const sum = (key: 'freeBytes' | 'capacityBytes') => up.reduce((total, node) => total + (node[key] ?? 0), 0);
  return {
    name: null,
    peerId: null,
    state: null,
    // The median of its nodes.
    rttMs: rtts[Math.ceil(rtts.length / 2) - 1] ?? null,
    nodes: nodes.length,
    up: up.length,
    freeBytes: sum('freeBytes'),
    capacityBytes: sum('capacityBytes'),
    // Of all of them: who is away holds nothing that anybody could say, and counts as 0.
    shards: nodes.some(({ shards }) => shards === null)
      ? null
      : nodes.reduce((total, { shards }) => total + (shards ?? 0), 0),
  };
}

/** By what placement takes for one place; named as its first node writes it. */
function grouped(
  nodes: readonly TopologyNode[],
  keyOf: (node: TopologyNode) => string | null,
): [string | null, TopologyNode[]][] {
  const groups = new Map<string, [string | null, TopologyNode[]]>();
  for (const node of nodes) {
    const text = keyOf(node)?.trim() || null;
    const group = groups.get(label(text ?? '')) ?? [text, []];
    group[1].push(node);
    groups.set(label(text ?? ''), group);
  }
  return [...groups.values()].sort(([a], [b]) => order(a, b));
}

function order(a: string | null, b: string | null): number {
  if (a === b) return 0;
  if (a === null) return 1;
  if (b === null) return -1;
  return a < b ? -1 : 1;
}
