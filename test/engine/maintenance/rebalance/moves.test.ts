import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Balance } from '../../../../src/engine/maintenance/rebalance/balance.ts';
import { type Ending, endedMoves, movesOf } from '../../../../src/engine/maintenance/rebalance/moves.ts';
import {
  damageOf,
  type GroupState,
  type Rule,
  standingOf,
} from '../../../../src/engine/maintenance/repair-plan.ts';
import type { Candidate, Domain } from '../../../../src/engine/placement/domains.ts';
import { planStripe } from '../../../../src/engine/placement/place.ts';
import { pointOf } from '../../../../src/engine/placement/xor.ts';
import { bytesToHex, type PeerId, shardIdOf } from '../../../../src/engine/types.ts';
import { objectId, peer } from '../custody/samples.ts';

const BYTES = 1000;
const nodes = Array.from({ length: 12 }, (_, i) => peer(i));
const candidateOf = (holder: PeerId, at: number): Candidate => ({
  peer: holder,
  zone: `z${at % 4}`,
  freeBytes: 1e9,
  point: pointOf(Buffer.from(holder)),
});
const all = nodes.map(candidateOf);

function ruleOf(domain: Domain, more: Partial<Rule> = {}): Rule {
  const siteOf = (holder: PeerId) => all.find(({ peer: it }) => it === holder);
  return { domain, members: [], siteOf, leaving: () => false, ...more };
}

const idOf = (stripe: number, index: number) => {
  const bytes = Buffer.alloc(32);
  bytes.writeUInt32BE(stripe, 0);
  bytes.writeUInt32BE((index * 2_654_435_761) >>> 0, 8);
  return shardIdOf(bytes);
};

/** Stripes as a put places them among the first `count` nodes. */
function stripesAmong(
  count: number,
  stripes: number,
  code: { k: number; m: number },
  domain: Domain,
): GroupState[] {
  return Array.from({ length: stripes }, (_, stripe) => {
    const ids = Array.from({ length: code.k + code.m }, (_, index) => idOf(stripe, index));
    const { targets } = planStripe(ids, BYTES, all.slice(0, count), { code, domain, allowDegraded: false });
    return {
      objectId: objectId(1),
      stripe,
      code,
      shardBytes: BYTES,
      ids,
      live: targets.map((holder) => (holder === undefined ? [] : [holder])),
    };
  });
}

function settled(groups: readonly GroupState[], domain: Domain): Balance {
  const balance = new Balance();
  for (const group of groups) balance.count(group);
  balance.settle(
    domain,
    all.map((site) => ({ site, freeBytes: site.freeBytes })),
  );
  return balance;
}

const options = (balance: Balance, rule: Rule) => ({ rule, balance, candidates: all, isShared: () => false });

describe('moves', () => {
  it('bring holders to their fair shares when nodes have joined, and move no more than the newcomers lack', () => {
    const groups = stripesAmong(6, 200, { k: 4, m: 2 }, 'node');
    const rule = ruleOf('node');
    const balance = settled(groups, 'node');
    expect(balance.farthest()).toBeCloseTo(1, 5);
    const moves = groups.flatMap((group) => movesOf(standingOf(group, rule), options(balance, rule)));
    expect(balance.farthest()).toBe(0);
    for (const holder of nodes) expect(Math.abs(balance.over(holder)!)).toBeLessThanOrEqual(BYTES);
    expect(moves).toHaveLength(600);
    // Done again nothing moves.
    expect(groups.every((group) => group.live.length === 6)).toBe(true);
  });

  it('never take from a group what would break its rule, and each brings the whole nearer', () => {
    const cases = fc.record({
      domain: fc.constantFrom<Domain>('node', 'zone', 'rack'),
      code: fc.constantFrom({ k: 4, m: 2 }, { k: 2, m: 2 }, { k: 1, m: 2 }, { k: 2, m: 1 }),
      among: fc.integer({ min: 6, max: 12 }),
      stripes: fc.integer({ min: 1, max: 30 }),
      leaving: fc.option(fc.integer({ min: 0, max: 11 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(cases, ({ domain, code, among, stripes, leaving }) => {
        const groups = stripesAmong(among, stripes, code, domain);
        const rule = ruleOf(domain, {
          leaving: (holder) => leaving !== undefined && holder === nodes[leaving],
        });
        const balance = settled(groups, domain);
        const unevenness = () => nodes.reduce((sum, holder) => sum + (balance.over(holder) ?? 0) ** 2, 0);
        for (const group of groups) {
          const standing = standingOf(group, rule);
          if (standing.missing.length + standing.misplaced.length > 0) continue;
          const before = unevenness();
          const moves = movesOf(standing, options(balance, rule));
          if (moves.length > 0) expect(unevenness()).toBeLessThan(before);
          const live = group.live.map((holders) => [...holders]);
          for (const { index, from, to } of moves) {
            expect(live[index]).toEqual([from]);
            expect(rule.leaving(to)).toBe(false);
            live[index] = [to];
            // At every step, not only at the end.
            expect(damageOf({ ...group, live }, rule)).toBeUndefined();
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  it('leave alone what others may have too, what is there twice, and shards of a stripe that are alike', () => {
    const [group] = stripesAmong(6, 1, { k: 2, m: 1 }, 'node');
    const rule = ruleOf('node');
    const heavy = (groups: GroupState[]) => settled(Array.from({ length: 50 }, () => groups).flat(), 'node');
    const plan = (it: GroupState, isShared = () => false) =>
      movesOf(standingOf(it, rule), { ...options(heavy([group!]), rule), isShared });
    expect(plan(group!).length).toBeGreaterThan(0);
    expect(plan(group!, () => true)).toEqual([]);
    const [first, second, third] = group!.live;
    const twice = {
      ...group!,
      live: [
        [...first!, nodes[9]!],
        [...second!, nodes[10]!],
        [...third!, nodes[11]!],
      ],
    };
    expect(plan(twice)).toEqual([]);
    const alike = { ...group!, ids: group!.ids.map(() => group!.ids[0]!) };
    expect(plan(alike)).toEqual([]);
  });

  it('move copies of manifests as well', () => {
    const copies = stripesAmong(3, 60, { k: 1, m: 2 }, 'node').map((group) => ({
      ...group,
      ids: group.ids.map(() => group.ids[0]!),
      live: [[nodes[0]!], [nodes[1]!], [nodes[2]!]],
    }));
    const rule = ruleOf('node');
    const balance = settled(copies, 'node');
    for (const group of copies) {
      const to = movesOf(standingOf(group, rule), options(balance, rule)).map((move) => move.to);
      expect(new Set(to).size).toBe(to.length);
    }
    expect(balance.farthest()).toBe(0);
  });
});

describe('a move that was stopped between copy and release', () => {
  const rule = ruleOf('node');
  const [group] = stripesAmong(6, 1, { k: 4, m: 2 }, 'node');
  const [from] = group!.live[2]!;
  const both = { ...group!, live: group!.live.with(2, [from!, nodes[8]!]) };
  const move = { index: 2, from: from!, to: nodes[8]! };

  const ended = (it: GroupState, ...endings: Ending[]) => endedMoves(it, endings, rule);

  it('is ended when both have the shard, and its new copy alone counts', () => {
    const { moves, after } = ended(both, move);
    expect(moves).toMatchObject([{ ...move, copied: true, id: group!.ids[2] }]);
    expect(after.live).toEqual(group!.live.with(2, [nodes[8]!]));
  });

  it('is nothing when only one has it, or when the rule needs the old copy', () => {
    expect(ended(group!, move)).toEqual({ moves: [], after: group });
    const other = group!.live[3]![0]!;
    const crowded = { ...group!, live: group!.live.with(2, [from!, other]) };
    expect(ended(crowded, { ...move, to: other }).moves).toEqual([]);
  });

  const id = group!.ids[0]!;
  const copies = (at: number[]): GroupState => ({
    ...group!,
    code: { k: 1, m: 2 },
    ids: [id, id, id],
    live: [[nodes[at[0]!]!, ...at.slice(3).map((it) => nodes[it]!)], [nodes[at[1]!]!], [nodes[at[2]!]!]],
  });
  const copyTo = (index: number, at: number, to: number): Ending => ({
    index,
    from: nodes[at]!,
    to: nodes[to]!,
  });

  it('of manifests leaves as many copies as there should be', () => {
    const { moves, after } = ended(copies([0, 1, 2, 5]), copyTo(1, 1, 5));
    expect(moves).toMatchObject([{ from: nodes[1], copied: true }]);
    expect(after.live.flat().sort()).toEqual([nodes[0], nodes[2], nodes[5]].sort());
    expect(ended(copies([0, 1, 2]), copyTo(1, 1, 2)).moves).toEqual([]);
  });

  it('does not give two old copies for one new one', () => {
    // Two runs were stopped: the first had not copied yet, the second moved another copy to the same holder.
    const { moves, after } = ended(copies([0, 1, 2, 5]), copyTo(1, 1, 5), copyTo(2, 2, 5));
    expect(moves).toHaveLength(1);
    expect(after.live.flat()).toHaveLength(3);
    const two = ended(copies([0, 1, 2, 5, 6]), copyTo(1, 1, 5), copyTo(2, 2, 6));
    expect(two.moves).toHaveLength(2);
    expect(two.after.live.flat().sort()).toEqual([nodes[0], nodes[5], nodes[6]].sort());
  });

  it('whatever was noted, the group is as whole as before', () => {
    const ending = fc.record({
      index: fc.integer({ min: 0, max: 5 }),
      from: fc.integer({ min: 0, max: 11 }),
      to: fc.integer({ min: 0, max: 11 }),
    });
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.array(fc.integer({ min: 0, max: 11 }), { maxLength: 5 }),
        fc.array(ending, { maxLength: 12 }),
        (isManifest, extra, noted) => {
          const more = [...new Set(extra)].filter((it) => it > 2);
          const whole = isManifest
            ? copies([0, 1, 2, ...more])
            : {
                ...group!,
                live: group!.live.map((them, at) => [
                  ...new Set([...them, ...(extra[at] === undefined ? [] : [nodes[extra[at]]!])]),
                ]),
              };
          const endings = noted.map(({ index, from: a, to: b }) => ({
            index: index % whole.ids.length,
            from: nodes[a]!,
            to: nodes[b]!,
          }));
          const spare = standingOf(whole, rule);
          const { moves, after } = ended(whole, ...endings.filter((it) => it.from !== it.to));
          if (moves.length === 0) return;
          expect(damageOf(after, rule)).toBeUndefined();
          expect(standingOf(after, rule).spare).toBeGreaterThanOrEqual(Math.min(spare.spare, whole.code.m));
        },
      ),
      { numRuns: 300 },
    );
  });
});

it('ids of the test are as many as they look', () => {
  expect(bytesToHex(Buffer.alloc(1))).toBe('00');
  expect(new Set(Array.from({ length: 100 }, (_, at) => idOf(at >> 3, at & 7))).size).toBe(100);
});
