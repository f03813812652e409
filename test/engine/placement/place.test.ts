import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Candidate, Domain, PlacementPolicy } from '../../../src/engine/placement/domains.ts';
import { keepsRule } from '../../../src/engine/placement/load.ts';
import { planStripe, spareFor } from '../../../src/engine/placement/place.ts';
import { byDistance, pointOfShard } from '../../../src/engine/placement/xor.ts';
import { bytesToHex, type PeerId, type ShardId } from '../../../src/engine/types.ts';
import {
  candidate,
  lawfulDomains,
  maximumFlow,
  meshes,
  nodes,
  obeys,
  profiles,
  SHARD_BYTES,
  shardIds,
} from './meshes.ts';

const policyOf = (k: number, m: number, domain: Domain = 'node', allowDegraded = false): PlacementPolicy => ({
  code: { k, m },
  domain,
  allowDegraded,
});
const siteIn = (mesh: readonly Candidate[]) => (peer: PeerId) => mesh.find((one) => one.peer === peer);
const placed = (targets: readonly (PeerId | undefined)[]) => targets.filter((target) => target !== undefined);

describe('the rule', () => {
  test('no assignment ever breaks it, and it has as many shards as a maximum flow', () => {
    let whole = 0;
    fc.assert(
      fc.property(profiles, lawfulDomains, meshes, ({ code, ids }, domain, mesh) => {
        const policy = { code, domain, allowDegraded: false };
        const { targets, spares } = planStripe(ids, SHARD_BYTES, mesh, policy);
        expect(obeys(code, domain, targets, mesh)).toBe(true);
        expect(keepsRule(policy, targets, siteIn(mesh))).toBe(true);
        expect(placed(targets).length).toBe(maximumFlow(code, domain, ids.length, mesh));
        expect(spares.some((spare) => targets.includes(spare))).toBe(false);
        for (const target of placed(targets))
          expect(siteIn(mesh)(target)!.freeBytes).toBeGreaterThanOrEqual(SHARD_BYTES);
        if (placed(targets).length === ids.length) whole++;
      }),
      { numRuns: 600 },
    );
    expect(whole).toBeGreaterThan(30);
  });

  test('spares keep it too, in whatever order holders fail, and end only where the flow does', () => {
    fc.assert(
      fc.property(
        profiles,
        lawfulDomains,
        meshes,
        fc.infiniteStream(fc.nat()),
        ({ code, ids }, domain, mesh, dice) => {
          const policy = { code, domain, allowDegraded: false };
          const holders = planStripe(ids, SHARD_BYTES, mesh, policy).targets;
          const failed = new Set<PeerId>();
          for (let round = 0; round < 12; round++) {
            const index = dice.next().value! % ids.length;
            const old = holders[index];
            if (old === undefined) continue;
            failed.add(old);
            const spares = spareFor({ ids, shardBytes: SHARD_BYTES, policy, holders }, index, mesh, failed);
            holders[index] = spares[dice.next().value! % Math.max(1, spares.length)];
            expect(failed.has(holders[index]!)).toBe(false);
            expect(obeys(code, domain, holders, mesh)).toBe(true);
            // One that was left without may find a place again: what it could not take before may be free now.
            const left = mesh.filter(({ peer }) => !failed.has(peer));
            holders.forEach((holder, at) => {
              if (holder !== undefined) return;
              [holders[at]] = spareFor({ ids, shardBytes: SHARD_BYTES, policy, holders }, at, mesh, failed);
            });
            expect(placed(holders).length).toBe(maximumFlow(code, domain, ids.length, left));
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  test('equal labels are one zone: fourteen shards never meet in it (CyxCloud placed all of them there)', () => {
    const mesh = nodes(20, () => ({ zone: 'fra1', rack: '1' }));
    const ids = sample(14);
    const { targets } = planStripe(ids, SHARD_BYTES, mesh, policyOf(10, 4, 'zone'));
    expect(placed(targets).length).toBe(4);
    expect(placed(planStripe(ids, SHARD_BYTES, mesh, policyOf(10, 4, 'rack')).targets).length).toBe(4);
    expect(placed(planStripe(ids, SHARD_BYTES, mesh, policyOf(10, 4, 'node')).targets).length).toBe(14);
  });

  test('nodes without a label share one domain, whatever way they leave it out', () => {
    const labels = [undefined, '', '  '];
    const mesh = nodes(12, (i) => ({ zone: labels[i % 3], rack: labels[(i + 1) % 3] }));
    expect(placed(planStripe(sample(6), SHARD_BYTES, mesh, policyOf(4, 2, 'zone')).targets).length).toBe(2);
    expect(placed(planStripe(sample(6), SHARD_BYTES, mesh, policyOf(4, 2, 'rack')).targets).length).toBe(2);
  });

  test('a rack belongs to its zone: rack 1 of two zones are two racks, rack 1 of one zone is one', () => {
    const mesh = nodes(12, (i) => ({ zone: i % 3 === 0 ? 'a' : i % 3 === 1 ? 'b' : 'c', rack: '1' }));
    expect(placed(planStripe(sample(6), SHARD_BYTES, mesh, policyOf(4, 2, 'rack')).targets).length).toBe(6);
    expect(
      placed(
        planStripe(
          sample(6),
          SHARD_BYTES,
          mesh.filter(({ zone }) => zone === 'a'),
          policyOf(4, 2, 'rack'),
        ).targets,
      ).length,
    ).toBe(2);
  });

  test('the limit per zone binds: 10+4 over three zones places 12, never 5 in one', () => {
    const mesh = nodes(30, (i) => ({ zone: 'abc'[i % 3] }));
    const { targets } = planStripe(sample(14), SHARD_BYTES, mesh, policyOf(10, 4, 'zone'));
    const counts = Map.groupBy(placed(targets), (peer) => siteIn(mesh)(peer)!.zone);
    expect([...counts.values()].map((some) => some.length)).toEqual([4, 4, 4]);
  });

  test('folders of one disk are one domain of disks, those of two machines are not', () => {
    const folder = (name: string, node: string, disk: string) =>
      candidate(name, { node: node as PeerId, disk });
    const one = ['a', 'b', 'c'].map((name) => folder(name, 'n', '8:1'));
    expect(placed(planStripe(sample(3), SHARD_BYTES, one, policyOf(2, 1, 'disk')).targets).length).toBe(1);
    const two = [...one, folder('d', 'other', '8:1'), folder('e', 'n', '8:2')];
    expect(placed(planStripe(sample(3), SHARD_BYTES, two, policyOf(2, 1, 'disk')).targets).length).toBe(3);
    // By nodes they are two, however many disks there are.
    expect(placed(planStripe(sample(3), SHARD_BYTES, two, policyOf(2, 1, 'node')).targets).length).toBe(2);
  });
});

describe('beyond the rule', () => {
  test('a degraded placement is even: no node has two shards more than another', () => {
    fc.assert(
      fc.property(shardIds(9), fc.integer({ min: 1, max: 9 }), (ids, count) => {
        for (const policy of [policyOf(6, 3, 'node', true), policyOf(6, 3, 'none')]) {
          const perNode = new Map<string, number>();
          for (const target of planStripe(ids, SHARD_BYTES, nodes(count), policy).targets)
            perNode.set(target!, (perNode.get(target!) ?? 0) + 1);
          expect(perNode.size).toBe(count);
          expect(Math.max(...perNode.values()) - Math.min(...perNode.values())).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  test('it fills the rule first, then other nodes before a second shard on one', () => {
    const mesh = nodes(6, (i) => ({ zone: i < 5 ? 'a' : 'b' }));
    const { targets } = planStripe(sample(6), SHARD_BYTES, mesh, policyOf(4, 2, 'zone', true));
    expect(new Set(targets).size).toBe(6);
    expect(targets).not.toContain(undefined);
  });

  test('copies of one shard never share a holder, and a holder takes no more than it has room for', () => {
    const id = sample(1)[0]!;
    const copies = planStripe([id, id, id], SHARD_BYTES, nodes(2), policyOf(1, 2, 'node', true)).targets;
    expect(new Set(placed(copies)).size).toBe(2);
    expect(copies.filter((target) => target === undefined).length).toBe(1);
    const tight = nodes(2, () => ({ freeBytes: 2 * SHARD_BYTES }));
    expect(placed(planStripe(sample(6), SHARD_BYTES, tight, policyOf(4, 2, 'none')).targets).length).toBe(4);
  });

  test('a spare may break it only when it was allowed, and the least crowded comes first', () => {
    const mesh = nodes(4, (i) => ({ zone: i < 3 ? 'a' : 'b' }));
    const holders = ['peer0', 'peer1', undefined, 'peer3'] as (PeerId | undefined)[];
    const ask = (allowDegraded: boolean, failed: string[] = []) =>
      spareFor(
        {
          ids: sample(4),
          shardBytes: SHARD_BYTES,
          policy: policyOf(2, 2, 'zone', allowDegraded),
          holders,
        },
        2,
        mesh,
        new Set(failed as PeerId[]),
      );
    expect(ask(false)).toEqual([]);
    expect(ask(true)[0]).toBe('peer2');
    expect(ask(true, ['peer2'])[0]).toBe('peer3');
    expect(ask(true)).toHaveLength(4);
  });

  test('a holder nobody knows the place of counts in every domain', () => {
    const mesh = nodes(4, (i) => ({ zone: 'abcd'[i] }));
    const stripe = {
      ids: sample(3),
      shardBytes: SHARD_BYTES,
      policy: policyOf(2, 1, 'zone'),
      holders: ['gone' as PeerId, undefined, undefined],
    };
    expect(spareFor(stripe, 1, mesh, new Set())).toEqual([]);
    expect(spareFor(stripe, 0, mesh, new Set())).toHaveLength(4);
  });
});

describe('preference', () => {
  test('a shard goes to the closest node that holds none of the stripe, and not to a full one', () => {
    const all = nodes(12);
    const id = bytesToHex(new Uint8Array(32).fill(7)) as ShardId;
    const order = byDistance(pointOfShard(id), all);
    const plan = (ids: ShardId[]) => planStripe(ids, SHARD_BYTES, all, policyOf(ids.length, 0)).targets;
    expect(plan([id])).toEqual([order[0]!.peer]);
    order[0]!.freeBytes = SHARD_BYTES - 1;
    expect(plan([id])).toEqual([order[1]!.peer]);
    expect(plan([id, id, id])).toEqual(order.slice(1, 4).map(({ peer }) => peer));
  });

  test('more free space takes more shards, in proportion', () => {
    const mesh = nodes(12, (i) => ({ freeBytes: i < 6 ? 2 ** 30 : 2 ** 32 }));
    let big = 0;
    const tries = 4000;
    for (let i = 0; i < tries; i++) {
      const id = createHash('sha256').update(`${i}`).digest('hex') as ShardId;
      const [target] = planStripe([id], SHARD_BYTES, mesh, policyOf(1, 0)).targets;
      if (siteIn(mesh)(target!)!.freeBytes > 2 ** 30) big++;
    }
    // Six of weight 4 beside six of weight 1: 80 % if distances were independent; the points of twelve nodes are not quite.
    expect(big / tries).toBeGreaterThan(0.7);
    expect(big / tries).toBeLessThan(0.9);
  });

  test('it stays among the twenty closest, however much room one far away has', () => {
    const mesh = nodes(200);
    const id = sample(1)[0]!;
    const order = byDistance(pointOfShard(id), mesh);
    order[25]!.freeBytes = 2 ** 50;
    expect(planStripe([id], SHARD_BYTES, mesh, policyOf(1, 0)).targets).toEqual([order[0]!.peer]);
    order[19]!.freeBytes = 2 ** 50;
    expect(planStripe([id], SHARD_BYTES, mesh, policyOf(1, 0)).targets).toEqual([order[19]!.peer]);
  });
});

function sample(count: number): ShardId[] {
  return fc.sample(shardIds(count), { numRuns: 1, seed: 5 })[0]!;
}
