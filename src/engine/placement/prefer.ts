/** Whom a shard prefers among the holders that may take it: the closest ones, and of those the ones with more room. */
import type { Candidate } from './domains.ts';
import { compareDistance, distanceShare, type Point } from './xor.ts';

/** Kademlia's bucket size: a search for a key finds about so many closest nodes, so shards stay among them. */
const CLOSEST = 20;

/**
 * Of the ~20 closest the one with the smallest −ln(1 − distance) / free bytes (weighted rendezvous hashing: distances of random points are
 * uniform, so −ln(1 − d) is exponential, and the minimum over w falls to each holder with a chance in proportion to its w).
 * With equal free space that is the closest one. Undefined when there is none.
 */
export function preferred(target: Point, candidates: readonly Candidate[]): Candidate | undefined {
  if (candidates.length < 2) return candidates[0];
  let best: Scored | undefined;
  for (const one of closest(target, candidates)) {
    if (best === undefined || compareScores(target, one, best) < 0) best = one;
  }
  return best?.candidate;
}

/** All of them, the preferred first; those beyond the closest follow by distance. */
export function byPreference(target: Point, candidates: readonly Candidate[]): Candidate[] {
  const sorted = candidates
    .map((candidate) => scored({ candidate, distance: distanceShare(target, candidate.point) }))
    .sort((a, b) => compareCloseness(target, a, b));
  const near = sorted.slice(0, CLOSEST).sort((a, b) => compareScores(target, a, b));
  return [...near, ...sorted.slice(CLOSEST)].map(({ candidate }) => candidate);
}

interface Near {
  candidate: Candidate;
  distance: number;
}

interface Scored extends Near {
  score: number;
}

/** The closest ones, closest first: by insertion, since sorting hundreds of nodes for each shard would cost more than coding it. */
function closest(target: Point, candidates: readonly Candidate[]): Scored[] {
  const near: Near[] = [];
  for (const candidate of candidates) {
    const one = { candidate, distance: distanceShare(target, candidate.point) };
    if (near.length === CLOSEST && compareCloseness(target, one, near[CLOSEST - 1]!) >= 0) continue;
    let at = near.length;
    while (at > 0 && compareCloseness(target, one, near[at - 1]!) < 0) at--;
    near.splice(at, 0, one);
    if (near.length > CLOSEST) near.pop();
  }
  return near.map(scored);
}

function scored({ candidate, distance }: Near): Scored {
  return { candidate, distance, score: -Math.log1p(-distance) / Math.max(1, candidate.freeBytes) };
}

function compareCloseness(target: Point, a: Near, b: Near): number {
  return a.distance - b.distance || compareDistance(target, a.candidate.point, b.candidate.point);
}

function compareScores(target: Point, a: Scored, b: Scored): number {
  return a.score - b.score || compareCloseness(target, a, b);
}
