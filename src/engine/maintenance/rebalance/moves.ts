/** Which shards of a group go where, so that those who carry too much carry less. Pure; never beyond the rule of the pool. */
import type { Candidate } from '../../placement/domains.ts';
import type { PeerId, ShardId } from '../../types.ts';
import { type Damage, damageOf, type GroupState, type Rule, targetsFor } from '../repair-plan.ts';
import type { Balance } from './balance.ts';

export interface Move {
  group: GroupState;
  index: number;
  id: ShardId;
  from: PeerId;
  to: PeerId;
  /** By index: who has the other shards when this one moves. */
  holders: readonly (PeerId | undefined)[];
  /** `to` has it already: it was copied before this node was stopped. */
  copied: boolean;
}

/** A move that was stopped when both holders may have had the shard. */
export interface Ending {
  index: number;
  from: PeerId;
  to: PeerId;
}

export interface MoveRules {
  rule: Rule;
  balance: Balance;
  candidates: readonly Candidate[];
  /** Whether other objects may have this very shard: then a holder must not be made to drop it. */
  isShared(id: ShardId, shardBytes: number): boolean;
}

/**
 * Moves of one group, each of which brings two holders nearer to their fair shares: moving b bytes from one that has p too many to one that has q too
 * many changes the sum of squares of what is too much by 2b(b − (p − q)), so it helps where p − q > b. `balance` counts them as done.
 * @param standing of a group that is whole and keeps the rule
 */
export function movesOf(standing: Damage, { rule, balance, candidates, isShared }: MoveRules): Move[] {
  const { group } = standing;
  const { ids, code, live, shardBytes } = group;
  const over = (holder: PeerId) => balance.over(holder);
  // Of the holders of the group nobody has too much: by far the most frequent case.
  if (!standing.holders.some((holder) => holder !== undefined && (over(holder) ?? 0) > 0)) return [];
  const takers = candidates.filter(({ peer, freeBytes }) => (over(peer) ?? 0) < 0 && freeBytes >= shardBytes);
  if (takers.length === 0) return [];
  // Shards of a stripe that are alike may share a holder with another one's copy: left alone. Replicas are all alike.
  const alone = (id: ShardId) => code.k === 1 || ids.indexOf(id) === ids.lastIndexOf(id);
  const open = new Set(
    [...ids.keys()].filter(
      (index) => live[index]!.length === 1 && alone(ids[index]!) && !isShared(ids[index]!, shardBytes),
    ),
  );
  const holders = [...standing.holders];
  const moves: Move[] = [];
  for (;;) {
    let best: { index: number; from: PeerId; to: PeerId; gain: number } | undefined;
    for (const index of open) {
      const from = holders[index]!;
      const tooMuch = over(from) ?? 0;
      if (tooMuch <= 0) continue;
      const damage = { ...standing, holders, misplaced: [index] };
      for (const to of targetsFor(damage, index, rule, takers, from, NOBODY)) {
        const gain = tooMuch - over(to)! - shardBytes;
        if (!holders.includes(to) && gain > (best?.gain ?? 0)) best = { index, from, to, gain };
      }
    }
    if (best === undefined) return moves;
    const { index, from, to } = best;
    moves.push({ group, index, id: ids[index]!, from, to, holders: [...holders], copied: false });
    balance.move(from, to, shardBytes);
    holders[index] = to;
    open.delete(index);
  }
}

const NOBODY: ReadonlySet<PeerId> = new Set();

/**
 * Moves of earlier runs that were stopped between copy and release, where the group shows both copies and keeps the rule without the old one; and the group as
 * it is with them done. One after another: each of two old copies may be too many, and both not.
 */
export function endedMoves(
  group: GroupState,
  endings: readonly Ending[],
  rule: Rule,
): { moves: Move[]; after: GroupState } {
  const { code, ids } = group;
  const moves: Move[] = [];
  let after = group;
  for (const { index, from, to } of endings) {
    const having = code.k === 1 ? after.live.flat() : (after.live[index] ?? []);
    if (!having.includes(from) || !having.includes(to)) continue;
    const left = having.filter((holder) => holder !== from);
    const live = code.k === 1 ? spread(left, ids.length) : after.live.with(index, left);
    if (live === undefined || damageOf({ ...group, live }, rule) !== undefined) continue;
    after = { ...group, live };
    const holders = live.map((them) => them[0]);
    moves.push({ group, index, id: ids[index]!, from, to, holders, copied: true });
  }
  return { moves, after };
}

/** Replicas at a place each, those in excess at the last; undefined when there are too few. */
function spread(having: readonly PeerId[], places: number): PeerId[][] | undefined {
  if (having.length < places) return undefined;
  return Array.from({ length: places }, (_, at) => having.slice(at, at === places - 1 ? undefined : at + 1));
}
