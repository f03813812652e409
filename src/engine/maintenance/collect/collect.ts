/**
 * One epoch of mark and sweep, by a node of the owner: every holder lists what it has of him; what nothing refers to is marked there; what an earlier epoch had
 * marked and this one finds dead again goes, after the delay. docs/decisions/self-healing.md "Deleting: never by a clock alone".
 */
import { asDatameshError } from '../../../errors.ts';
import type { Clock } from '../../effects/clock.ts';
import type { PeerId, ShardId } from '../../types.ts';
import type { HolderCleanup, OrphanReport } from '../../views/cleanup.ts';
import type { ListedShard } from './collect-protocol.ts';
import { type CollectCall, type CollectTarget, pagesOf } from './collect-target.ts';

/** What is referred to. Must have been taken whole before the first list is asked for, and go on seeing the puts that run. */
export interface Live {
  has(id: ShardId): boolean;
  objects: number;
  shards: number;
}

export interface CollectOptions {
  epoch: number;
  delayMs: number;
  dryRun: boolean;
  live: Live;
  targets: readonly CollectTarget[];
  nameOf(holder: PeerId): string | undefined;
  /**
   * Of shards that this node knows nothing of: which another node of the owner refers to, and why they must not be swept now (such a node cannot be
   * asked).
   */
  vouched(ids: readonly ShardId[]): Promise<{ live: boolean[]; doubt: string | undefined }>;
  clock: Pick<Clock, 'monotonic'>;
  call: CollectCall;
}

export async function collectOrphans(options: CollectOptions): Promise<OrphanReport> {
  const { epoch, delayMs, live } = options;
  const doubts = new Set<string>();
  const sums = { shardsListed: 0, marked: 0, waiting: 0, swept: 0, sweptBytes: 0 };
  const holders = await Promise.all(
    options.targets.map(async (target) => {
      const one = await collectAt(target, options, doubts);
      sums.shardsListed += one.listed;
      sums.marked += one.marked;
      sums.waiting += one.waiting;
      sums.swept += one.swept;
      sums.sweptBytes += one.sweptBytes;
      const { sweptBytes: _, ...shown } = one;
      return shown;
    }),
  );
  const failed = holders.filter((one) => one.failed !== undefined).length;
  const waits = [...doubts];
  if (sums.waiting > 0 && doubts.size === 0)
    waits.push('the delay since their first mark is not over, or a holder has no room for more marks');
  if (failed > 0)
    waits.push(`${failed} holders did not answer to the end: what they have is looked at next time`);
  return {
    epoch,
    delayMs,
    objectsLive: live.objects,
    shardsLive: live.shards,
    ...sums,
    holders,
    blocked: [],
    waits,
  };
}

async function collectAt(
  target: CollectTarget,
  options: CollectOptions,
  doubts: Set<string>,
): Promise<HolderCleanup & { sweptBytes: number }> {
  const { delayMs, live, call } = options;
  const one: HolderCleanup & { sweptBytes: number } = {
    holder: target.id,
    name: options.nameOf(target.id),
    listed: 0,
    orphans: 0,
    marked: 0,
    waiting: 0,
    swept: 0,
    failed: undefined,
    sweptBytes: 0,
  };
  try {
    for await (const items of pagesOf<ListedShard, ShardId>(
      (cursor) => target.list(cursor, delayMs, call),
      options.clock,
    )) {
      call.signal.throwIfAborted();
      one.listed += items.length;
      await settle(
        target,
        items.filter(({ id }) => !live.has(id)),
        options,
        doubts,
        one,
      );
    }
  } catch (error) {
    call.signal.throwIfAborted();
    one.failed = asDatameshError(error).message;
  }
  return one;
}

async function settle(
  target: CollectTarget,
  unknown: readonly ListedShard[],
  { epoch, delayMs, dryRun, vouched, call }: CollectOptions,
  doubts: Set<string>,
  one: HolderCleanup & { sweptBytes: number },
): Promise<void> {
  if (unknown.length === 0) return;
  const { live, doubt } = await vouched(unknown.map(({ id }) => id));
  const dead = unknown.filter((_, at) => live[at] !== true);
  if (doubt !== undefined) doubts.add(doubt);
  one.orphans += dead.length;
  if (dead.length === 0) return;
  const count = (states: readonly string[], state: string) => states.filter((it) => it === state).length;
  if (dryRun) {
    const states = dead.map(({ state }) => (state === 'ripe' && doubt !== undefined ? 'waits' : state));
    one.marked += count(states, 'none');
    one.waiting += count(states, 'waits');
    const ripe = dead.filter((_, at) => states[at] === 'ripe');
    one.swept += ripe.length;
    one.sweptBytes += sumOf(ripe);
    return;
  }
  const outcomes = await target.mark(
    epoch,
    delayMs,
    dead.map(({ id }) => id),
    call,
  );
  one.marked += count(outcomes, 'marked');
  one.waiting += count(outcomes, 'waits') + count(outcomes, 'full') + count(outcomes, 'named');
  const ripe = dead.filter((_, at) => outcomes[at] === 'ripe');
  if (ripe.length === 0) return;
  if (doubt !== undefined) {
    one.waiting += ripe.length;
    return;
  }
  const swept = await target.sweep(
    epoch,
    delayMs,
    ripe.map(({ id }) => id),
    call,
  );
  const gone = ripe.filter((_, at) => swept[at]);
  one.swept += gone.length;
  one.sweptBytes += sumOf(gone);
  one.waiting += ripe.length - gone.length;
}

function sumOf(shards: readonly ListedShard[]): number {
  return shards.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
}
