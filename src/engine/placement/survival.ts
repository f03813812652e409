/** What a stripe survives, counted in whole failure domains: of a placement as it is, and of any that a policy may make. */
import type { CodeProfile, PeerId } from '../types.ts';
import {
  type Candidate,
  domainCap,
  domainOf,
  LEVELS,
  type Level,
  type Location,
  locate,
  type PlacementPolicy,
  type Site,
  unitOf,
} from './domains.ts';

/** Whole domains of each level that may fail, whichever they are, with the data still readable. */
export type Losses = Record<Level, number>;

/**
 * How many domains may fail, whichever they are, before a stripe has fewer than k shards.
 * @param shardsPerDomain live shards of the stripe in each
 */
export function survivableLosses(code: CodeProfile, shardsPerDomain: Iterable<number>): number {
  const counts = [...shardsPerDomain].sort((a, b) => b - a);
  let live = counts.reduce((sum, count) => sum + count, 0);
  let losses = 0;
  for (const count of counts) {
    live -= count;
    if (live < code.k) break;
    losses++;
  }
  return losses;
}

/**
 * The same of a stripe as it lies, for every level. Holders that `siteOf` does not know any more share the domain of those without a
 * label.
 * @param holders by index; undefined where nobody has the shard
 */
export function lossesOf(
  code: CodeProfile,
  holders: Iterable<PeerId | undefined>,
  siteOf: (peer: PeerId) => Site | undefined,
): Losses {
  const locations: Location[] = [];
  for (const holder of holders) {
    if (holder !== undefined) locations.push(locate(siteOf(holder) ?? { peer: holder }));
  }
  return byLevel((level) => {
    const counts = new Map<string, number>();
    for (const at of locations) counts.set(at[level], (counts.get(at[level]) ?? 0) + 1);
    return survivableLosses(code, counts.values());
  });
}

export function fewerLosses(a: Losses, b: Losses): Losses {
  return byLevel((level) => Math.min(a[level], b[level]));
}

export function byLevel(of: (level: Level) => number): Losses {
  return Object.fromEntries(LEVELS.map((level) => [level, of(level)])) as Losses;
}

/** Most shards of a stripe that the policy lets each of its domains have, by domain. */
export function roomByDomain(
  candidates: readonly Candidate[],
  policy: PlacementPolicy,
): ReadonlyMap<string, number> {
  const units = new Map<string, Set<string>>();
  for (const candidate of candidates) {
    const location = locate(candidate);
    const domain = domainOf(policy.domain, location);
    const known = units.get(domain) ?? new Set<string>();
    units.set(domain, known.add(unitOf(policy.domain, location)));
  }
  const cap = domainCap(policy);
  return new Map([...units].map(([domain, { size }]) => [domain, Math.min(cap, size)]));
}

/**
 * What every whole stripe placed by the policy survives, wherever it lies: the largest number of domains t so that no t of them can be
 * given more shards than m. As the rule's sets are a matroid (place.ts), any t domains filled to their limits are part of some
 * whole placement, so the bound is exact.
 */
export function promisedLosses(candidates: readonly Candidate[], policy: PlacementPolicy): Losses {
  const { code, domain } = policy;
  if (domain === 'none') return byLevel(() => 0);
  const room = roomByDomain(candidates, policy);
  const placeable = [...room.values()].reduce((sum, count) => sum + count, 0);
  const spare = Math.min(code.k + code.m, placeable) - code.k;
  if (spare < 0) return byLevel(() => 0);
  return byLevel((level) => {
    const worst = gains(candidates, policy, level, room);
    let taken = 0;
    let losses = 0;
    for (const gain of worst) {
      taken += gain;
      if (taken > spare) break;
      losses++;
    }
    return losses;
  });
}

/**
 * What each further domain of `level` can add to the shards lost, worst first. Domains of the level that share a domain of the policy share
 * its limit: within it the fuller ones come first and what they add shrinks, so taking the largest gain each time is the worst case.
 */
function gains(
  candidates: readonly Candidate[],
  policy: PlacementPolicy,
  level: Level,
  room: ReadonlyMap<string, number>,
): number[] {
  /** Domain of the level → domain of the policy → units in both. */
  const units = new Map<string, Map<string, Set<string>>>();
  for (const candidate of candidates) {
    const location = locate(candidate);
    const inner = units.get(location[level]) ?? new Map<string, Set<string>>();
    const domain = domainOf(policy.domain, location);
    const known = inner.get(domain) ?? new Set<string>();
    inner.set(domain, known.add(unitOf(policy.domain, location)));
    units.set(location[level], inner);
  }
  const parts = [...units.values()].map((inner) =>
    [...inner].map(([domain, { size }]) => ({ domain, size })),
  );
  const size = (part: { size: number }[]) => part.reduce((sum, each) => sum + each.size, 0);
  parts.sort((a, b) => size(b) - size(a));
  const left = new Map(room);
  return parts
    .map((part) => {
      let gain = 0;
      for (const each of part) {
        const take = Math.min(each.size, left.get(each.domain)!);
        left.set(each.domain, left.get(each.domain)! - take);
        gain += take;
      }
      return gain;
    })
    .sort((a, b) => b - a);
}
