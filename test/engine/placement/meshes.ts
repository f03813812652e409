/** Meshes and profiles at random, and what a maximum flow says can be placed on them: an oracle that shares no code with the planner. */
import fc from 'fast-check';
import { type Candidate, type Domain, locate } from '../../../src/engine/placement/domains.ts';
import { pointOf } from '../../../src/engine/placement/xor.ts';
import { bytesToHex, type CodeProfile, type PeerId, type ShardId } from '../../../src/engine/types.ts';

export const SHARD_BYTES = 1024;

export function candidate(name: string, more: Partial<Candidate> = {}): Candidate {
  return { peer: name as PeerId, point: pointOf(Buffer.from(name)), freeBytes: 1 << 20, ...more };
}

export function nodes(count: number, more: (i: number) => Partial<Candidate> = () => ({})): Candidate[] {
  return Array.from({ length: count }, (_, i) => candidate(`peer${i}`, more(i)));
}

export const codes = fc.record({ k: fc.integer({ min: 1, max: 10 }), m: fc.integer({ min: 0, max: 5 }) });
export const lawfulDomains = fc.constantFrom<Domain>('disk', 'node', 'rack', 'zone');

const site = fc.record({
  zone: fc.constantFrom(undefined, '', 'a', 'b', 'c', ' A ', 'd'),
  rack: fc.constantFrom(undefined, '', '1', '2', '3'),
  node: fc.integer({ min: 0, max: 7 }),
  disk: fc.constantFrom(undefined, 'x', 'y'),
  freeBytes: fc.constantFrom(0, SHARD_BYTES - 1, SHARD_BYTES, 5000, 1 << 20),
});

/** Half of them with several holders on a node; zone and rack are the node's. */
export const meshes = fc
  .tuple(fc.array(site, { maxLength: 18 }), fc.boolean())
  .map(([sites, folders]): Candidate[] =>
    sites.map((one, i) => {
      const first = sites.find((other) => other.node === one.node)!;
      if (!folders) return candidate(`peer${i}`, { ...one, node: undefined, disk: undefined });
      const { zone, rack } = first;
      return candidate(`holder${i}`, { ...one, zone, rack, node: `node${one.node}` as PeerId });
    }),
  );

export const shardIds = (count: number) =>
  fc
    .uniqueArray(fc.uint8Array({ minLength: 32, maxLength: 32 }), {
      minLength: count,
      maxLength: count,
      selector: bytesToHex,
    })
    .map((ids) => ids.map(bytesToHex) as ShardId[]);

export const profiles = codes.chain((code) =>
  fc.record({ code: fc.constant(code), ids: shardIds(code.k + code.m) }),
);

/** The rule in its plainest words, on peers alone. */
export function obeys(
  code: CodeProfile,
  domain: Domain,
  holders: readonly (PeerId | undefined)[],
  mesh: readonly Candidate[],
): boolean {
  const at = holders.filter((holder) => holder !== undefined).map((holder) => where(mesh, holder));
  const distinct = at.map((one) => (domain === 'disk' ? one.holder : one.node));
  if (new Set(distinct).size < distinct.length) return false;
  if (domain === 'none' || domain === 'node') return true;
  return [...Map.groupBy(at, (one) => one[domain]).values()].every((some) => some.length <= code.m);
}

function where(mesh: readonly Candidate[], holder: PeerId) {
  return locate(mesh.find(({ peer }) => peer === holder)!);
}

/**
 * Most shards that fit, by augmenting paths (Ford and Fulkerson 1956) through shard → holder → node → domain → sink with unit capacities.
 */
export function maximumFlow(
  code: CodeProfile,
  domain: Domain,
  shards: number,
  mesh: readonly Candidate[],
): number {
  const capacity = new Map<string, Map<string, number>>();
  const edge = (from: string, to: string, room: number) => {
    for (const [a, b, add] of [
      [from, to, room],
      [to, from, 0],
    ] as const) {
      const row = capacity.get(a) ?? new Map<string, number>();
      capacity.set(a, row.set(b, Math.max(row.get(b) ?? 0, add)));
    }
  };
  for (let i = 0; i < shards; i++) edge('source', `s${i}`, 1);
  for (const one of mesh.filter(({ freeBytes }) => freeBytes >= SHARD_BYTES)) {
    const at = locate(one);
    const [holder, node, group] = [`h ${at.holder}`, `n ${at.node}`, `d ${domain} ${at[domain as 'zone']}`];
    for (let i = 0; i < shards; i++) edge(`s${i}`, holder, 1);
    edge(holder, node, 1);
    edge(node, group, domain === 'disk' ? shards : 1);
    if (domain === 'disk') {
      // A disk lies below its node, so the node is no bottleneck: holder → disk → sink.
      capacity.get(holder)!.delete(node);
      edge(holder, group, 1);
    }
    edge(group, 'sink', domain === 'node' ? 1 : code.m);
  }
  let flow = 0;
  for (;;) {
    const before = new Map<string, string>([['source', '']]);
    const queue = ['source'];
    for (let from = queue.shift(); from !== undefined && !before.has('sink'); from = queue.shift()) {
      for (const [to, room] of capacity.get(from) ?? []) {
        if (room < 1 || before.has(to)) continue;
        before.set(to, from);
        queue.push(to);
      }
    }
    if (!before.has('sink')) return flow;
    for (let to = 'sink'; to !== 'source'; to = before.get(to)!) {
      const from = before.get(to)!;
      capacity.get(from)!.set(to, capacity.get(from)!.get(to)! - 1);
      capacity.get(to)!.set(from, (capacity.get(to)!.get(from) ?? 0) + 1);
    }
    flow++;
  }
}
