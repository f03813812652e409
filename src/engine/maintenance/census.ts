/**
 * The census: which shards really exist. Every figure of health comes from here: holders are asked for every shard of
 * every object, and a holder that does not answer counts as holding nothing. Nothing is taken from what was once written.
 */
import type { HealthReport, ObjectState, SpareHistogram } from '../engine.ts';
import type { PeerId } from '../types.ts';
import { batches } from './batches.ts';
import {
  askHolders,
  type CensusGroup,
  type CensusObject,
  type CensusOptions,
  type LiveShards,
  livingIn,
} from './census-ask.ts';

/** Objects are asked for in batches, so that memory does not grow with the catalog. */
const BATCH_OBJECTS = 64;
const WORST_LISTED = 100;

export async function takeCensus(
  objects: AsyncIterable<CensusObject>,
  options: CensusOptions,
): Promise<HealthReport> {
  const startedMs = options.clock.monotonic();
  const report = emptyReport(options);
  const silent = new Set<PeerId>();
  for await (const batch of censusBatches(objects)) {
    const live = await askHolders(batch, options, silent);
    for (const object of batch) countObject(object, live, report);
    options.onProgress?.(report.objects);
  }
  report.sums = options.look?.figures;
  report.silentPeers = [...silent];
  report.worst.sort((a, b) => a.spare - b.spare);
  report.worst.length = Math.min(report.worst.length, WORST_LISTED);
  report.durationMs = options.clock.monotonic() - startedMs;
  return report;
}

export function censusBatches(objects: AsyncIterable<CensusObject>): AsyncGenerator<CensusObject[]> {
  return batches(objects, BATCH_OBJECTS, ({ groups }) => groups?.length ?? 0);
}

export function emptyReport({
  clock,
  depth = 'asked',
}: Pick<CensusOptions, 'clock' | 'depth'>): HealthReport {
  return {
    depth,
    takenAtMs: clock.now(),
    durationMs: 0,
    objects: 0,
    ok: 0,
    degraded: 0,
    critical: 0,
    lost: 0,
    stripes: noStripes(),
    shardsExpected: 0,
    shardsLive: 0,
    silentPeers: [],
    worst: [],
  };
}

/** live − k of a group: distinct shards for a code, distinct replicas for k = 1. */
export function spareOf(group: CensusGroup, live: LiveShards): number {
  return livingIn(group, live).length - group.code.k;
}

/** An object is as healthy as its weakest stripe. `isKept`: custodians have the manifest, so where it has no copies none is to spare, and it is not lost. */
export function stateOf(
  groups: readonly CensusGroup[] | undefined,
  live: LiveShards,
  isKept = false,
): {
  state: ObjectState;
  spare: number;
} {
  if (groups === undefined) return { state: 'lost', spare: -1 };
  let state: ObjectState = 'ok';
  let spare = Number.POSITIVE_INFINITY;
  for (const [at, group] of groups.entries()) {
    const living = spareOf(group, live);
    const isOnlyKept = at === 0 && isKept && living < 0;
    const groupSpare = isOnlyKept ? 0 : living;
    spare = Math.min(spare, groupSpare);
    if (groupSpare < 0) state = 'lost';
    else if (groupSpare === 0 && (group.code.m > 0 || isOnlyKept) && state !== 'lost') state = 'critical';
    else if (groupSpare < group.code.m && state === 'ok') state = 'degraded';
  }
  return { state, spare };
}

/** Adds an object to the figures of a report, as the living shards say that it is. */
export function countObject(object: CensusObject, live: LiveShards, report: HealthReport): void {
  const isKept = live.isKept(object.objectId);
  const { state, spare } = stateOf(object.groups, live, isKept);
  report.objects++;
  report[state]++;
  if (state !== 'ok') report.worst.push({ name: object.name, objectId: object.objectId, spare, state });
  if (report.worst.length > 4 * WORST_LISTED) {
    report.worst.sort((a, b) => a.spare - b.spare);
    report.worst.length = WORST_LISTED;
  }
  const groups = object.groups ?? [];
  // Without its manifest nobody knows which shards are the object's: they may lie about, and are nothing.
  const unreadable = groups[0] === undefined || (!isKept && spareOf(groups[0], live) < 0);
  if (groups.length === 0 && object.known !== undefined) {
    const { code, stripes } = object.known;
    report.shardsExpected += code.m + 1 + stripes * (code.k + code.m);
    report.stripes.lost += stripes;
  }
  for (const [at, group] of groups.entries()) {
    const groupSpare = unreadable ? -group.code.k : spareOf(group, live);
    report.shardsExpected += group.code.k + group.code.m;
    report.shardsLive += groupSpare + group.code.k;
    // The first group is the manifest: its copies are shards on disks, but no stripe of the file.
    if (at > 0) addSpare(report.stripes, groupSpare);
  }
}

export function noStripes(): SpareHistogram {
  return { lost: 0, spare0: 0, spare1: 0, spare2: 0, spare3plus: 0 };
}

export function addSpare(stripes: SpareHistogram, spare: number): void {
  stripes[bucketOf(spare)]++;
}

function bucketOf(spare: number): keyof SpareHistogram {
  if (spare < 0) return 'lost';
  if (spare === 0) return 'spare0';
  if (spare === 1) return 'spare1';
  return spare === 2 ? 'spare2' : 'spare3plus';
}
