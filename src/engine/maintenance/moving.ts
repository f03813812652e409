/**
 * Moves shards from one holder to another: copied by the same hand as repairs, proved by the new holder with a fresh nonce, announced to custodians, and
 * only then released by the old one. Whatever fails on the way, both copies stay.
 */
import { asDatameshError } from '../../errors.ts';
import type { ObjectId, OwnerId, PeerId, ShardId } from '../types.ts';
import type { ClaimsOf } from './custody/custody-store.ts';
import type { Move } from './rebalance/moves.ts';
import { type RepairContext, repairGroup } from './repair.ts';

export interface ShardMove extends Move {
  owner: OwnerId;
  repair: RepairContext;
}

export interface MovingContext {
  /** Which of the shards the holder proves to have now. Throws when it does not answer. */
  prove(
    holder: PeerId,
    shards: readonly { id: ShardId; lengthBytes: number }[],
  ): Promise<ReadonlySet<ShardId>>;
  /** Tells custodians where shards are now: the objects of which at least one has taken it. */
  announce(owner: OwnerId, moves: readonly ClaimsOf[]): Promise<ReadonlySet<ObjectId>>;
  /** The owner's claim at the old holder goes. Throws when it does not answer. */
  release(holder: PeerId, id: ShardId, owner: OwnerId): Promise<boolean>;
  /** Whether the holder says that it has the shard. Throws when it does not answer. */
  has(holder: PeerId, id: ShardId): Promise<boolean>;
  /** Asked last of all, right before the release: neither holder has begun to leave. */
  mayRelease(move: ShardMove): boolean;
  /** A shard is durable at its new holder, as that one says. */
  copied(move: ShardMove): void;
  /** Copies under way at once. */
  lanes: number;
  signal: AbortSignal;
  log(text: string): void;
}

export interface MoveOutcome {
  /** Released by the old holder. */
  moved: ShardMove[];
  /** Nothing changed, or both holders have it now. */
  left: ShardMove[];
  /** Bytes of shards received from and sent to others. */
  trafficBytes: number;
}

export async function moveShards(moves: readonly ShardMove[], context: MovingContext): Promise<MoveOutcome> {
  const outcome: MoveOutcome = { moved: [], left: [], trafficBytes: 0 };
  const copied = await copyAll(moves, context, outcome);
  const proved = await provedOf(copied, context);
  const announced = await announcedOf(proved, context);
  const released = await releaseAll(moves, new Set(announced), context);
  for (const move of moves) (released.has(move) ? outcome.moved : outcome.left).push(move);
  return outcome;
}

/** In order, and of each stripe only up to the first that did not come about: those behind it were planned with it done, and might break the rule without it. */
async function releaseAll(
  moves: readonly ShardMove[],
  announced: ReadonlySet<ShardMove>,
  { signal, has, mayRelease, release, log }: MovingContext,
): Promise<ReadonlySet<ShardMove>> {
  const released = new Set<ShardMove>();
  for (const group of Map.groupBy(moves, (move) => move.group).values()) {
    for (const move of group) {
      signal.throwIfAborted();
      if (!announced.has(move)) break;
      try {
        // Since the proof another device of the owner may have taken the new copy for one too many.
        if (!(await has(move.to, move.id)) || !mayRelease(move)) break;
        await release(move.from, move.id, move.owner);
        released.add(move);
      } catch (error) {
        signal.throwIfAborted();
        log(`${move.from.slice(-8)} keeps its copy: ${asDatameshError(error).message}`);
        break;
      }
    }
  }
  return released;
}

/** Those that the new holder says are durable. Moves of one stripe go one after another: each changes what the rule leaves to the next. */
async function copyAll(
  moves: readonly ShardMove[],
  { lanes, signal, log, copied: told }: MovingContext,
  outcome: MoveOutcome,
): Promise<ShardMove[]> {
  const groups = [...Map.groupBy(moves, ({ group }) => group).values()];
  const copied: ShardMove[] = [];
  const lane = async () => {
    for (let group = groups.shift(); group !== undefined; group = groups.shift()) {
      for (const move of group) {
        signal.throwIfAborted();
        try {
          if (!(move.copied || (await copy(move, outcome)))) break;
          copied.push(move);
          told(move);
        } catch (error) {
          signal.throwIfAborted();
          log(`${move.to.slice(-8)} did not take a shard: ${asDatameshError(error).message}`);
          break;
        }
      }
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return copied;
}

/** To the holder that was chosen, or nobody. */
async function copy(
  { group, index, to, holders, repair }: ShardMove,
  outcome: MoveOutcome,
): Promise<boolean> {
  const damage = {
    group,
    spare: 0,
    missing: [],
    misplaced: [index],
    isAwaited: false,
    holders: [...holders],
  };
  const candidates = () => repair.candidates().filter(({ peer }) => peer === to);
  const { placed, trafficBytes } = await repairGroup(damage, { ...repair, candidates });
  outcome.trafficBytes += trafficBytes;
  return placed.length === 1;
}

async function provedOf(copied: readonly ShardMove[], context: MovingContext): Promise<ShardMove[]> {
  const proved: ShardMove[] = [];
  await Promise.all(
    [...Map.groupBy(copied, ({ to }) => to)].map(async ([holder, theirs]) => {
      try {
        const wanted = theirs.map(({ id, group }) => ({ id, lengthBytes: group.shardBytes }));
        const shown = await context.prove(holder, wanted);
        for (const move of theirs) {
          if (shown.has(move.id)) proved.push(move);
          else context.log(`${holder.slice(-8)} did not prove a shard that it has taken`);
        }
      } catch (error) {
        context.signal.throwIfAborted();
        context.log(`${holder.slice(-8)} proves nothing: ${asDatameshError(error).message}`);
      }
    }),
  );
  return proved;
}

async function announcedOf(proved: readonly ShardMove[], context: MovingContext): Promise<ShardMove[]> {
  const announced: ShardMove[] = [];
  for (const [owner, theirs] of Map.groupBy(proved, (move) => move.owner)) {
    context.signal.throwIfAborted();
    const byObject = Map.groupBy(theirs, ({ group }) => group.objectId);
    const moves = [...byObject].map(([objectId, some]) => ({
      objectId,
      claims: some.map(({ group, index, to }) => ({ stripe: group.stripe, index, holder: to })),
    }));
    const taken = await context.announce(owner, moves);
    for (const [objectId, some] of byObject) {
      if (taken.has(objectId)) announced.push(...some);
      else context.log(`no custodian of ${objectId.slice(0, 12)} has heard where its shards are now`);
    }
  }
  return announced;
}
