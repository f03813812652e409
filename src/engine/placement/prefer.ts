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
  for (const scored of closest(target, candidates)) {
    if (best === undefined || compareScores(target, scored, best) < 0) best = scored;
  }
  return best?.candidate;
}

/** All of them, the preferred first; those beyond the closest follow by distance. */
export function byPreference(target: Point, candidates: readonly Candidate[]): Candidate[] {
  const scored = score(target, candidates).sort((a, b) => compareCloseness(target, a, b));
  const near = scored.slice(0, CLOSEST).sort((a, b) => compareScores(target, a, b));
  return [...near, ...scored.slice(CLOSEST)].map(({ candidate }) => candidate);
}

interface Scored {
  candidate: Candidate;
  distance: number;
  score: number;
}

function score(target: Point, candidates: readonly Candidate[]): Scored[] {
  return candidates.map((candidate) => {
    const distance = distanceShare(target, candidate.point);
    return { candidate, distance, score: -Math.log1p(-distance) / Math.max(1, candidate.freeBytes) };
  });
}

function closest(target: Point, candidates: readonly Candidate[]): Scored[] {
  const scored = score(target, candidates);
  if (scored.length <= CLOSEST) return scored;
  return scored.sort((a, b) => compareCloseness(target, a, b)).slice(0, CLOSEST);
}

function compareCloseness(target: Point, a: Scored, b: Scored): number {
  return a.distance - b.distance || compareDistance(target, a.candidate.point, b.candidate.point);
}

function compareScores(target: Point, a: Scored, b: Scored): number {
  return a.score - b.score || compareCloseness(target, a, b);
}
