/** `repair` on a running node: the owner's own hand where custodians would act by themselves, and at once. */
import { asDatameshError, DatameshError } from '../../errors.ts';
import type { CallOptions } from '../engine.ts';
import { batches } from '../maintenance/batches.ts';
import {
  type CensusContext,
  lookThrough,
  type ObjectInCustody,
  type ObjectState,
} from '../maintenance/custody/custody-census.ts';
import { type Claim, MANIFEST_GROUP } from '../maintenance/custody/custody-store.ts';
import { LATE, Silences } from '../maintenance/custody/silences.ts';
import { type RepairContext, repairGroup } from '../maintenance/repair.ts';
import { compareRisk, type Damage, damageOf } from '../maintenance/repair-plan.ts';
import { RateLimit } from '../mesh/rate-limit.ts';
import type { Node } from '../node.ts';
import type { Pools } from '../pools/pools.ts';
import { ASK_TIMEOUT_MS, PUT_TIMEOUT_MS } from '../transfer/limits.ts';
import { shardIdOf } from '../types.ts';
import type { RepairItem, RepairQuery, RepairReport } from '../views/repair.ts';
import type { CurrentObject, Objects } from './objects.ts';
import type { Proving } from './proving.ts';
import { ownerOf } from './put-object.ts';

export type Repairing = (query: RepairQuery, call: CallOptions) => Promise<RepairReport>;

/** Objects whose holders are asked together. */
const OBJECTS_AT_ONCE = 64;
const LISTED = 100;

export function repairer(
  node: Node,
  pools: Pools,
  objects: Pick<Objects, 'current'>,
  { verify }: Pick<Proving, 'verify'>,
): Repairing {
  return async ({ ref, pool, apply, checkIntegrity }, call) => {
    const signal = call.signal ?? new AbortController().signal;
    const startedMs = node.clock.monotonic();
    const report: RepairReport = {
      applied: apply === true,
      objects: 0,
      damaged: 0,
      shardsMissing: 0,
      shardsMisplaced: 0,
      shardsRebuilt: 0,
      shardsMoved: 0,
      shardsUnplaced: 0,
      stripesLost: 0,
      trafficBytes: 0,
      durationMs: 0,
      worst: [],
    };
    // Holders look at every byte of it and set aside what has rotted; what they cannot show is remembered as missing.
    if (checkIntegrity) await verify({ ref, pool }, { ...call, signal });
    const { onLine } = call;
    const late = new Silences(node.clock, LATE);
    const run = { node, pools, report, signal, late, apply: apply === true, onLine };
    const progress = () =>
      call.onProgress?.({
        doneBytes: report.trafficBytes,
        totalBytes: undefined,
        doneItems: report.objects,
      });
    const current = objects.current({ ref, pool }, signal);
    for await (const batch of batches(current, OBJECTS_AT_ONCE, ({ entry }) => entry.stripes)) {
      await repairBatch(batch, run);
      progress();
    }
    report.worst.sort((a, b) => a.spare - b.spare || b.missing - a.missing);
    report.worst.length = Math.min(report.worst.length, LISTED);
    report.durationMs = node.clock.monotonic() - startedMs;
    return report;
  };
}

interface Run extends OwnersHand {
  report: RepairReport;
  apply: boolean;
  onLine: CallOptions['onLine'];
}

async function repairBatch(batch: readonly CurrentObject[], run: Run): Promise<void> {
  const { node, report, signal } = run;
  report.objects += batch.length;
  const readable = batch.flatMap(({ entry, manifest }) => {
    if (manifest !== undefined) return [{ entry, manifest }];
    report.stripesLost += Math.max(1, entry.stripes);
    report.damaged++;
    return [];
  });
  const cases = readable.map(({ entry, manifest }) => {
    const claims = entry.manifestHolders.map((holder, index) => ({ stripe: MANIFEST_GROUP, index, holder }));
    // How long a manifest is only its holders know; placement asks for room for one byte.
    const object: ObjectInCustody = { objectId: entry.objectId, manifest, manifestBytes: 1, claims };
    return { object, entry, damaged: false };
  });
  for await (const part of lookThrough(cases, censusOf(node, signal))) {
    for (const { one, state } of part) {
      const damages = await repairObject(one.entry, state, run);
      if (damages > 0 && !one.damaged) report.damaged++;
      one.damaged ||= damages > 0;
    }
  }
}

/** What the owner's own look at where shards are needs of a node. */
export function censusOf(node: Node, signal: AbortSignal): CensusContext {
  return {
    self: node.net.self,
    backend: node.backend,
    everybody: node.reachable,
    memory: node.proofs,
    random: node.random,
    timeoutMs: ASK_TIMEOUT_MS,
    signal,
  };
}

/** How many of its groups are damaged. */
async function repairObject(entry: CurrentObject['entry'], state: ObjectState, run: Run): Promise<number> {
  const { node, report, signal, apply } = run;
  const context = repairContextOf(entry, run);
  const damages = state.groups.flatMap((group) => damageOf(group, context.rule) ?? []).sort(compareRisk);
  const moves: Claim[] = [];
  for (const damage of damages) {
    report.shardsMissing += damage.missing.length;
    report.shardsMisplaced += damage.misplaced.length;
    // Of a manifest custodians have a copy themselves, and pools with folders they do not repair.
    const kept =
      damage.group.stripe === MANIFEST_GROUP && damage.spare < 0
        ? await node.custody.manifest(entry.owner, entry.objectId, signal)
        : undefined;
    const isLost = damage.spare < 0 && kept === undefined;
    if (isLost) report.stripesLost++;
    list(itemOf(entry, damage), report);
    if (!apply || isLost)
      run.onLine?.(
        `${entry.name}, ${groupText(damage)}: ${damage.missing.length} shards missing, spare ${damage.spare}`,
        isLost ? 'error' : 'warn',
      );
    if (!apply || isLost) continue;
    try {
      const { placed, unplaced, trafficBytes } = await repairGroup(damage, {
        ...context,
        manifest: () => kept,
      });
      for (const { index, holder, moved } of placed) {
        if (moved) report.shardsMoved++;
        else report.shardsRebuilt++;
        moves.push({ stripe: damage.group.stripe, index, holder });
      }
      report.shardsUnplaced += unplaced.length;
      report.trafficBytes += trafficBytes;
      run.onLine?.(
        `${entry.name}, ${groupText(damage)}: ${placed.length} shards rebuilt or moved, ${unplaced.length} without a place`,
        unplaced.length > 0 ? 'warn' : 'info',
      );
    } catch (error) {
      signal.throwIfAborted();
      report.shardsUnplaced += damage.missing.length + damage.misplaced.length;
      const text = `${entry.name}: ${asDatameshError(error).message}`;
      node.events.add('warn', 'repair', text);
      run.onLine?.(text, 'warn');
    }
  }
  if (moves.length > 0)
    await node.custody.told(entry.owner, [{ objectId: entry.objectId, claims: moves }], signal);
  return damages.length;
}

export interface OwnersHand {
  node: Node;
  pools: Pick<Pools, 'poolOrDefault' | 'candidates' | 'siteOf'>;
  signal: AbortSignal;
  /** Bytes a second; no cap when absent. */
  rate?: RateLimit | undefined;
  /** Shared by all objects of a run. */
  late?: Silences | undefined;
}

/** What the owner's node needs to repair and move shards of an object: the rule of its pool, and `put` where custodians adopt. */
export function repairContextOf(
  entry: Pick<CurrentObject['entry'], 'pool'>,
  { node, pools, signal, rate, late = new Silences(node.clock, LATE) }: OwnersHand,
): RepairContext {
  const owner = ownerOf(node);
  const pool = pools.poolOrDefault(entry.pool);
  const holders = pool.folders.map(({ holder }) => holder);
  return {
    self: node.net.self,
    codec: node.codec,
    backend: node.backend,
    candidates: () => pools.candidates(pool),
    rule: {
      domain: pool.domain,
      members: pool.nodes === 'all' ? [] : [...holders, ...pool.nodes],
      siteOf: (holder) => pools.siteOf(pool, holder),
      leaving: (holder) => node.membership.member(holder)?.state === 'draining',
    },
    // The owner's device may put what is his.
    async adopt(holder, _id, _place, bytes) {
      const backend = node.backend(holder);
      if (backend === undefined) throw new DatameshError('peer-unreachable', { what: 'the holder has left' });
      const shard = shardIdOf(node.codec.hash(bytes));
      await backend.put(shard, bytes, owner.ownerId, { timeoutMs: PUT_TIMEOUT_MS, signal });
    },
    manifest: () => undefined,
    rate: rate ?? new RateLimit(node.clock, undefined),
    proofs: node.proofs,
    isLate: (holder) => late.has(holder),
    failed: (holder, error) => {
      late.failed(holder, error);
      node.events.add('warn', 'repair', `${holder.slice(-8)}: ${error.message}`);
      if (error.code === 'hash-mismatch') node.health.observe(holder, { kind: 'wrong-bytes' });
    },
    signal,
  };
}

function groupText({ group }: Damage): string {
  return group.stripe === MANIFEST_GROUP ? 'manifest' : `stripe ${group.stripe + 1}`;
}

function itemOf(
  { name, objectId }: CurrentObject['entry'],
  { group, spare, missing, misplaced }: Damage,
): RepairItem {
  return {
    name,
    objectId,
    stripe: group.stripe === MANIFEST_GROUP ? undefined : group.stripe,
    spare,
    missing: missing.length,
    misplaced: misplaced.length,
  };
}

function list(item: RepairItem, { worst }: RepairReport): void {
  worst.push(item);
  if (worst.length <= 4 * LISTED) return;
  worst.sort((a, b) => a.spare - b.spare);
  worst.length = LISTED;
}
