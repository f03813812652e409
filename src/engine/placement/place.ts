/**
 * Where the shards of one stripe go: each to the XOR-closest node that holds none of the stripe yet. Pure.
 * The rule that keeps a promise honest: never two shards of a stripe on one node, unless the caller allowed a
 * degraded placement, and then what it survives is computed, not assumed.
 */
import { DatameshError } from '../../errors.ts';
import type { CodeProfile, PeerId, ShardId } from '../types.ts';
import { byDistance, type Placed, pointOfShard } from './xor.ts';

export interface Candidate extends Placed {
  /** Bytes the node still offers; 0 = takes nothing. */
  freeBytes: number;
}

/** Shards that must be durable on distinct nodes before a put may succeed: k + ceil(m/2), all of them for m = 0. */
export function writeQuorum(code: CodeProfile): number {
  return code.k + Math.ceil(code.m / 2);
}

/**
 * Plans one stripe. With at least k+m candidates every shard gets a node of its own. With fewer, shards without a
 * node of their own are left out (`undefined` target) unless `shareNodes`, which then spreads them evenly.
 */
export function planStripe(
  ids: readonly ShardId[],
  shardBytes: number,
  candidates: readonly Candidate[],
  shareNodes: boolean,
): { targets: (PeerId | undefined)[]; spares: PeerId[] } {
  const room = candidates.filter((candidate) => candidate.freeBytes >= shardBytes);
  const used = new Map<PeerId, number>();
  const targets = ids.map((id) => {
    const order = byDistance(pointOfShard(id), room);
    const least = Math.min(...order.map((candidate) => used.get(candidate.peer) ?? 0));
    const target = order.find((candidate) => (used.get(candidate.peer) ?? 0) === least);
    if (target === undefined || (least > 0 && !shareNodes)) return undefined;
    used.set(target.peer, least + 1);
    return target.peer;
  });
  const spares = room.map((candidate) => candidate.peer).filter((peer) => !used.has(peer));
  return { targets, spares };
}

/**
 * How many nodes may fail, whichever they are, before a stripe has fewer than k shards.
 * @param shardsPerNode live shards of the stripe on each node
 */
export function survivableNodeLosses(code: CodeProfile, shardsPerNode: Iterable<number>): number {
  const counts = [...shardsPerNode].sort((a, b) => b - a);
  let live = counts.reduce((sum, count) => sum + count, 0);
  let losses = 0;
  for (const count of counts) {
    live -= count;
    if (live < code.k) break;
    losses++;
  }
  return losses;
}

/** Refuses before a byte is sent when the mesh cannot keep the promise of the profile, with the arithmetic. */
export function requireNodes(code: CodeProfile, nodes: number, allowDegraded: boolean): void {
  const wanted = code.k + code.m;
  const quorum = writeQuorum(code);
  if (nodes === 0) {
    throw new DatameshError('no-peers', {
      what: 'no node of this mesh can take a shard',
      why: 'this node offers no storage (or is full), and no connected peer admits your owner key',
      mend: 'check `datamesh peers`; connect one with `datamesh bootstrap MULTIADDR`, or start nodes with the same owner or open access',
    });
  }
  if (nodes >= quorum || allowDegraded) return;
  throw new DatameshError('too-few-nodes', {
    what: `${code.k}+${code.m} needs ${wanted} nodes and this mesh has ${nodes} that can take a shard`,
    why: `at least ${quorum} (k + half of m) must each hold one shard, or losing a single node could lose the file`,
    mend:
      `connect more nodes (\`datamesh peers\`, \`datamesh bootstrap MULTIADDR\`), ${nodes >= 3 ? 'choose a smaller code (--code 2+1 needs 3), ' : ''}` +
      'or store it all the same with --allow-degraded',
    details: { nodes, wanted, quorum },
  });
}
