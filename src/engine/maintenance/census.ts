/**
 * The census: which shards really exist. Every figure of health comes from here: holders are asked for every shard of
 * every object, and a holder that does not answer counts as holding nothing. Nothing is taken from what was once written.
 */
import { asDatameshError } from '../../errors.ts';
import type { Backend } from '../backends/backend.ts';
import type { Clock } from '../effects/clock.ts';
import type { HealthReport, SpareHistogram } from '../engine.ts';
import type { CodeProfile, ObjectId, PeerId, ShardId } from '../types.ts';

/** One replicated or coded group of shards: a stripe, or a manifest with k = 1. */
export interface CensusGroup {
  code: CodeProfile;
  shards: readonly { id: ShardId; holder: PeerId }[];
}

export interface CensusObject {
  name: string;
  objectId: ObjectId;
  /** The manifest's replicas first, then the stripes. Undefined when the manifest itself could not be read. */
  groups: readonly CensusGroup[] | undefined;
}

export interface CensusOptions {
  clock: Clock;
  backend(peer: PeerId): Backend | undefined;
  timeoutMs: number;
  signal: AbortSignal;
  /** Called as objects are counted. */
  onProgress?: (objectsDone: number) => void;
}

export type ObjectState = 'ok' | 'degraded' | 'critical' | 'lost';

/** Objects are asked for in batches, so that memory does not grow with the catalog. */
const BATCH_OBJECTS = 64;
const WORST_LISTED = 100;

export async function takeCensus(
  objects: AsyncIterable<CensusObject>,
  options: CensusOptions,
): Promise<HealthReport> {
  const startedMs = options.clock.monotonic();
  const report: HealthReport = {
    takenAtMs: options.clock.now(),
    durationMs: 0,
    objects: 0,
    ok: 0,
    degraded: 0,
    critical: 0,
    lost: 0,
    stripes: { lost: 0, spare0: 0, spare1: 0, spare2: 0, spare3plus: 0 },
    shardsExpected: 0,
    shardsLive: 0,
    silentPeers: [],
    worst: [],
  };
  const silent = new Set<PeerId>();
  for await (const batch of batches(objects, BATCH_OBJECTS)) {
    const live = await askHolders(batch, options, silent);
    for (const object of batch) count(object, live, report);
    options.onProgress?.(report.objects);
  }
  report.silentPeers = [...silent];
  report.worst.sort((a, b) => a.spare - b.spare);
  report.worst.length = Math.min(report.worst.length, WORST_LISTED);
  report.durationMs = options.clock.monotonic() - startedMs;
  return report;
}

/** "holder shard" pairs that the holder said it has. */
export async function askHolders(
  objects: readonly CensusObject[],
  options: CensusOptions,
  silent: Set<PeerId>,
): Promise<ReadonlySet<string>> {
  const byHolder = new Map<PeerId, ShardId[]>();
  for (const object of objects) {
    for (const group of object.groups ?? []) {
      for (const { id, holder } of group.shards) {
        const ids = byHolder.get(holder);
        if (ids === undefined) byHolder.set(holder, [id]);
        else ids.push(id);
      }
    }
  }
  const live = new Set<string>();
  await Promise.all(
    [...byHolder].map(async ([holder, ids]) => {
      const backend = options.backend(holder);
      try {
        if (backend === undefined) silent.add(holder);
        else {
          const held = await backend.has(ids, { signal: options.signal, timeoutMs: options.timeoutMs });
          for (const [at, id] of ids.entries()) if (held[at]) live.add(liveKey(holder, id));
        }
      } catch (error) {
        options.signal.throwIfAborted();
        if (asDatameshError(error).code !== 'cancelled') silent.add(holder);
      }
    }),
  );
  return live;
}

export function liveKey(holder: PeerId, id: ShardId): string {
  return `${holder} ${id}`;
}

/** live − k of a group: distinct shards for a code, distinct replicas for k = 1. */
export function spareOf(group: CensusGroup, live: ReadonlySet<string>): number {
  return group.shards.filter(({ id, holder }) => live.has(liveKey(holder, id))).length - group.code.k;
}

/** An object is as healthy as its weakest stripe. */
export function stateOf(
  groups: readonly CensusGroup[] | undefined,
  live: ReadonlySet<string>,
): {
  state: ObjectState;
  spare: number;
} {
  if (groups === undefined) return { state: 'lost', spare: -1 };
  let state: ObjectState = 'ok';
  let spare = Number.POSITIVE_INFINITY;
  for (const group of groups) {
    const groupSpare = spareOf(group, live);
    spare = Math.min(spare, groupSpare);
    if (groupSpare < 0) state = 'lost';
    else if (groupSpare === 0 && group.code.m > 0 && state !== 'lost') state = 'critical';
    else if (groupSpare < group.code.m && state === 'ok') state = 'degraded';
  }
  return { state, spare };
}

function count(object: CensusObject, live: ReadonlySet<string>, report: HealthReport): void {
  const { state, spare } = stateOf(object.groups, live);
  report.objects++;
  report[state]++;
  if (state !== 'ok') report.worst.push({ name: object.name, objectId: object.objectId, spare, state });
  if (report.worst.length > 4 * WORST_LISTED) {
    report.worst.sort((a, b) => a.spare - b.spare);
    report.worst.length = WORST_LISTED;
  }
  for (const [at, group] of (object.groups ?? []).entries()) {
    const groupSpare = spareOf(group, live);
    report.shardsExpected += group.code.k + group.code.m;
    report.shardsLive += groupSpare + group.code.k;
    // The first group is the manifest: its copies are shards on disks, but no stripe of the file.
    if (at > 0) report.stripes[bucketOf(groupSpare)]++;
  }
}

function bucketOf(spare: number): keyof SpareHistogram {
  if (spare < 0) return 'lost';
  if (spare === 0) return 'spare0';
  if (spare === 1) return 'spare1';
  return spare === 2 ? 'spare2' : 'spare3plus';
}

async function* batches<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length === size) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}
