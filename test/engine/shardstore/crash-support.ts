/** A workload recorded on the model disk, and what must be true of the store after a crash at any of its effects. */

import { shardIdOfBytes } from '../../../src/engine/codec/hash.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { openShardStore, type SegmentStore } from '../../../src/engine/shardstore/segment-store.ts';
import { openSnapshotIndex } from '../../../src/engine/shardstore/snapshot-index.ts';
import type { OwnerId, ShardId } from '../../../src/engine/types.ts';
import { pick, randomShake, type Shake } from '../../support/model-crash.ts';
import { type Effect, ModelDisk, type Operation } from '../../support/model-disk.ts';
import { OWNER_A, OWNER_B, type Shard, SMALL_LIMITS, seeded, shard } from './shards.ts';

const DIR = '/data/shards';
const FAULTY: Operation[] = ['write', 'datasync', 'truncate', 'syncDir'];
const CLIENTS = 6;
const SHARDS_PER_CLIENT = 5;

export interface WorkloadOptions {
  seed: number;
  /** snapshot: checkpoints on the model disk; none: every opening reads the whole log. */
  index: 'snapshot' | 'none';
  /** Some writes and datasyncs fail. */
  faults: boolean;
  operations: number;
}

interface Step {
  kind: 'put' | 'delete';
  owner: OwnerId;
  /** Effects done when it was asked for, and when it was acknowledged; undefined = refused. */
  askedAt: number;
  acknowledgedAt: number | undefined;
}

export interface RecordedRun {
  options: WorkloadOptions;
  trace: Effect[];
  shards: Shard[];
  steps: Map<ShardId, Step[]>;
  /** `overlaps`: writes to a file, or halves of them, while a datasync of it ran that does not cover them. */
  figures: { acknowledged: number; refused: number; segmentsRemoved: number; overlaps: number };
}

export function openOn(disk: ModelDisk, index: WorkloadOptions['index']): Promise<SegmentStore> {
  return openShardStore({
    dir: DIR,
    disk,
    clock: realClock(),
    random: { bytes: (length) => new Uint8Array(length).fill(7), fraction: () => 0 },
    idOf: shardIdOfBytes,
    quotaBytes: 1e9,
    reserveFraction: 0,
    limits: { ...SMALL_LIMITS, segmentBytes: 8192, compactionBytesPerSecond: 1e12 },
    openIndex: (dir) => openSnapshotIndex(disk, index === 'snapshot' ? `${dir}.json` : undefined),
  });
}

/** Several clients, each with shards of its own, put and delete for two owners; compaction runs beside them. */
export async function recordWorkload(options: WorkloadOptions): Promise<RecordedRun> {
  const fraction = seeded(options.seed);
  const disk = new ModelDisk();
  const trace: Effect[] = [];
  disk.trace = trace;
  const store = await openOn(disk, options.index);
  // Writes and syncs that take their time, so that they overlap as on a real disk.
  disk.turns = (operation) => Math.floor(fraction() * (operation === 'datasync' ? 6 : 3));
  if (options.faults) {
    disk.fault = (operation) =>
      FAULTY.includes(operation) && fraction() < 0.12 ? pick(fraction, ['EIO', 'ENOSPC']) : undefined;
  }
  const shards = Array.from({ length: CLIENTS * SHARDS_PER_CLIENT }, (_, at) =>
    shard(options.seed * 1000 + at, Math.floor(fraction() ** 3 * 3000)),
  );
  const steps = new Map<ShardId, Step[]>();
  const figures = { acknowledged: 0, refused: 0, segmentsRemoved: 0, overlaps: 0 };
  const client = async (mine: Shard[]) => {
    let refused: { it: Shard; owner: OwnerId; kind: Step['kind'] } | undefined;
    for (let count = 0; count < options.operations / CLIENTS; count++) {
      // After a refusal often the contrary of the same shard: what was refused must not come back later.
      const contrary = refused !== undefined && fraction() < 0.7 ? refused : undefined;
      const it = contrary?.it ?? pick(fraction, mine);
      const { id, bytes } = it;
      const owner = contrary?.owner ?? (fraction() < 0.7 ? OWNER_A : OWNER_B);
      const wish = fraction() < 0.55 ? 'put' : 'delete';
      const kind = contrary === undefined ? wish : contrary.kind === 'put' ? 'delete' : 'put';
      refused = undefined;
      const step: Step = { kind, owner, askedAt: trace.length, acknowledgedAt: undefined };
      steps.set(id, [...(steps.get(id) ?? []), step]);
      try {
        await (kind === 'put' ? store.put({ id, bytes, owner }) : store.delete(id, owner));
        step.acknowledgedAt = trace.length;
        figures.acknowledged += 1;
      } catch {
        figures.refused += 1;
        refused = { it, owner, kind };
      }
    }
  };
  const clients = Array.from({ length: CLIENTS }, (_, at) =>
    client(shards.slice(at * SHARDS_PER_CLIENT, (at + 1) * SHARDS_PER_CLIENT)),
  );
  await Promise.all(clients);
  await store.compact().catch(() => 0);
  await store.close();
  figures.segmentsRemoved = trace.filter((it) => it.kind === 'remove' && it.path.endsWith('.seg')).length;
  figures.overlaps = countOverlaps(trace);
  return { options, trace, shards, steps, figures };
}

function countOverlaps(trace: readonly Effect[]): number {
  const syncing = new Set<number>();
  let overlaps = 0;
  for (const effect of trace) {
    if (effect.kind === 'beginSync') syncing.add(effect.inode);
    if (effect.kind === 'datasync' || effect.kind === 'failedSync') syncing.delete(effect.inode);
    if (effect.kind === 'change' && syncing.has(effect.inode)) overlaps += 1;
  }
  return overlaps;
}

/** The sets of owners that `id` may have after a crash when `done` effects had happened, as sorted joined text. */
function allowedOwners(steps: readonly Step[], done: number): Set<string> {
  let states = new Set(['']);
  for (const step of steps) {
    if (step.askedAt > done) break;
    const after = new Set([...states].map((state) => applyStep(state, step)));
    const certain = step.acknowledgedAt !== undefined && step.acknowledgedAt <= done;
    states = certain ? after : new Set([...states, ...after]);
  }
  return states;
}

function applyStep(state: string, { kind, owner }: Step): string {
  const owners = new Set(state === '' ? [] : state.split(','));
  if (kind === 'put') owners.add(owner);
  else owners.delete(owner);
  return [...owners].sort().join(',');
}

export interface CrashOutcome {
  states: number;
  /** Crashes during the opening after a crash. */
  stoppedRecoveries: number;
}

/** Opens the store after crashes at every prefix of the trace; throws with seed, prefix and shake on the first lie. */
export async function checkCrashes(
  run: RecordedRun,
  limits: { maxStates: number; statesPerPrefix: number },
): Promise<CrashOutcome> {
  const fraction = seeded(run.options.seed * 7919);
  const disk = new ModelDisk();
  const outcome: CrashOutcome = { states: 0, stoppedRecoveries: 0 };
  for (let done = 0; done <= run.trace.length; done++) {
    for (let count = 0; count < limits.statesPerPrefix && outcome.states < limits.maxStates; count++) {
      const shake = randomShake(fraction);
      const where = `seed ${run.options.seed}, effect ${done}, ${JSON.stringify(shake)}`;
      // A third is a process killed: its successor finds the page cache, and then the power may go.
      let crashed = fraction() < 0.33 ? disk.kill() : disk.crash(shake);
      if (fraction() < 0.25) {
        crashed = await stopWhileOpening(crashed, run, fraction);
        outcome.stoppedRecoveries += 1;
      }
      await checkState(crashed, run, done, fraction).catch((error: unknown) => {
        throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
      });
      outcome.states += 1;
    }
    const effect = run.trace[done];
    if (effect !== undefined) disk.apply(effect);
  }
  return outcome;
}

async function stopWhileOpening(
  disk: ModelDisk,
  run: RecordedRun,
  fraction: () => number,
): Promise<ModelDisk> {
  disk.effectsLeft = Math.floor(fraction() * 9);
  const store = await openOn(disk, run.options.index).catch(() => undefined);
  const crashed = fraction() < 0.33 ? disk.kill() : disk.crash(randomShake(fraction));
  await store?.close().catch(() => undefined);
  return crashed;
}

async function checkState(
  disk: ModelDisk,
  run: RecordedRun,
  done: number,
  fraction: () => number,
): Promise<void> {
  let store = await openOn(disk, run.options.index);
  const owners = await checkContents(store, run, (steps) => allowedOwners(steps, done));
  // The store must also work: a new shard, one deletion, and both must survive the next crash, and so must the rest.
  const fresh = shard(1_000_000 + done, 200);
  await store.put({ ...fresh, owner: OWNER_B });
  const victim = run.shards.find(({ id }) => owners.get(id) === OWNER_A);
  if (victim !== undefined) await store.delete(victim.id, OWNER_A);
  const lost: Shake = { ...randomShake(fraction), mode: fraction() < 0.5 ? 'lost' : 'mixed' };
  const again = disk.crash(lost);
  await store.close();
  store = await openOn(again, run.options.index);
  if (!equal(await store.get(fresh.id), fresh.bytes)) throw new Error('a put after the crash was lost');
  await checkContents(store, run, (_steps, id) => new Set([id === victim?.id ? '' : (owners.get(id) ?? '')]));
  await store.close();
}

/** Throws unless every shard has owners that are allowed and reads back; returns the owners found. */
async function checkContents(
  store: SegmentStore,
  run: RecordedRun,
  allowed: (steps: readonly Step[], id: ShardId) => Set<string>,
): Promise<Map<ShardId, string>> {
  const found = new Map<ShardId, string>();
  const bytesByOwner = new Map<OwnerId, number>();
  for (const { id, bytes } of run.shards) {
    const owners = [...(store.stat(id)?.owners ?? [])].sort();
    const text = owners.join(',');
    const expected = allowed(run.steps.get(id) ?? [], id);
    if (!expected.has(text)) {
      throw new Error(
        `shard ${id.slice(0, 8)} has owners [${text}], allowed [${[...expected].join('] or [')}]`,
      );
    }
    found.set(id, text);
    const read = await store.get(id);
    if (owners.length > 0 && !equal(read, bytes))
      throw new Error(`shard ${id.slice(0, 8)} does not read back`);
    if (owners.length === 0 && read !== undefined)
      throw new Error(`shard ${id.slice(0, 8)} is read though gone`);
    for (const owner of owners) bytesByOwner.set(owner, (bytesByOwner.get(owner) ?? 0) + bytes.length);
  }
  for (const owner of [OWNER_A]) {
    const expected = bytesByOwner.get(owner) ?? 0;
    if (store.ownerBytes(owner) !== expected) {
      throw new Error(`owner has ${store.ownerBytes(owner)} bytes, its shards ${expected}`);
    }
  }
  return found;
}

function equal(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0;
}
