/** Which shards of a group go where, so that those who carry too much carry less. Pure; never beyond the rule of the pool. */
import type { Candidate } from '../../placement/domains.ts';
import type { PeerId, ShardId } from '../../types.ts';
import { type Damage, damageOf, type GroupState, type Rule, targetsFor } from '../repair-plan.ts';
import type { Balance, Ending } from './balance.ts';

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
 * A move of an earlier run that was stopped between copy and release, where the group shows both copies and keeps the rule without the old one. Undefined
 * where there is nothing to be ended. The balance counts it as done from the start.
 */
export function endedMove(group: GroupState, { index, from, to }: Ending, rule: Rule): Move | undefined {
  const { code, ids, live } = group;
  const having = code.k === 1 ? live.flat() : (live[index] ?? []);
  if (!having.includes(from) || !having.includes(to)) return undefined;
  const without = code.k === 1 ? spread(having, from, ids.length) : live.with(index, [to]);
  const after = without && { ...group, live: without };
  if (after === undefined || damageOf(after, rule) !== undefined) return undefined;
  const holders = without!.map((them) => them[0]);
  return { group, index, id: ids[index]!, from, to, holders, copied: true };
}

/** Replicas without one of their holders, a place each; undefined when there are then too few. */
function spread(having: readonly PeerId[], without: PeerId, places: number): PeerId[][] | undefined {
  const left = having.filter((holder) => holder !== without);
  if (left.length < places) return undefined;
  return Array.from({ length: places }, (_, at) => left.slice(at, at === places - 1 ? undefined : at + 1));
}
