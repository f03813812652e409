/**
 * What is to be repaired, how soon, and where rebuilt shards may go. Pure: from who holds what now, where holders stand and the rule of the object's pool.
 */
import {
  type Candidate,
  type Domain,
  type PlacementPolicy,
  type Site,
  standing,
  standingAt,
} from '../placement/domains.ts';
import { StripeLoad } from '../placement/load.ts';
import { spareFor } from '../placement/place.ts';
import type { CodeProfile, ObjectId, PeerId, ShardId } from '../types.ts';
import { MANIFEST_GROUP } from './custody/custody-store.ts';

/** The shards of a stripe, or the replicas of a manifest (k = 1), as they are. */
export interface GroupState {
  objectId: ObjectId;
  /** MANIFEST_GROUP for the manifest. */
  stripe: number;
  code: CodeProfile;
  shardBytes: number;
  /** By index. */
  ids: readonly ShardId[];
  /** By index: who has the shard now. */
  live: readonly (readonly PeerId[])[];
}

export interface Rule {
  domain: Domain;
  /** Holders that may have shards of the object; none: all. */
  members: readonly PeerId[];
  siteOf(holder: PeerId): Site | undefined;
  /** Holders whose shards are to go elsewhere: they are leaving. */
  leaving(holder: PeerId): boolean;
}

export interface Damage {
  group: GroupState;
  /** Live shards minus k; below 0 nothing can be rebuilt now. */
  spare: number;
  /** Indices that nobody has. */
  missing: number[];
  /** Indices that somebody has who should not: too many in one domain, or on a node, or on one that leaves. */
  misplaced: number[];
  /** Some of what is misplaced is with a holder that leaves and waits for it. */
  isAwaited: boolean;
  /** By index: the holder that counts; of several the one that the rule likes best. Undefined where the shard is missing. */
  holders: (PeerId | undefined)[];
}

/** Undefined when all is well. */
export function damageOf(group: GroupState, rule: Rule): Damage | undefined {
  const standing = standingOf(group, rule);
  return standing.missing.length === 0 && standing.misplaced.length === 0 ? undefined : standing;
}

/**
 * What can be done about it as things are: of fewer than k shards nothing is made, but what lies in the wrong place moves all the same. Of a manifest custodians have
 * a copy themselves. Undefined when nothing can.
 */
export function mendable(damage: Damage): Damage | undefined {
  const { code, stripe, live } = damage.group;
  const readable = live.filter((holders) => holders.length > 0).length;
  if (stripe === MANIFEST_GROUP || readable >= code.k) return damage;
  // Nothing more is lost while these wait, so others come first.
  return damage.misplaced.length === 0 ? undefined : { ...damage, missing: [], spare: code.m };
}

/** Replicas are alike: those of holders that stay count before those of holders that leave. */
function choicesOf({ code, live }: GroupState, rule: Rule): readonly (readonly PeerId[])[] {
  const all = [...new Set(live.flat())];
  if (code.k > 1 || !all.some(rule.leaving)) return live;
  const sorted = [
    ...all.filter((holder) => !rule.leaving(holder)),
    ...all.filter((holder) => rule.leaving(holder)),
  ];
  return live.map((_, at) => [...sorted.slice(at, at + 1), ...(at === 0 ? sorted.slice(live.length) : [])]);
}

/** How a group stands by the rule, whole or damaged. */
export function standingOf(group: GroupState, rule: Rule): Damage {
  const { code, ids } = group;
  const live = choicesOf(group, rule);
  const policy = policyOf(group, rule);
  const load = new StripeLoad(policy, standing(live.flat(), rule.siteOf));
  const holders: (PeerId | undefined)[] = ids.map(() => undefined);
  const misplaced: number[] = [];
  const allowed = (peer: PeerId) =>
    !rule.leaving(peer) &&
    (rule.members.length === 0 || rule.members.includes(peer)) &&
    (policy.domain === 'none'
      ? !(code.k === 1 && holders.includes(peer))
      : load.allows(standingAt({ peer })));
  // Shards with one holder have no choice, so they choose first.
  const byChoice = [...ids.keys()].sort((a, b) => live[a]!.length - live[b]!.length || a - b);
  for (const index of byChoice) {
    const lawful = live[index]!.find(allowed);
    if (lawful === undefined) continue;
    holders[index] = lawful;
    load.add(lawful);
  }
  const missing: number[] = [];
  for (const index of ids.keys()) {
    if (holders[index] !== undefined) continue;
    const [holder] = live[index]!;
    if (holder === undefined) missing.push(index);
    else {
      holders[index] = holder;
      misplaced.push(index);
    }
  }
  // Copies of one shard on one holder are one copy.
  const distinct = new Set(
    holders.map((holder, at) => (holder === undefined ? undefined : `${ids[at]} ${holder}`)),
  );
  distinct.delete(undefined);
  const isAwaited = misplaced.some((index) => rule.leaving(holders[index]!));
  return { group, spare: distinct.size - code.k, missing, misplaced, isAwaited, holders };
}

export interface Grace {
  settleMs: number;
  graceMs: number;
}

/**
 * How long damage is left alone: not at all where the next loss destroys data, a moment once half of the parity is gone, else until a machine that restarts
 * would be back. What only lies in the wrong place has all its shards, so it may wait as well. Where a holder waits to leave, nothing does: what it has is as good
 * as gone, and with what is missing besides it would wait for as long as that.
 */
export function graceOf({ spare, missing, isAwaited, group: { code } }: Damage, grace: Grace): number {
  if (isAwaited) return 0;
  if (missing.length === 0) return grace.graceMs;
  return graceWith(spare, code.m, grace);
}

/** The same of a stripe that lacks shards. The durability model (durability.ts) goes by it, too. */
export function graceWith(spare: number, m: number, { settleMs, graceMs }: Grace): number {
  if (spare <= 0) return 0;
  return spare <= m / 2 ? settleMs : graceMs;
}

/** Least spare first: that is what the next loss would destroy. Of equals, those that lack more. */
export function compareRisk(a: Damage, b: Damage): number {
  return (
    a.spare - b.spare || b.missing.length - a.missing.length || (a.group.objectId < b.group.objectId ? -1 : 1)
  );
}

/**
 * Who may take shard `index`, best first, by the rule of the pool and without anybody in `failed`. The node that rebuilds comes first where it may: what it
 * keeps itself does not travel.
 */
export function targetsFor(
  damage: Damage,
  index: number,
  rule: Rule,
  candidates: readonly Candidate[],
  self: PeerId,
  failed: ReadonlySet<PeerId>,
): PeerId[] {
  const { group, holders, misplaced } = damage;
  const open = candidates.filter(
    ({ peer }) => !rule.leaving(peer) && (rule.members.length === 0 || rule.members.includes(peer)),
  );
  const known = new Set(open.map(({ peer }) => peer));
  const others = standing(
    holders.filter((holder): holder is PeerId => holder !== undefined && !known.has(holder)),
    rule.siteOf,
  );
  // What is to move away does not stand in the way of what comes.
  const staying = holders.map((holder, at) => (misplaced.includes(at) ? undefined : holder));
  // Replicas are one and the same shard: nobody keeps two of it.
  const having = group.code.k === 1 ? group.live.flat() : group.live[index]!;
  const avoided = new Set([...failed, ...having]);
  const found = spareFor(
    { ids: group.ids, shardBytes: group.shardBytes, policy: policyOf(group, rule), holders: staying },
    index,
    [...open, ...others],
    avoided,
  );
  return found.includes(self) ? [self, ...found.filter((peer) => peer !== self)] : found;
}

function policyOf({ code }: GroupState, { domain }: Rule): PlacementPolicy {
  return { code, domain, allowDegraded: false };
}
