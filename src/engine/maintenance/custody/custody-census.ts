/**
 * Where the shards of objects in custody are: the holders of the manifest and of the custodians' claims are asked in batches, then everybody for what is still
 * missing. A holder that does not answer is told apart from one that says no: a busy machine is no loss yet.
 */
import type { Backend } from '../../backends/backend.ts';
import type { Manifest } from '../../codec/manifest.ts';
import { manifestShardId, type ObjectId, type PeerId, type ShardId } from '../../types.ts';
import type { GroupState } from '../repair-plan.ts';
import { type Claim, MANIFEST_GROUP } from './custody-store.ts';

export interface ObjectInCustody {
  objectId: ObjectId;
  manifest: Pick<Manifest, 'code' | 'stripeCount' | 'stripe'>;
  manifestBytes: number;
  claims: readonly Claim[];
}

export interface CensusContext {
  /** Undefined when the holder cannot be asked now. */
  backend(holder: PeerId): Backend | undefined;
  /** Whether the holder could not prove the shard when it was last asked to: then its word counts for nothing. */
  isMissing(holder: PeerId, id: ShardId): boolean;
  /** Whom to ask for what nobody noted has: this node first. */
  everybody(): Backend[];
  timeoutMs: number;
  signal: AbortSignal;
}

export interface ObjectState {
  objectId: ObjectId;
  groups: GroupState[];
  /** Noted holders that did not answer, so that something may be there that was not seen. */
  silent: ReadonlySet<PeerId>;
}

/** Bounds the memory of one question round: 64 bytes for each shard. Objects of more stripes are looked at in parts. */
const STRIPES_PER_LOOK = 4096;
/** Peers asked for shards that nobody noted has. */
const MAX_SEARCHED = 64;

type Group = Omit<GroupState, 'live'>;

/** The groups of an object from stripe `from` on, `count` stripes at most; the manifest's with the first. */
export function groupsFrom(object: ObjectInCustody, from: number, count = STRIPES_PER_LOOK): Group[] {
  const { objectId, manifest } = object;
  const { code } = manifest;
  const groups: Group[] = [];
  if (from === 0) {
    groups.push({
      objectId,
      stripe: MANIFEST_GROUP,
      code: { k: 1, m: code.m },
      shardBytes: object.manifestBytes,
      ids: Array.from({ length: 1 + code.m }, () => manifestShardId(objectId)),
    });
  }
  for (let stripe = from; stripe < Math.min(manifest.stripeCount, from + count); stripe++) {
    const { ids, shardBytes } = manifest.stripe(stripe);
    groups.push({ objectId, stripe, code, shardBytes, ids });
  }
  return groups;
}

export async function lookAt(
  objects: readonly { object: ObjectInCustody; from: number }[],
  context: CensusContext,
): Promise<ObjectState[]> {
  const sightings = new Sightings(context);
  const known = objects.map(({ object, from }) => ({
    object,
    groups: groupsFrom(object, from).map((group) => ({ group, noted: notedHolders(object, group) })),
  }));
  for (const { groups } of known)
    for (const { group, noted } of groups)
      for (const [index, holders] of noted.entries())
        for (const holder of holders) sightings.want(holder, group.ids[index]!);
  await sightings.ask();

  const lacking = new Set<ShardId>();
  for (const { groups } of known)
    for (const { group } of groups)
      for (const [index, live] of liveOf(group, sightings).entries())
        if (live.length === 0) lacking.add(group.ids[index]!);
  if (lacking.size > 0) {
    for (const backend of context.everybody().slice(0, MAX_SEARCHED))
      for (const id of lacking) sightings.want(backend.id, id);
    await sightings.ask();
  }
  return known.map(({ object, groups }) => ({
    objectId: object.objectId,
    groups: groups.map(({ group }) => ({ ...group, live: liveOf(group, sightings) })),
    silent: new Set(
      groups.flatMap(({ noted }) => noted.flat().filter((holder) => sightings.silent.has(holder))),
    ),
  }));
}

/** Looks at all stripes of these objects, all objects side by side, in as many parts as the largest needs; `ends` with the last part of each. */
export async function* lookThrough<T extends { object: ObjectInCustody }>(
  cases: readonly T[],
  context: CensusContext,
): AsyncGenerator<{ one: T; state: ObjectState; ends: boolean }[]> {
  let round: readonly T[] = cases;
  for (let from = 0; round.length > 0; from += STRIPES_PER_LOOK) {
    const states = await lookAt(
      round.map(({ object }) => ({ object, from })),
      context,
    );
    const goesOn = ({ object }: T) => from + STRIPES_PER_LOOK < object.manifest.stripeCount;
    yield round.map((one, at) => ({ one, state: states[at]!, ends: !goesOn(one) }));
    round = round.filter(goesOn);
  }
}

/** By index: who was told to have the shard. */
export function notedHolders(object: ObjectInCustody, group: Group): PeerId[][] {
  const noted: PeerId[][] = group.ids.map(() => []);
  for (const { stripe, index, holder } of object.claims)
    if (stripe === group.stripe && noted[index]?.includes(holder) === false) noted[index].push(holder);
  if (group.stripe === MANIFEST_GROUP) return noted;
  for (const [index, holder] of object.manifest.stripe(group.stripe).holders.entries())
    if (holder !== undefined && !noted[index]!.includes(holder)) noted[index]!.push(holder);
  return noted;
}

/** Whoever was found to have each shard. Replicas are alike: each holder counts for one place, those in excess for the first. */
function liveOf(group: Group, sightings: Sightings): PeerId[][] {
  if (group.code.k > 1) return group.ids.map((id) => sightings.holdersOf(id));
  const live: PeerId[][] = group.ids.map(() => []);
  for (const [at, holder] of sightings.holdersOf(group.ids[0]!).sort().entries())
    (live[at] ?? live[0]!).push(holder);
  return live;
}

/** Questions gathered by holder and asked at once. */
class Sightings {
  /** Holders that were asked, or could not be, without an answer. */
  readonly silent = new Set<PeerId>();
  private readonly wanted = new Map<PeerId, Set<ShardId>>();
  private readonly seen = new Map<ShardId, Set<PeerId>>();
  private readonly asked = new Set<string>();
  private readonly context: CensusContext;

  constructor(context: CensusContext) {
    this.context = context;
  }

  want(holder: PeerId, id: ShardId): void {
    const key = `${holder} ${id}`;
    if (this.asked.has(key)) return;
    this.asked.add(key);
    const ids = this.wanted.get(holder);
    if (ids === undefined) this.wanted.set(holder, new Set([id]));
    else ids.add(id);
  }

  async ask(): Promise<void> {
    const questions = [...this.wanted];
    this.wanted.clear();
    const { timeoutMs, signal } = this.context;
    await Promise.all(
      questions.map(async ([holder, wanted]) => {
        const backend = this.context.backend(holder);
        if (backend === undefined) return;
        const ids = [...wanted];
        try {
          const held = await backend.has(ids, { timeoutMs, signal });
          for (const [at, id] of ids.entries())
            if (held[at] && !this.context.isMissing(holder, id)) this.note(holder, id);
        } catch {
          signal.throwIfAborted();
          this.silent.add(holder);
        }
      }),
    );
  }

  holdersOf(id: ShardId): PeerId[] {
    return [...(this.seen.get(id) ?? [])];
  }

  private note(holder: PeerId, id: ShardId): void {
    const holders = this.seen.get(id);
    if (holders === undefined) this.seen.set(id, new Set([holder]));
    else holders.add(holder);
  }
}
