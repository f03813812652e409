/** Who has which shards: the noted holders are asked first, then everybody for what is not there. Silence and a failed proof are absence. */
import { asDatameshError } from '../../errors.ts';
import type { Backend } from '../backends/backend.ts';
import type { Clock } from '../effects/clock.ts';
import type { Random } from '../effects/random.ts';
import type { CodeProfile, ObjectId, PeerId, ShardId } from '../types.ts';
import type { SumFigures } from '../views/health.ts';
import { type OnAttestation, proveShards, type WantedShard } from './proof/ask.ts';
import { showElsewhere } from './proof/elsewhere.ts';
import type { SumGroup } from './proof/fitting.ts';
import type { Look } from './proof/look.ts';
import type { ProofMemory } from './proof/memory.ts';

/** One replicated or coded group of shards: a stripe, or a manifest with k = 1. */
export interface CensusGroup {
  code: CodeProfile;
  /** Where they were when they were written. */
  shards: readonly { id: ShardId; holder: PeerId }[];
  /** Shards that nobody took then; repair may have made them since. */
  unplaced?: readonly ShardId[];
  /** All of them by index; where they are not given, the sums of a code are not compared. */
  ids?: readonly ShardId[] | undefined;
  /** Length of each; undefined where nobody told (a manifest's copies). */
  shardBytes?: number | undefined;
}

export interface CensusObject {
  name: string;
  objectId: ObjectId;
  /** The manifest's replicas first, then the stripes. Undefined when the manifest itself could not be read. */
  groups: readonly CensusGroup[] | undefined;
  /** What the catalog says of it, for an object whose manifest is gone: all of that is missing. */
  known?: { code: CodeProfile; stripes: number } | undefined;
}

/** `asked`: what holders say from their index. `proved`: a slice of each shard, verified. */
export type CensusDepth = 'asked' | 'proved';

export interface CensusOptions {
  clock: Clock;
  backend(peer: PeerId): Backend | undefined;
  /** Everybody who may have what its noted holder has not; nobody when absent. */
  reachable?(): readonly Backend[];
  timeoutMs: number;
  signal: AbortSignal;
  /** `asked` when absent. */
  depth?: CensusDepth | undefined;
  /** For nonces; needed with `proved` or `reachable`. */
  random?: Pick<Random, 'bytes'> | undefined;
  /** Learns from proofs, and where there were none; what it remembers as failed counts as missing when asked. */
  memory?: ProofMemory | undefined;
  /** Called as objects are counted. */
  onProgress?: (objectsDone: number) => void;
  onAttestation?: OnAttestation | undefined;
  /** With depth `proved`: sums are asked for and compared. */
  look?: Look | undefined;
  /** Whether a custodian, none of those that are gone, gave the manifest of an object. Asked where no holder has a copy; nobody is when absent. */
  inCustody?: ((id: ObjectId, isGone: (holder: PeerId) => boolean) => Promise<boolean>) | undefined;
}

/** Which holders really have which of the shards that were asked for. */
export class LiveShards {
  private readonly holders = new Map<ShardId, Set<PeerId>>();
  private readonly inCustody = new Set<ObjectId>();

  /** Custodians have its manifest, which no holder has a copy of. */
  kept(id: ObjectId): void {
    this.inCustody.add(id);
  }

  isKept(id: ObjectId): boolean {
    return this.inCustody.has(id);
  }

  add(holder: PeerId, id: ShardId): void {
    const known = this.holders.get(id);
    if (known === undefined) this.holders.set(id, new Set([holder]));
    else known.add(holder);
  }

  has(holder: PeerId, id: ShardId): boolean {
    return this.holders.get(id)?.has(holder) ?? false;
  }

  drop(holder: PeerId, id: ShardId): void {
    this.holders.get(id)?.delete(holder);
  }

  holdersOf(id: ShardId): PeerId[] {
    return [...(this.holders.get(id) ?? [])];
  }

  /** The same, had some holders nothing. */
  without(isGone: (holder: PeerId) => boolean): LiveShards {
    const rest = new LiveShards();
    for (const [id, holders] of this.holders) {
      for (const holder of holders) if (!isGone(holder)) rest.add(holder, id);
    }
    return rest;
  }
}

/** Asks, to the depth wanted. `silent` gathers noted holders that did not answer. */
export async function askHolders(
  objects: readonly Asked[],
  options: CensusOptions,
  silent: Set<PeerId>,
): Promise<LiveShards> {
  const live = new LiveShards();
  const groups = objects.flatMap((object) => object.groups ?? []);
  for (const some of options.look === undefined ? [groups] : partsOf(groups))
    await askGroups(some, options, silent, live);
  await askCustodians(objects, options, live, () => false);
  return live;
}

type Asked = Pick<CensusObject, 'groups' | 'objectId'>;

/** No shard, but no loss either: custodians put the copies back from what they keep. */
async function askCustodians(
  objects: readonly Asked[],
  { inCustody, signal }: CensusOptions,
  live: LiveShards,
  isGone: (holder: PeerId) => boolean,
): Promise<void> {
  await Promise.all(
    objects.map(async ({ groups, objectId }) => {
      if (groups?.[0] === undefined || livingIn(groups[0], live).length > 0) return;
      if (await inCustody?.(objectId, isGone)) live.kept(objectId);
      signal.throwIfAborted();
    }),
  );
}

async function askGroups(
  groups: readonly CensusGroup[],
  options: CensusOptions,
  silent: Set<PeerId>,
  live: LiveShards,
): Promise<void> {
  const noted = notedIn(groups);
  await Promise.all(
    [...noted].map(async ([holder, wanted]) => {
      const backend = options.backend(holder);
      try {
        if (backend === undefined || !(await ask(backend, [...wanted.values()], options, live)))
          silent.add(holder);
      } catch (error) {
        options.signal.throwIfAborted();
        if (asDatameshError(error).code !== 'cancelled') silent.add(holder);
      }
    }),
  );
  await searchElsewhere(groups, noted, options, live);
  const { look } = options;
  if (look === undefined) return;
  const states = new Map<CensusGroup, keyof SumFigures>();
  let open = groups;
  for (let round = 0; open.length > 0; round++) {
    // What was refuted where it was noted may have been made anew elsewhere since: once more, and what is found there is compared as well.
    if (round > 0) await searchElsewhere(open, noted, options, live);
    const lacking: CensusGroup[] = [];
    for (const [at, settled] of (await look.settle(open.map(sumGroupOf))).entries()) {
      states.set(open[at]!, settled.state);
      for (const { holder, id } of settled.whole) live.add(holder, id);
      const lost = [...settled.refuted, ...settled.unproved];
      for (const { holder, id } of lost) live.drop(holder, id);
      if (lost.length > 0 && round === 0) lacking.push(open[at]!);
    }
    open = lacking;
  }
  for (const state of states.values()) look.figures[state]++;
  look.clear();
}

/** Without ids by index nothing is compared. */
export function sumGroupOf({ code, ids, shards, unplaced }: CensusGroup): SumGroup {
  if (code.k > 1) return { code, ids: ids ?? [] };
  return { code, ids: [...shards.map(({ id }) => id), ...(unplaced ?? [])] };
}

/** Sums are kept until all holders have answered: so many shards at a time are 2 MiB of them, and some questions for each holder. */
const SHARDS_AT_ONCE = 2048;

function* partsOf(groups: readonly CensusGroup[]): Generator<CensusGroup[]> {
  let part: CensusGroup[] = [];
  let shards = 0;
  for (const group of groups) {
    const count = group.code.k + group.code.m;
    if (part.length > 0 && shards + count > SHARDS_AT_ONCE) {
      yield part;
      part = [];
      shards = 0;
    }
    part.push(group);
    shards += count;
  }
  yield part;
}

/** What would be found were some holders gone: what they have is looked for with the others, who may have copies that nobody noted. */
export async function askWithout(
  objects: readonly Asked[],
  live: LiveShards,
  isGone: (holder: PeerId) => boolean,
  options: CensusOptions,
): Promise<LiveShards> {
  const rest = live.without(isGone);
  const reachable = () => (options.reachable?.() ?? []).filter(({ id }) => !isGone(id));
  const groups = objects.flatMap((object) => object.groups ?? []);
  await searchElsewhere(groups, notedIn(groups), { ...options, reachable }, rest);
  await askCustodians(objects, options, rest, isGone);
  return rest;
}

type Noted = ReadonlyMap<PeerId, ReadonlyMap<ShardId, WantedShard>>;

function notedIn(groups: readonly CensusGroup[]): Noted {
  const noted = new Map<PeerId, Map<ShardId, WantedShard>>();
  for (const group of groups) {
    for (const { id, holder } of group.shards) {
      let wanted = noted.get(holder);
      if (wanted === undefined) noted.set(holder, (wanted = new Map()));
      wanted.set(id, { id, lengthBytes: group.shardBytes });
    }
  }
  return noted;
}

/**
 * Shards move when they are repaired: what its noted holder has not may be anywhere, and is asked for everywhere. What is found so is proved, once at either
 * depth.
 */
async function searchElsewhere(
  groups: readonly CensusGroup[],
  noted: Noted,
  options: CensusOptions,
  live: LiveShards,
): Promise<void> {
  const missing = new Map<ShardId, WantedShard>();
  for (const group of groups) {
    for (const [id, copies] of copiesOf(group)) {
      if (live.holdersOf(id).length < copies) missing.set(id, { id, lengthBytes: group.shardBytes });
    }
  }
  if (missing.size === 0) return;
  await Promise.all(
    (options.reachable?.() ?? []).map(async (backend) => {
      const asked = noted.get(backend.id);
      const wanted = [...missing.values()].filter(({ id }) => asked?.has(id) !== true);
      try {
        await ask(backend, wanted, options, live, 'elsewhere');
      } catch {
        options.signal.throwIfAborted();
      }
    }),
  );
}

/**
 * A proof is asked for what the holder says it has: who says that a shard is lost has not lied. False when it left some of these questions open; throws when it
 * answered none.
 */
async function ask(
  backend: Backend,
  wanted: readonly WantedShard[],
  options: CensusOptions,
  live: LiveShards,
  where: 'noted' | 'elsewhere' = 'noted',
): Promise<boolean> {
  if (wanted.length === 0) return true;
  const { signal, timeoutMs, memory, random, onAttestation, look } = options;
  const ids = wanted.map(({ id }) => id);
  const held = await backend.has(ids, { signal, timeoutMs });
  const said = wanted.filter((_, at) => held[at]);
  if (options.depth !== 'proved' && where === 'noted') {
    for (const { id } of said) if (memory?.isMissing(backend.id, id) !== true) live.add(backend.id, id);
    return true;
  }
  if (said.length === 0) return true;
  if (random === undefined) throw new TypeError('a census by proof needs a source of nonces');
  const proofs = { signal, memory, random, onAttestation, look };
  if (where === 'elsewhere') {
    const again = options.depth === 'proved';
    await showElsewhere(backend, said, { ...proofs, again }, (id) => live.add(backend.id, id));
    return true;
  }
  const verdicts = await proveShards(backend, said, { ...proofs, claimed: true });
  for (const [id, verdict] of verdicts) if (verdict === 'proved') live.add(backend.id, id);
  return said.every(({ id }) => verdicts.has(id));
}

/**
 * How many holders a group wants of each id: 1 + m of replicas; of a code as many as it has shards of that id, as the shards of a short chunk may be alike (nothing
 * but padding).
 */
export function copiesOf({ code, shards, unplaced }: CensusGroup): ReadonlyMap<ShardId, number> {
  const copies = new Map<ShardId, number>();
  for (const id of [...shards.map((shard) => shard.id), ...(unplaced ?? [])]) {
    copies.set(id, code.k === 1 ? code.m + 1 : (copies.get(id) ?? 0) + 1);
  }
  return copies;
}

/**
 * The living shards of a group, each with the place where it is: where it was noted if it is there. Alike ones are as many as there are holders of them, and
 * no more than the group has.
 */
export function livingIn(group: CensusGroup, live: LiveShards): { id: ShardId; holder: PeerId }[] {
  return [...copiesOf(group)].flatMap(([id, copies]) => {
    const noted = group.shards.filter((shard) => shard.id === id && live.has(shard.holder, id));
    const holders = new Set([...noted.map(({ holder }) => holder), ...live.holdersOf(id)]);
    return [...holders].slice(0, copies).map((holder) => ({ id, holder }));
  });
}
