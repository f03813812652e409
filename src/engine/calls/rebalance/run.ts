/** One rebalance of a pool: measured, planned against fair shares, carried out in batches. */
import { LRUCache } from 'lru-cache';
import { DatameshError } from '../../../errors.ts';
import type { PoolRecord } from '../../catalog/catalog.ts';
import type { Progress } from '../../engine.ts';
import type { Claim } from '../../maintenance/custody/custody-store.ts';
import { moveShards, type ShardMove } from '../../maintenance/moving.ts';
import { provedBy } from '../../maintenance/proof/ask.ts';
import { Balance } from '../../maintenance/rebalance/balance.ts';
import { endedMoves, type Move, movesOf } from '../../maintenance/rebalance/moves.ts';
import type { RepairContext } from '../../maintenance/repair.ts';
import { type GroupState, standingOf } from '../../maintenance/repair-plan.ts';
import type { Node } from '../../node.ts';
import type { Pools } from '../../pools/pools.ts';
import { ASK_TIMEOUT_MS } from '../../transfer/limits.ts';
import { type ObjectId, type PeerId, type ShardId, shardIdOf } from '../../types.ts';
import type { RebalanceHolder, RebalanceReport } from '../../views/rebalance.ts';
import { nameOf } from '../put-object.ts';
import type { NotedMove } from './note.ts';
import type { Found } from './walk.ts';

export interface RunContext {
  node: Node;
  pools: Pick<Pools, 'candidates' | 'siteOf'>;
  pool: PoolRecord;
  /** The owner's hand, with the rule of the pool. */
  repair: RepairContext;
  apply: boolean;
  tolerance: number;
  /** Moves of earlier runs that were stopped with them in hand, of any pool. */
  noted: readonly NotedMove[];
  signal: AbortSignal;
  log(text: string): void;
}

/** Copies under way at once. */
const LANES = 4;
/** Lengths of shards of which it is known how one of zeros is called. */
const MAX_LENGTHS = 256;

export class RebalanceRun {
  private readonly balance = new Balance();
  private readonly zeros = new LRUCache<number, ShardId>({ max: MAX_LENGTHS });
  private readonly noted: Map<ObjectId, NotedMove[]>;
  /** Of the noted ones, those in this pool. */
  private readonly met = new Set<ObjectId>();
  private readonly context: RunContext;
  private readonly figures = {
    objects: 0,
    farthest: 0,
    moves: 0,
    moveBytes: 0,
    moved: 0,
    movedBytes: 0,
    failed: 0,
    skipped: 0,
    trafficBytes: 0,
  };
  private expectedBytes = 0;
  private copiedBytes = 0;

  constructor(context: RunContext) {
    this.context = context;
    this.noted = Map.groupBy(context.noted, ({ objectId }) => objectId);
  }

  /** Where copies of the earlier run may be. */
  readonly known = (id: ObjectId): Claim[] =>
    (this.noted.get(id) ?? []).flatMap(({ stripe, index, from, to }) => [
      { stripe, index, holder: to },
      { stripe, index, holder: from },
    ]);

  measure(batch: readonly Found[]): void {
    for (const { entry, groups, ends } of batch) {
      if (ends) this.figures.objects++;
      if (this.noted.has(entry.objectId)) this.met.add(entry.objectId);
      // Copies that are about to be released are not counted.
      for (const group of groups) this.balance.count(this.endedOf(group).after);
    }
  }

  /** All is measured: fair shares are known from here on. */
  settle(): void {
    const { pools, pool, node, repair } = this.context;
    const candidates = pools.candidates(pool).filter(({ peer }) => !repair.rule.leaving(peer));
    const known = new Set(candidates.map(({ peer }) => peer));
    // Those that are full give, and get nothing.
    const full = [...this.balance.before.keys()].flatMap((holder) => {
      const site = known.has(holder) || !this.belongs(holder) ? undefined : pools.siteOf(pool, holder);
      return site === undefined || node.backend(holder) === undefined ? [] : [{ site, freeBytes: 0 }];
    });
    this.balance.settle(pool.domain, [
      ...candidates.map((site) => ({ site, freeBytes: site.freeBytes })),
      ...full,
    ]);
    this.figures.farthest = this.balance.farthest();
    for (const holder of this.balance.before.keys())
      this.expectedBytes += Math.max(0, this.balance.over(holder) ?? 0);
  }

  /** Whether what was noted of the object has been looked at, as it is of this pool. */
  hasMet(id: ObjectId): boolean {
    return this.met.has(id);
  }

  /** Anything is beyond the tolerance, or an earlier run is to be ended. */
  get wanted(): boolean {
    return this.met.size > 0 || this.figures.farthest > this.context.tolerance;
  }

  /** Moves of these objects, counted as done. */
  plan(batch: readonly Found[]): ShardMove[] {
    const { repair, pools, pool } = this.context;
    const { rule } = repair;
    const { balance } = this;
    const candidates = pools.candidates(pool);
    const isShared = (id: ShardId, shardBytes: number) => id === this.zeroShard(shardBytes);
    const moves: ShardMove[] = [];
    for (const { entry, groups } of batch) {
      for (const group of groups) {
        const planned = this.endedOf(group).moves;
        const standing = standingOf(group, rule);
        if (planned.length > 0) moves.push(...planned.map((it) => this.owned(it, entry.owner)));
        else if (standing.missing.length + standing.misplaced.length > 0) this.figures.skipped++;
        else
          for (const move of movesOf(standing, { rule, balance, candidates, isShared }))
            moves.push(this.owned(move, entry.owner));
      }
    }
    this.figures.moves += moves.length;
    for (const { group } of moves) this.figures.moveBytes += group.shardBytes;
    return moves;
  }

  /** Those that did not come about: both holders have the shard, or the old one alone. */
  async carryOut(
    moves: readonly ShardMove[],
    onProgress: (progress: Progress) => void,
  ): Promise<ShardMove[]> {
    const { node, repair, signal, log } = this.context;
    const { figures, balance } = this;
    const call = { timeoutMs: ASK_TIMEOUT_MS, signal };
    const backendOf = (holder: PeerId) => {
      const backend = node.backend(holder);
      if (backend === undefined) throw new DatameshError('peer-unreachable', { what: 'it has left' });
      return backend;
    };
    const { moved, left, trafficBytes } = await moveShards(moves, {
      prove: (holder, shards) =>
        provedBy(node.backend(holder), shards, { random: node.random, memory: node.proofs, signal }),
      announce: (owner, claims) => node.custody.told(owner, claims, signal),
      has: async (holder, id) => (await backendOf(holder).has([id], call))[0] === true,
      release: (holder, id, owner) => backendOf(holder).delete(id, owner, call),
      mayRelease: ({ from, to }) =>
        !repair.rule.leaving(from) && !repair.rule.leaving(to) && node.backend(to) !== undefined,
      copied: ({ group }) => {
        this.copiedBytes += group.shardBytes;
        onProgress(this.progress());
      },
      lanes: LANES,
      signal,
      log,
    });
    figures.moved += moved.length;
    for (const { group } of moved) figures.movedBytes += group.shardBytes;
    figures.failed += left.length;
    figures.trafficBytes += trafficBytes;
    for (const { from, to, group, copied } of left) {
      if (!copied) balance.move(to, from, group.shardBytes);
    }
    return left;
  }

  private progress(): Progress {
    const totalBytes = Math.max(this.copiedBytes, Math.round(this.expectedBytes));
    return { doneBytes: this.copiedBytes, totalBytes, doneItems: this.figures.moved };
  }

  report(): Omit<RebalanceReport, 'durationMs'> {
    const { node, apply, pool, tolerance } = this.context;
    const { balance, figures } = this;
    const holders = [...new Set([...balance.loads.keys(), ...balance.holders()])].map(
      (holder): RebalanceHolder => {
        const before = balance.before.get(holder) ?? { shards: 0, bytes: 0 };
        const after = balance.loads.get(holder) ?? before;
        const fair = balance.fairBytes(holder);
        return {
          holder,
          name: nameOf(node, holder),
          ...before,
          shardsAfter: after.shards,
          bytesAfter: after.bytes,
          fairBytes: fair === undefined ? undefined : Math.round(fair),
        };
      },
    );
    holders.sort((a, b) => b.bytes - a.bytes || (a.holder < b.holder ? -1 : 1));
    return {
      applied: apply,
      pool: pool.name,
      tolerance,
      ...figures,
      farthestAfter: balance.farthest(),
      holders,
    };
  }

  private endedOf(group: GroupState): ReturnType<typeof endedMoves> {
    const noted = (this.noted.get(group.objectId) ?? []).filter(({ stripe }) => stripe === group.stripe);
    return endedMoves(group, noted, this.context.repair.rule);
  }

  private owned(move: Move, owner: ShardMove['owner']): ShardMove {
    return { ...move, owner, repair: this.context.repair };
  }

  private belongs(holder: PeerId): boolean {
    const { rule } = this.context.repair;
    return !rule.leaving(holder) && (rule.members.length === 0 || rule.members.includes(holder));
  }

  /** What pads the last stripe of a small file is one and the same shard for all files, and its holders' claims are, too. */
  private zeroShard(shardBytes: number): ShardId {
    let id = this.zeros.get(shardBytes);
    if (id === undefined) {
      id = shardIdOf(this.context.repair.codec.hash(new Uint8Array(shardBytes)));
      this.zeros.set(shardBytes, id);
    }
    return id;
  }
}
