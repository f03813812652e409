/**
 * Shards that more holders have than the code asks for: repair made them anew and the old holder came back. Which copy stays is the placement rule's choice; the
 * others are released once the one that stays has proved that it is there.
 */
import { byDistance, type Placed, pointOfShard } from '../../placement/xor.ts';
import type { PeerId, ShardId } from '../../types.ts';
import type { DuplicateReport } from '../../views/cleanup.ts';
import { damageOf, type GroupState, type Rule } from '../repair-plan.ts';

export interface Surplus {
  id: ShardId;
  shardBytes: number;
  /** Who must prove the shard first; of a manifest's copies all of the k + m that stay. */
  keep: PeerId[];
  /** Whose copies go. */
  drop: PeerId[];
}

export interface DuplicateRule extends Rule {
  /** Holders in the key space, for the choice between lawful ones. */
  placed: readonly Placed[];
}

/** What to give back of a group. Nothing where the rule is broken or a shard is missing: that is repair's work, which may need every copy. */
export function surplusOf(
  group: GroupState,
  noted: readonly (PeerId | undefined)[],
  rule: DuplicateRule,
): Surplus[] {
  const { ids, code, shardBytes } = group;
  if (code.k === 1) return surplusCopies(group, noted, rule);
  // Shards that are alike (of a chunk of a few bytes) need a holder each: several holders of one id are no surplus.
  if (new Set(ids).size < ids.length) return [];
  if (group.live.every((holders) => holders.length < 2)) return [];
  // The holder noted at write time first, for readers ask it first; then the closest to the shard, as placement does.
  const live = group.live.map((holders, at) =>
    preferred(holders, ids[at]!, noted[at] === undefined ? [] : [noted[at]], rule),
  );
  const chosen = chooseLawful({ ...group, live }, rule);
  if (chosen === undefined) return [];
  return ids.flatMap((id, at) => {
    const drop = live[at]!.filter((holder) => holder !== chosen[at]);
    return drop.length === 0 ? [] : [{ id, shardBytes, keep: [chosen[at]!], drop }];
  });
}

/** A holder for every shard such that the rule is kept; undefined where the first choices do not give one. */
function chooseLawful(group: GroupState, rule: Rule): PeerId[] | undefined {
  const chosen: PeerId[] = [];
  const held = group.live.map((holders) => [...holders]);
  // One shard after another is pinned to its first holder with which the whole still keeps the rule.
  for (const [at, holders] of held.entries()) {
    const fits = holders.find(
      (holder) => damageOf({ ...group, live: held.with(at, [holder]) }, rule) === undefined,
    );
    if (fits === undefined) return undefined;
    held[at] = [fits];
    chosen.push(fits);
  }
  return chosen;
}

function surplusCopies(
  { ids, live, shardBytes }: GroupState,
  noted: readonly (PeerId | undefined)[],
  rule: DuplicateRule,
): Surplus[] {
  const id = ids[0]!;
  const all = [...new Set(live.flat())];
  if (all.length <= ids.length) return [];
  const order = preferred(
    all,
    id,
    noted.filter((holder) => holder !== undefined),
    rule,
  );
  const stays: PeerId[] = [];
  // The copies that stay must keep the rule as they are; else repair has to move them first.
  for (const holder of order) {
    if (stays.length === ids.length) break;
    const trial = [...stays, holder];
    const copies: GroupState = {
      objectId: '' as never,
      stripe: 0,
      code: { k: 1, m: ids.length - 1 },
      shardBytes,
      ids,
      live: ids.map((_, at) => (trial[at] === undefined ? [] : [trial[at]])),
    };
    if ((damageOf(copies, rule)?.misplaced.length ?? 0) === 0) stays.push(holder);
  }
  if (stays.length < ids.length) return [];
  return [{ id, shardBytes, keep: stays, drop: all.filter((holder) => !stays.includes(holder)) }];
}

function preferred(
  holders: readonly PeerId[],
  id: ShardId,
  noted: readonly PeerId[],
  rule: DuplicateRule,
): PeerId[] {
  const near = byDistance(pointOfShard(id), rule.placed).map(({ peer }) => peer);
  const rank = (holder: PeerId) => {
    if (noted.includes(holder)) return -1;
    const at = near.indexOf(holder);
    return at < 0 ? near.length : at;
  };
  return [...holders].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

export interface ReleaseOptions {
  dryRun: boolean;
  /** Which of the shards the holder proves to have now. */
  proved(
    holder: PeerId,
    shards: readonly { id: ShardId; lengthBytes: number }[],
  ): Promise<ReadonlySet<ShardId>>;
  /** Whether the holder says, just now, that it has the shard. */
  has(holder: PeerId, id: ShardId): Promise<boolean>;
  release(holder: PeerId, id: ShardId): Promise<boolean>;
}

/** Gives back what is proved to be kept, and adds it up. */
export async function releaseSurplus(
  surplus: readonly Surplus[],
  options: ReleaseOptions,
  report: DuplicateReport,
): Promise<void> {
  report.shards += surplus.length;
  const wanted = new Map<PeerId, { id: ShardId; lengthBytes: number }[]>();
  for (const { id, keep, shardBytes } of surplus)
    for (const holder of keep)
      wanted.set(holder, [...(wanted.get(holder) ?? []), { id, lengthBytes: shardBytes }]);
  const proved = new Map<PeerId, ReadonlySet<ShardId>>();
  if (!options.dryRun) {
    await Promise.all(
      [...wanted].map(async ([holder, shards]) => {
        proved.set(holder, await options.proved(holder, shards));
      }),
    );
  }
  for (const { id, keep, drop, shardBytes } of surplus) {
    // Since the proof another device of the owner may have moved the copy that is to stay to one of those that are to go.
    const isThere = async (holder: PeerId) =>
      proved.get(holder)?.has(id) === true && (await options.has(holder, id).catch(() => false));
    const sure = options.dryRun || (await Promise.all(keep.map(isThere))).every((it) => it);
    if (!sure) {
      report.unproved += drop.length;
      continue;
    }
    for (const holder of drop) {
      const gone = options.dryRun || (await options.release(holder, id).catch(() => undefined));
      if (gone === undefined) report.failed++;
      else if (gone) {
        report.released++;
        report.releasedBytes += shardBytes;
      }
    }
  }
}
