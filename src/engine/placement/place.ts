/**
 * Where the shards of one stripe go. Pure. The rule that keeps a promise honest: never two shards of a stripe on a node, never more than
 * m in one failure domain of the pool; beyond it only where the caller allowed a degraded placement, and then what that
 * survives is computed, not assumed.
 *
 * Each shard in turn takes the holder it prefers among those the rule allows. That cannot come to a dead end: domains lie within each
 * other (holder ⊂ node ⊂ rack ⊂ zone) and every limit is a count on one of them, so the sets of holders that keep the
 * rule are a laminar matroid, whose maximal sets all have one size. Hence no choice, here or for a spare later, takes a place
 * from another shard, and whenever a whole assignment exists one is found (test/engine/placement holds it against a maximum flow).
 */
import type { PeerId, ShardId } from '../types.ts';
import type { Candidate, PlacementPolicy } from './domains.ts';
import { StripeLoad } from './load.ts';
import { byPreference, preferred } from './prefer.ts';
import { type Point, pointOfShard } from './xor.ts';

export interface StripePlan {
  /** Holder of each shard by index; undefined where the rule leaves none. */
  targets: (PeerId | undefined)[];
  /** Holders with room that the plan does not use. Which of them may stand in for a shard is `spareFor`'s to say. */
  spares: PeerId[];
}

/**
 * Plans one stripe. Shards for which the policy leaves no holder stay without (the last ones first, parity before data) unless
 * `allowDegraded`, which spreads them as evenly as the mesh permits. Copies of one shard (equal ids) never share a holder.
 */
export function planStripe(
  ids: readonly ShardId[],
  shardBytes: number,
  candidates: readonly Candidate[],
  policy: PlacementPolicy,
): StripePlan {
  const room = candidates.filter((candidate) => candidate.freeBytes >= shardBytes);
  const load = new StripeLoad(policy, room);
  const pointsOf = points();
  const targets: (PeerId | undefined)[] = ids.map(() => undefined);
  const place = (index: number, allowed: readonly Candidate[]) => {
    const target = preferred(pointsOf(ids[index]!), allowed);
    if (target === undefined) return;
    targets[index] = target.peer;
    load.add(target.peer);
  };
  for (const index of ids.keys()) {
    place(
      index,
      room.filter((candidate) => load.allows(candidate)),
    );
  }
  if (policy.allowDegraded || policy.domain === 'none') {
    for (const index of ids.keys()) {
      if (targets[index] !== undefined) continue;
      place(index, leastCrowded(beyondRule(ids, index, shardBytes, room, targets, load), load));
    }
  }
  const used = new Set(targets);
  return { targets, spares: room.map(({ peer }) => peer).filter((peer) => !used.has(peer)) };
}

export interface StripeUnderWay {
  ids: readonly ShardId[];
  shardBytes: number;
  policy: PlacementPolicy;
  /** By index: who has the shard or is being sent it now. */
  holders: readonly (PeerId | undefined)[];
}

/**
 * Holders that may take shard `index` in place of its present one, best first, without breaking the rule whatever the others do.
 * @param candidates those the stripe was planned with: places of the present holders are looked up among them
 * @param failed holders that refused or did not answer for this stripe
 */
export function spareFor(
  stripe: StripeUnderWay,
  index: number,
  candidates: readonly Candidate[],
  failed: ReadonlySet<PeerId>,
): PeerId[] {
  const { ids, shardBytes, policy } = stripe;
  const holders = stripe.holders.map((holder, at) => (at === index ? undefined : holder));
  const load = new StripeLoad(policy, candidates);
  for (const holder of holders) if (holder !== undefined) load.add(holder);
  const open = candidates.filter(
    ({ peer, freeBytes }) => freeBytes >= shardBytes && !failed.has(peer) && peer !== stripe.holders[index],
  );
  const target = pointOfShard(ids[index]!);
  const lawful = byPreference(
    target,
    open.filter((candidate) => load.allows(candidate)),
  );
  if (!policy.allowDegraded && policy.domain !== 'none') return lawful.map(({ peer }) => peer);
  const known = new Set(lawful);
  const beyond = byPreference(
    target,
    beyondRule(ids, index, shardBytes, open, holders, load).filter((candidate) => !known.has(candidate)),
  ).sort((a, b) => compareCrowding(load.crowding(a), load.crowding(b)));
  return [...lawful, ...beyond].map(({ peer }) => peer);
}

/** Holders with room for one more shard that do not have this very one. */
function beyondRule(
  ids: readonly ShardId[],
  index: number,
  shardBytes: number,
  candidates: readonly Candidate[],
  holders: readonly (PeerId | undefined)[],
  load: StripeLoad,
): Candidate[] {
  const same = new Set(holders.filter((_holder, at) => at !== index && ids[at] === ids[index]));
  return candidates.filter(
    ({ peer, freeBytes }) => !same.has(peer) && freeBytes >= (load.onHolder(peer) + 1) * shardBytes,
  );
}

function leastCrowded(candidates: readonly Candidate[], load: StripeLoad): Candidate[] {
  let least: readonly number[] | undefined;
  let found: Candidate[] = [];
  for (const candidate of candidates) {
    const crowding = load.crowding(candidate);
    const order = least === undefined ? -1 : compareCrowding(crowding, least);
    if (order < 0) {
      least = crowding;
      found = [];
    }
    if (order <= 0) found.push(candidate);
  }
  return found;
}

function compareCrowding(a: readonly number[], b: readonly number[]): number {
  return a[0]! - b[0]! || a[1]! - b[1]! || a[2]! - b[2]!;
}

/** Copies of a manifest all have one id: hashed once. */
function points(): (id: ShardId) => Point {
  let last: { id: ShardId; point: Point } | undefined;
  return (id) => {
    if (last?.id !== id) last = { id, point: pointOfShard(id) };
    return last.point;
  };
}
