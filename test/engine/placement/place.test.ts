import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type Candidate,
  planStripe,
  requireNodes,
  survivableNodeLosses,
  writeQuorum,
} from '../../../src/engine/placement/place.ts';
import { byDistance, compareDistance, pointOf, pointOfShard } from '../../../src/engine/placement/xor.ts';
import { bytesToHex, type PeerId, type ShardId } from '../../../src/engine/types.ts';

const codes = fc.record({ k: fc.integer({ min: 1, max: 12 }), m: fc.integer({ min: 0, max: 6 }) });
const shardIds = (count: number) =>
  fc.uniqueArray(fc.uint8Array({ minLength: 32, maxLength: 32 }), {
    minLength: count,
    maxLength: count,
    selector: bytesToHex,
  });
const nodes = (count: number): Candidate[] =>
  Array.from({ length: count }, (_, i) => ({
    peer: `peer${i}` as PeerId,
    point: pointOf(Buffer.from(`peer${i}`)),
    freeBytes: 1 << 20,
  }));

test('never two shards of a stripe on one node, and as many nodes used as there are shards for', () => {
  fc.assert(
    fc.property(
      codes.chain((code) =>
        fc.tuple(fc.constant(code), shardIds(code.k + code.m), fc.integer({ min: 0, max: 30 })),
      ),
      ([code, ids, count]) => {
        const plan = planStripe(ids.map(bytesToHex) as ShardId[], 1024, nodes(count), false);
        const used = plan.targets.filter((target) => target !== undefined);
        expect(new Set(used).size).toBe(used.length);
        expect(used.length).toBe(Math.min(count, code.k + code.m));
        expect(plan.spares.length).toBe(count - used.length);
        expect(plan.spares.some((spare) => used.includes(spare))).toBe(false);
      },
    ),
  );
});

test('sharing nodes spreads evenly: no node has two shards more than another', () => {
  fc.assert(
    fc.property(shardIds(9), fc.integer({ min: 1, max: 9 }), (ids, count) => {
      const plan = planStripe(ids.map(bytesToHex) as ShardId[], 1024, nodes(count), true);
      const perNode = new Map<string, number>();
      for (const target of plan.targets) perNode.set(target!, (perNode.get(target!) ?? 0) + 1);
      expect(perNode.size).toBe(count);
      expect(Math.max(...perNode.values()) - Math.min(...perNode.values())).toBeLessThanOrEqual(1);
    }),
  );
});

test('a shard goes to the closest node that holds none of the stripe, and not to a full one', () => {
  const all = nodes(12);
  const id = bytesToHex(new Uint8Array(32).fill(7)) as ShardId;
  const order = byDistance(pointOfShard(id), all);
  expect(planStripe([id], 1024, all, false).targets).toEqual([order[0]!.peer]);
  order[0]!.freeBytes = 1023;
  expect(planStripe([id], 1024, all, false).targets).toEqual([order[1]!.peer]);
  expect(planStripe([id, id, id], 1024, all, false).targets).toEqual(
    order.slice(1, 4).map(({ peer }) => peer),
  );
});

test('distance is a total order that agrees with XOR as a number', () => {
  const point = fc.uint8Array({ minLength: 32, maxLength: 32 });
  const number = (a: Uint8Array, b: Uint8Array) =>
    BigInt(`0x${bytesToHex(a.map((byte, i) => byte ^ b[i]!))}`);
  fc.assert(
    fc.property(point, point, point, (target, a, b) => {
      const expected = number(target, a) - number(target, b);
      expect(Math.sign(compareDistance(target, a, b))).toBe(expected === 0n ? 0 : expected > 0n ? 1 : -1);
    }),
  );
});

test('survivable losses equal what trying every set of nodes gives', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 7 }),
      (k, counts) => {
        const total = counts.reduce((sum, count) => sum + count, 0);
        if (total < k) return;
        let bruteForce = counts.length;
        for (let set = 0; set < 1 << counts.length; set++) {
          const lost = counts.filter((_, i) => (set >> i) & 1);
          const left = total - lost.reduce((sum, count) => sum + count, 0);
          if (left < k) bruteForce = Math.min(bruteForce, lost.length - 1);
        }
        expect(survivableNodeLosses({ k, m: 0 }, counts)).toBe(bruteForce);
      },
    ),
  );
});

test('the quorum and the refusals state their arithmetic', () => {
  expect(writeQuorum({ k: 4, m: 2 })).toBe(5);
  expect(writeQuorum({ k: 10, m: 4 })).toBe(12);
  expect(writeQuorum({ k: 1, m: 0 })).toBe(1);
  expect(() => requireNodes({ k: 4, m: 2 }, 5, false)).not.toThrow();
  expect(() => requireNodes({ k: 4, m: 2 }, 4, false)).toThrow(/4\+2 needs 6 nodes and this mesh has 4/);
  expect(() => requireNodes({ k: 4, m: 2 }, 1, true)).not.toThrow();
  expect(() => requireNodes({ k: 4, m: 2 }, 0, true)).toThrow(/no node/);
});
