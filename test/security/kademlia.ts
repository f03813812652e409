/**
 * A Kademlia of some hundred nodes as far as an eclipse is concerned: buckets of 20, announcements to the 20 closest that a lookup finds, lookups that ask three at a time and end when the 20 closest known
 * were asked. Adversaries answer every question with the closest of their own, keep no records and give none. Time, loss and churn do not occur.
 */
import { compareDistance, distanceShare, type Point } from '../../src/engine/placement/xor.ts';

const K = 20;
const ALPHA = 3;

export interface DhtNode {
  index: number;
  point: Point;
  honest: boolean;
  /** Whom it knows, by routing table. */
  known: DhtNode[];
  /** Keys, in hex, for which it holds a record. */
  records: Set<string>;
}

export interface Dht {
  nodes: DhtNode[];
  adversaries: DhtNode[];
}

export type Fraction = () => number;

/** Each node fills its buckets from those that there are, by chance, as a node does that has met many. */
export function makeDht(honest: readonly Point[], hostile: readonly Point[], fraction: Fraction): Dht {
  const make = (point: Point, index: number, isHonest: boolean): DhtNode => ({
    ...{ index, point, honest: isHonest, known: [], records: new Set() },
  });
  const nodes = [
    ...honest.map((point, i) => make(point, i, true)),
    ...hostile.map((point, i) => make(point, honest.length + i, false)),
  ];
  for (const node of nodes) {
    const buckets = new Map<number, DhtNode[]>();
    for (const other of shuffled(nodes, fraction)) {
      if (other === node) continue;
      // 0: the far half of the key space.
      const bucket = Math.floor(-Math.log2(distanceShare(node.point, other.point)));
      const in_ = buckets.get(bucket) ?? [];
      if (in_.length < K) buckets.set(bucket, [...in_, other]);
    }
    node.known = [...buckets.values()].flat();
  }
  return { nodes, adversaries: nodes.filter((node) => !node.honest) };
}

export function shuffled<T>(items: readonly T[], fraction: Fraction): T[] {
  const all = [...items];
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(fraction() * (i + 1));
    [all[i], all[j]] = [all[j]!, all[i]!];
  }
  return all;
}

function closest(key: Point, nodes: Iterable<DhtNode>, count: number): DhtNode[] {
  return [...nodes].sort((a, b) => compareDistance(key, a.point, b.point)).slice(0, count);
}

/**
 * The closest nodes that a lookup comes to, over so many paths that share no node. `found` is asked of each that answers and ends the lookup.
 */
export function lookUp(
  dht: Dht,
  from: DhtNode,
  key: Point,
  paths: number,
  found: (node: DhtNode) => boolean = () => false,
): { reached: DhtNode[]; success: boolean } {
  const taken = new Set<DhtNode>([from]);
  const start = closest(key, from.known, K);
  const reached: DhtNode[] = [];
  let success = false;
  for (let path = 0; path < paths && !success; path++) {
    let queue = start.filter((_, i) => i % paths === path);
    const asked = new Set<DhtNode>();
    while (!success) {
      const next = closest(key, queue, K)
        .filter((node) => !asked.has(node) && !taken.has(node))
        .slice(0, ALPHA);
      if (next.length === 0) break;
      for (const node of next) {
        asked.add(node);
        taken.add(node);
        reached.push(node);
        if (node.honest && found(node)) success = true;
        const told = closest(key, node.honest ? node.known : dht.adversaries, K);
        queue = [...new Set([...queue, ...told])];
      }
    }
  }
  return { reached: closest(key, reached, K), success };
}

export function announce(dht: Dht, from: DhtNode, key: Point, paths: number): void {
  const name = Buffer.from(key).toString('hex');
  for (const node of lookUp(dht, from, key, paths).reached) if (node.honest) node.records.add(name);
}

export function find(dht: Dht, from: DhtNode, key: Point, paths: number): boolean {
  const name = Buffer.from(key).toString('hex');
  return from.records.has(name) || lookUp(dht, from, key, paths, (node) => node.records.has(name)).success;
}
