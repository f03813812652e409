import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Domain, PlacementPolicy } from '../../../src/engine/placement/domains.ts';
import {
  feasibilityOf,
  requirePlaceable,
  requireWhole,
  writeQuorum,
} from '../../../src/engine/placement/feasible.ts';
import { lawfulDomains, maximumFlow, meshes, nodes, profiles, SHARD_BYTES } from './meshes.ts';

const policyOf = (k: number, m: number, domain: Domain = 'node', allowDegraded = false): PlacementPolicy => ({
  code: { k, m },
  domain,
  allowDegraded,
});
const zones = (count: number, per: number) => nodes(count * per, (i) => ({ zone: `zone ${i % count}` }));

test('the quorum and the refusals over nodes state their arithmetic', () => {
  expect(writeQuorum({ k: 4, m: 2 })).toBe(5);
  expect(writeQuorum({ k: 10, m: 4 })).toBe(12);
  expect(writeQuorum({ k: 1, m: 0 })).toBe(1);
  expect(() => requirePlaceable(policyOf(4, 2), nodes(5))).not.toThrow();
  expect(() => requirePlaceable(policyOf(4, 2), nodes(4))).toThrow(
    /4\+2 needs 6 nodes and this mesh has 4 that can take a shard/,
  );
  expect(() => requirePlaceable(policyOf(4, 2, 'node', true), nodes(1))).not.toThrow();
  expect(() => requirePlaceable(policyOf(4, 2, 'none'), nodes(1))).not.toThrow();
  for (const domain of ['none', 'node', 'zone'] as const)
    expect(() => requirePlaceable(policyOf(4, 2, domain, true), [])).toThrow(/no node of this mesh/);
});

test('10+4 over three zones is refused with the arithmetic, also where twelve shards would find a place', () => {
  const three = feasibilityOf(policyOf(10, 4, 'zone'), zones(3, 10));
  expect(three).toMatchObject({ whole: false, accepted: false, placeable: 12, domains: 3, domainsNeeded: 4 });
  expect(three.arithmetic).toBe(
    '10+4 over zones needs ≥ 4 zones with 4 shards at most in each: 14/4; this mesh has 3 zones',
  );
  expect(() => requirePlaceable(policyOf(10, 4, 'zone'), zones(3, 10))).toThrow(three.arithmetic);
  expect(() => requirePlaceable(policyOf(10, 4, 'zone', true), zones(3, 10))).not.toThrow();
  const four = feasibilityOf(policyOf(10, 4, 'zone'), zones(4, 4));
  expect(four).toMatchObject({ whole: true, accepted: true, arithmetic: undefined });
  expect(four.survives).toEqual({ disk: 4, node: 4, rack: 1, zone: 1 });
});

test('4+2 over two providers does not survive one, over three it does', () => {
  expect(feasibilityOf(policyOf(4, 2, 'zone'), zones(2, 9)).arithmetic).toBe(
    '4+2 over zones needs ≥ 3 zones with 2 shards at most in each: 6/2; this mesh has 2 zones',
  );
  expect(feasibilityOf(policyOf(4, 2, 'zone'), zones(3, 2)).survives.zone).toBe(1);
  expect(feasibilityOf(policyOf(2, 1, 'rack'), zones(1, 9)).arithmetic).toBe(
    '2+1 over racks needs ≥ 3 racks with 1 shard at most in each: 3/1; this mesh has 1 rack',
  );
});

test('enough zones with too few nodes: what each can take is told; one node short is stored with fewer', () => {
  const mesh = nodes(5, (i) => ({ zone: 'aabbc'[i] }));
  const found = feasibilityOf(policyOf(4, 2, 'zone'), mesh);
  expect(found).toMatchObject({ whole: false, accepted: true, placeable: 5 });
  expect(found.arithmetic).toBe(
    '4+2 over zones has 6 shards to place, one to a node and 2 at most in a zone; the 3 zones of this mesh take 2 + 2 + 1 = 5',
  );
  const less = nodes(4, (i) => ({ zone: 'aabc'[i] }));
  expect(feasibilityOf(policyOf(4, 2, 'zone'), less).accepted).toBe(false);
});

test('no parity, no promise', () => {
  expect(feasibilityOf(policyOf(4, 0, 'zone'), zones(9, 1)).arithmetic).toMatch(/4\+0 has no parity/);
  expect(feasibilityOf(policyOf(4, 0, 'zone'), zones(9, 1)).accepted).toBe(false);
  const none = feasibilityOf(policyOf(4, 2, 'none'), nodes(9));
  expect(none).toMatchObject({ whole: true, survives: { disk: 0, node: 0, rack: 0, zone: 0 } });
});

test('what it says fits is what a maximum flow fits, and whole profiles survive a domain', () => {
  fc.assert(
    fc.property(profiles, lawfulDomains, meshes, ({ code, ids }, domain, mesh) => {
      const room = mesh.filter(({ freeBytes }) => freeBytes >= SHARD_BYTES);
      const found = feasibilityOf({ code, domain, allowDegraded: false }, room);
      expect(found.placeable).toBe(maximumFlow(code, domain, ids.length, mesh));
      expect(found.whole).toBe(found.placeable === ids.length);
      expect(found.arithmetic === undefined).toBe(found.whole);
      if (found.whole && code.m > 0) expect(found.survives[domain as 'zone']).toBeGreaterThanOrEqual(1);
      if (found.whole) expect(found.accepted).toBe(true);
    }),
    { numRuns: 400 },
  );
});

test('what helps is told by what the pool is made of, and no option of a command is', () => {
  const mendOf = (policy: PlacementPolicy, mesh: ReturnType<typeof nodes>) => {
    const mends = [requireWhole, requirePlaceable].map((required) => {
      try {
        required(policy, mesh);
      } catch (error) {
        return (error as { mend: string }).mend;
      }
      return 'nothing is wrong';
    });
    expect(mends[0]).toBe(mends[1]);
    return mends[0];
  };
  const folders = (count: number, disks: number) =>
    nodes(count, (i) => ({ node: 'this machine' as never, disk: `disk ${i % disks}` }));
  expect(mendOf(policyOf(4, 2), nodes(3))).toMatch(/^connect more nodes \([^)]*\)$/);
  expect(mendOf(policyOf(10, 4, 'zone'), zones(3, 10))).toMatch(/^connect more nodes .* smaller domain/);
  expect(mendOf(policyOf(2, 1, 'disk'), folders(3, 1))).toBe(
    'put the folders on different disks, or count them so with --separate-disks (`datamesh pool`)',
  );
  expect(mendOf(policyOf(2, 1, 'disk'), folders(2, 2))).toMatch(/^add folders on further disks/);
  expect(mendOf(policyOf(2, 1, 'node'), folders(3, 3))).toMatch(/^choose the domain disk/);
  expect(mendOf(policyOf(2, 1, 'disk'), [...folders(1, 1), ...nodes(1)])).toMatch(/^connect more nodes/);
});
