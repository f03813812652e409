/**
 * Where the shards of objects in custody are: the holders of the manifest and of the custodians' claims are asked in batches, then everybody for what is still
 * missing. A holder that does not answer is told apart from one that says no: a busy machine is no loss yet. Whose word counts for what: sightings.ts.
 */
import type { Backend } from '../../backends/backend.ts';
import type { Manifest } from '../../codec/manifest.ts';
import { manifestShardId, type ObjectId, type PeerId, type ShardId } from '../../types.ts';
import type { WantedShard } from '../proof/ask.ts';
import type { GroupState } from '../repair-plan.ts';
import { type Claim, MANIFEST_GROUP } from './custody-store.ts';
import { type NotedBy, Sightings, type SightingsContext } from './sightings.ts';

export interface ObjectInCustody {
  objectId: ObjectId;
  manifest: Pick<Manifest, 'code' | 'stripeCount' | 'stripe' | 'peers'>;
  manifestBytes: number;
  claims: readonly Claim[];
}

export interface CensusContext extends SightingsContext {
  /** Whom to ask for what nobody noted has: this node first. */
  everybody(): Backend[];
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
    groups: withNoted(object, groupsFrom(object, from)),
  }));
  for (const { object, groups } of known)
    for (const { group, noted } of groups)
      for (const [index, holders] of noted.entries())
        for (const holder of holders)
          sightings.want(holder, wantedOf(group, index), notedBy(object, group, index, holder));
  await sightings.ask();

  const lacking = new Map<ShardId, WantedShard>();
  for (const { groups } of known)
    for (const { group } of groups)
      for (const [index, live] of liveOf(group, sightings).entries())
        if (live.length === 0) lacking.set(group.ids[index]!, wantedOf(group, index));
  if (lacking.size > 0) {
    for (const backend of context.everybody().slice(0, MAX_SEARCHED))
      for (const shard of lacking.values()) sightings.want(backend.id, shard, 'nobody');
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

/** Each group of the object with who was told to have its shards, by index. */
export function withNoted<G extends Group>(
  { manifest, claims }: ObjectInCustody,
  groups: readonly G[],
): { group: G; noted: PeerId[][] }[] {
  const told = Map.groupBy(claims, ({ stripe }) => stripe);
  return groups.map((group) => {
    const noted: PeerId[][] = group.ids.map(() => []);
    for (const { index, holder } of told.get(group.stripe) ?? [])
      if (noted[index]?.includes(holder) === false) noted[index].push(holder);
    if (group.stripe === MANIFEST_GROUP) return { group, noted };
    for (const [index, holder] of manifest.stripe(group.stripe).holders.entries())
      if (holder !== undefined && !noted[index]!.includes(holder)) noted[index]!.push(holder);
    return { group, noted };
  });
}

/** The manifest's copies are told in claims alone, three for each object: their holders count as the owner's, and custodians have it besides. */
function notedBy({ manifest }: ObjectInCustody, { stripe }: Group, index: number, holder: PeerId): NotedBy {
  if (stripe === MANIFEST_GROUP || manifest.stripe(stripe).holders[index] === holder) return 'owner';
  return 'custodians';
}

function wantedOf({ ids, shardBytes }: Group, index: number): WantedShard {
  return { id: ids[index]!, lengthBytes: shardBytes };
}

/** Whoever was found to have each shard. Replicas are alike: each holder counts for one place, those in excess for the first. */
function liveOf(group: Group, sightings: Sightings): PeerId[][] {
  if (group.code.k > 1) return group.ids.map((id) => sightings.holdersOf(id));
  const live: PeerId[][] = group.ids.map(() => []);
  for (const [at, holder] of sightings.holdersOf(group.ids[0]!).sort().entries())
    (live[at] ?? live[0]!).push(holder);
  return live;
}
