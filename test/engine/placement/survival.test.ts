import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Candidate, LEVELS, locate } from '../../../src/engine/placement/domains.ts';
import { lossesOf, promisedLosses, survivableLosses } from '../../../src/engine/placement/survival.ts';
import type { PeerId } from '../../../src/engine/types.ts';
import { candidate, lawfulDomains, nodes, obeys } from './meshes.ts';

test('survivable losses equal what trying every set of domains gives', () => {
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
        expect(survivableLosses({ k, m: 0 }, counts)).toBe(bruteForce);
      },
    ),
  );
});

test('10+4 as 5/5/4 over three datacenters survives none of them, and any four nodes', () => {
  const mesh = nodes(14, (i) => ({ zone: i < 5 ? 'a' : i < 10 ? 'b' : 'c', rack: `${i % 2}` }));
  const holders = mesh.map(({ peer }) => peer);
  const siteOf = (peer: PeerId) => mesh.find((one) => one.peer === peer);
  expect(lossesOf({ k: 10, m: 4 }, holders, siteOf)).toEqual({ disk: 4, node: 4, rack: 1, zone: 0 });
  // A node that has left the mesh may stand anywhere: it counts with those that give no zone.
  expect(lossesOf({ k: 10, m: 4 }, holders, () => undefined)).toEqual({ disk: 4, node: 4, rack: 0, zone: 0 });
});

test('what a policy promises is what its worst whole placement survives', () => {
  const site = fc.record({
    zone: fc.constantFrom('a', 'b', 'c'),
    rack: fc.constantFrom('1', '2', undefined),
  });
  const folders = fc.record({
    node: fc.constantFrom('n', 'o', 'p').map((node) => node as PeerId),
    disk: fc.constantFrom('x', 'y', 'z'),
  });
  const mesh = fc.oneof(
    fc.array(site, { maxLength: 8 }).map((sites) => nodes(sites.length, (i) => sites[i]!)),
    fc.array(folders, { maxLength: 8 }).map((sites) => sites.map((at, i) => candidate(`holder${i}`, at))),
  );
  const code = fc.record({ k: fc.integer({ min: 1, max: 4 }), m: fc.integer({ min: 1, max: 3 }) });
  let whole = 0;
  fc.assert(
    fc.property(code, lawfulDomains, mesh, (profile, domain, candidates) => {
      const wanted = profile.k + profile.m;
      const worst = { disk: Infinity, node: Infinity, rack: Infinity, zone: Infinity };
      for (const set of subsets(candidates, wanted)) {
        const holders = set.map(({ peer }) => peer);
        if (!obeys(profile, domain, holders, candidates)) continue;
        for (const level of LEVELS) {
          const counts = [...Map.groupBy(set, (one) => locate(one)[level]).values()];
          const losses = survivableLosses(
            profile,
            counts.map((some) => some.length),
          );
          worst[level] = Math.min(worst[level], losses);
        }
      }
      if (worst.node === Infinity) return;
      whole++;
      const promised = promisedLosses(candidates, { code: profile, domain, allowDegraded: false });
      for (const level of LEVELS) expect(promised[level]).toBeLessThanOrEqual(worst[level]);
      // Exact from the policy's own level upwards.
      for (const level of LEVELS.slice(LEVELS.indexOf(domain as 'disk')))
        expect(promised[level]).toBe(worst[level]);
      expect(promised[domain as 'disk']).toBeGreaterThanOrEqual(1);
    }),
    { numRuns: 500 },
  );
  expect(whole).toBeGreaterThan(50);
});

function subsets(all: readonly Candidate[], size: number): Candidate[][] {
  if (size === 0) return [[]];
  if (all.length < size) return [];
  const [first, ...rest] = all as [Candidate, ...Candidate[]];
  return [...subsets(rest, size - 1).map((set) => [first, ...set]), ...subsets(rest, size)];
}
