import fc from 'fast-check';
import { expect, test } from 'vitest';
import { releaseSurplus, surplusOf } from '../../../../src/engine/maintenance/collect/duplicates.ts';
import { damageOf, type GroupState } from '../../../../src/engine/maintenance/repair-plan.ts';
import type { Domain } from '../../../../src/engine/placement/domains.ts';
import type { ObjectId, PeerId, ShardId } from '../../../../src/engine/types.ts';
import type { DuplicateReport } from '../../../../src/engine/views/cleanup.ts';
import { member } from '../custody/samples.ts';

const NODES = Array.from({ length: 12 }, (_, i) => member(i));
const id = (n: number) => (n + 1).toString(16).padStart(64, '0') as ShardId;
const zoneOf = (peer: PeerId) => `z${NODES.findIndex((node) => node.peer === peer) % 4}`;

function ruleOf(domain: Domain, leaving: ReadonlySet<PeerId> = new Set()) {
  return {
    domain,
    members: [],
    siteOf: (peer: PeerId) => ({ peer, zone: zoneOf(peer) }),
    leaving: (peer: PeerId) => leaving.has(peer),
    placed: NODES,
  };
}
const groupOf = (live: PeerId[][], ids = live.map((_, at) => id(at)), k = 4): GroupState => ({
  objectId: 'ab'.repeat(32) as ObjectId,
  stripe: 0,
  code: { k, m: ids.length - k },
  shardBytes: 100,
  ids,
  live,
});
const peers = fc
  .uniqueArray(fc.integer({ min: 0, max: 11 }), { maxLength: 4 })
  .map((list) => list.map((at) => NODES[at]!.peer));

test('what is left keeps every shard on exactly one holder, and the rule; a broken rule is left alone', () => {
  let released = 0;
  fc.assert(
    fc.property(
      fc.array(peers, { minLength: 6, maxLength: 6 }),
      fc.constantFrom<Domain>('node', 'zone', 'none'),
      fc.uniqueArray(fc.integer({ min: 0, max: 11 }), { maxLength: 2 }),
      (live, domain, gone) => {
        const rule = ruleOf(domain, new Set(gone.map((at) => NODES[at]!.peer)));
        const group = groupOf(live);
        const surplus = surplusOf(group, [], rule);
        if (surplus.length === 0) return;
        released++;
        const left = live.map((holders, at) => {
          const of = surplus.find((one) => one.id === id(at));
          return holders.filter((holder) => of?.drop.includes(holder) !== true);
        });
        for (const holders of left) expect(holders).toHaveLength(1);
        for (const { keep, drop } of surplus) expect(drop).not.toContain(keep[0]);
        expect(damageOf({ ...group, live: left }, rule)).toBeUndefined();
      },
    ),
    { numRuns: 3000 },
  );
  expect(released).toBeGreaterThan(50);
});

test('of lawful copies the noted one stays, and of others the closest; one on a node that leaves goes', () => {
  const live = [0, 1, 2, 3, 4, 5].map((at) => [NODES[at]!.peer]);
  live[0] = [NODES[6]!.peer, NODES[0]!.peer];
  const noted = live.map((_, at) => NODES[at]!.peer);
  expect(surplusOf(groupOf(live), noted, ruleOf('node'))).toMatchObject([
    { keep: [NODES[0]!.peer], drop: [NODES[6]!.peer] },
  ]);
  const leaves = ruleOf('node', new Set([NODES[0]!.peer]));
  expect(surplusOf(groupOf(live), noted, leaves)).toMatchObject([
    { keep: [NODES[6]!.peer], drop: [NODES[0]!.peer] },
  ]);
});

test('shards that are alike need a holder each', () => {
  const all = NODES.slice(0, 6).map(({ peer }) => peer);
  const ids = [id(0), id(0), id(1), id(2), id(3), id(4)];
  const live = [[all[0]!, all[1]!], [all[0]!, all[1]!], ...all.slice(2).map((peer) => [peer])];
  expect(surplusOf(groupOf(live, ids), [], ruleOf('node'))).toEqual([]);
});

test('of a manifest’s copies as many stay as there should be', () => {
  const all = NODES.slice(0, 5).map(({ peer }) => peer);
  const ids = [id(0), id(0), id(0)];
  const group = groupOf([[all[0]!, all[3]!, all[4]!], [all[1]!], [all[2]!]], ids, 1);
  const [surplus] = surplusOf(group, all.slice(2), ruleOf('node'));
  expect(new Set(surplus!.keep)).toEqual(new Set(all.slice(2)));
  expect(new Set(surplus!.drop)).toEqual(new Set(all.slice(0, 2)));
  expect(surplusOf(groupOf([[all[0]!], [all[1]!], [all[2]!]], ids, 1), [], ruleOf('node'))).toEqual([]);
});

test('nothing goes unless the one that stays has proved itself, and a plan asks nobody', async () => {
  const [a, b, c] = NODES.map(({ peer }) => peer) as [PeerId, PeerId, PeerId];
  const surplus = [
    { id: id(1), shardBytes: 100, keep: [a], drop: [b] },
    { id: id(2), shardBytes: 100, keep: [c], drop: [b] },
    { id: id(3), shardBytes: 100, keep: [a], drop: [c] },
  ];
  const run = async (dryRun: boolean) => {
    const report: DuplicateReport = { shards: 0, released: 0, releasedBytes: 0, unproved: 0, failed: 0 };
    const dropped: string[] = [];
    let asked = 0;
    await releaseSurplus(
      surplus,
      {
        dryRun,
        async proved(holder, shards) {
          asked++;
          return new Set(holder === a ? shards.map((one) => one.id) : []);
        },
        has: async () => true,
        async release(holder, shard) {
          if (holder === c) throw new Error('away');
          dropped.push(`${NODES.findIndex(({ peer }) => peer === holder)} ${Number.parseInt(shard, 16)}`);
          return true;
        },
      },
      report,
    );
    return { report, dropped, asked };
  };
  expect(await run(true)).toEqual({
    report: { shards: 3, released: 3, releasedBytes: 300, unproved: 0, failed: 0 },
    dropped: [],
    asked: 0,
  });
  expect(await run(false)).toEqual({
    report: { shards: 3, released: 1, releasedBytes: 100, unproved: 1, failed: 1 },
    dropped: ['1 2'],
    asked: 2,
  });
});

test('a copy stays when the one that is to be kept has gone since its proof: another device moved it there', async () => {
  const [a, b] = NODES.map(({ peer }) => peer) as [PeerId, PeerId];
  const held = new Map([a, b].map((holder) => [holder, new Set([id(0), id(1)])]));
  const report: DuplicateReport = { shards: 0, released: 0, releasedBytes: 0, unproved: 0, failed: 0 };
  const surplus = [id(0), id(1)].map((shard) => ({ id: shard, shardBytes: 100, keep: [a], drop: [b] }));
  await releaseSurplus(
    surplus,
    {
      dryRun: false,
      proved: async (_holder, shards) => new Set(shards.map((one) => one.id)),
      has: async (holder, shard) => held.get(holder)!.has(shard),
      async release(holder, shard) {
        // While the first copy goes, a rebalance takes the second one in exchange for that of `a`.
        held.get(a)!.delete(id(1));
        return held.get(holder)!.delete(shard);
      },
    },
    report,
  );
  expect(report).toMatchObject({ released: 1, unproved: 1 });
  expect(held.get(b)).toEqual(new Set([id(1)]));
});
