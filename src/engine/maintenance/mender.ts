/** Looks at objects in custody, and mends what is damaged and this node's to mend: who leads repairs, with a lease from the other custodians. */
import { asDatameshError } from '../../errors.ts';
import type { Jobs } from '../observe/jobs.ts';
import type { ObjectId, PeerId, ShardId } from '../types.ts';
import type { Duty } from './custody/custodians.ts';
import {
  type CensusContext,
  lookAt,
  type ObjectInCustody,
  STRIPES_PER_LOOK,
} from './custody/custody-census.ts';
import type { CustodyClient } from './custody/custody-client.ts';
import type { CustodyManifests } from './custody/custody-manifests.ts';
import { type CustodyPeers, dutyFor } from './custody/custody-peers.ts';
import {
  type Claim,
  type ClaimsOf,
  type CustodyRecord,
  type CustodyStore,
  MANIFEST_GROUP,
} from './custody/custody-store.ts';
import { takeLeases } from './custody/lease-round.ts';
import type { Leases } from './custody/leases.ts';
import { releasedOf } from './custody/tombstones.ts';
import type { DamageList } from './damage-list.ts';
import { type RepairContext, repairGroup } from './repair.ts';
import { compareRisk, type Damage, damageOf, type GroupState, graceOf } from './repair-plan.ts';

export interface MenderContext extends Pick<CensusContext, 'backend' | 'everybody' | 'isMissing'> {
  peers: CustodyPeers;
  store: CustodyStore;
  manifests: CustodyManifests;
  client: CustodyClient;
  leases: Leases;
  suspects: DamageList;
  jobs: Jobs;
  /** How many other custodians come before this node; undefined when it is none. */
  turnOf(id: ObjectId, duty: Duty): number | undefined;
  /** What repairs of this order's object need; undefined when custodians are not to repair it. */
  repairOf(record: CustodyRecord, signal: AbortSignal): RepairContext | undefined;
  /** Which of these the holder proved. Throws when it does not answer. */
  prove(
    holder: PeerId,
    shards: readonly { id: ShardId; lengthBytes: number }[],
  ): Promise<ReadonlySet<ShardId>>;
  /** Orders came to be known that are no longer live, or a shard of such an object was placed: its release is to be carried out. */
  released(ids: readonly ObjectId[]): void;
  nowMs(): number;
  limits: MenderLimits;
  log(text: string): void;
  signal: AbortSignal;
}

export interface MenderLimits {
  /** Damage that leaves more than half of the parity waits so long. */
  graceMs: number;
  /** What leaves less, but not nothing, waits so long: a process that starts again is no loss. */
  settleMs: number;
  /** The second custodian leaves damage to the first for so long, the third twice as long. */
  turnMs: number;
  /** The same where the next loss would destroy data. */
  urgentTurnMs: number;
  /** Another works on the object: it is looked at again after this. */
  retryMs: number;
  /** A holder that does not answer is not taken for lost before. */
  silenceMs: number;
  /** Stripes rebuilt at once. */
  stripesAtOnce: number;
  askTimeoutMs: number;
}

export interface MendReport {
  looked: number;
  repaired: number;
  /** Bytes of shards received and sent for it. */
  trafficBytes: number;
  /** Shards that were made anew. */
  shards: number;
}

interface Case {
  record: CustodyRecord;
  object: ObjectInCustody;
  /** Custodians that come before this one. */
  turn: number;
  repair: RepairContext | undefined;
  damages: Damage[];
  groups: GroupState[];
}

/** Stripes looked at together, so that large objects do not fill the memory: 6 MB of ids at 4+2. One object may have more. */
const STRIPES_AT_ONCE = 16_384;

/** Looks at these objects and repairs what is due. Each object is then off the list of suspects, or waits on it. */
export async function mend(ids: readonly ObjectId[], context: MenderContext): Promise<MendReport> {
  const report: MendReport = { looked: 0, repaired: 0, trafficBytes: 0, shards: 0 };
  let batch: Case[] = [];
  let stripes = 0;
  for (const id of ids) {
    const one = openCase(id, context);
    if (one === undefined) continue;
    if (batch.length > 0 && stripes + one.object.manifest.stripeCount > STRIPES_AT_ONCE) {
      await mendBatch(batch, context, report);
      batch = [];
      stripes = 0;
    }
    batch.push(one);
    stripes += one.object.manifest.stripeCount;
  }
  await mendBatch(batch, context, report);
  return report;
}

async function mendBatch(cases: readonly Case[], context: MenderContext, report: MendReport): Promise<void> {
  const due: Case[] = [];
  for await (const one of examined(cases, context)) {
    report.looked++;
    if (isDue(one, context)) due.push(one);
  }
  if (due.length === 0) return;
  const { peers, client, leases, limits, signal, log, suspects, store } = context;
  const records = due.map(({ record }) => record);
  const ask = { peers, client, leases, store, timeoutMs: limits.askTimeoutMs, signal, log };
  const dead = await releasedOf(records, ask);
  for (const id of dead) suspects.whole(id);
  context.released([...dead]);
  const round = await takeLeases(
    records.filter(({ objectId }) => !dead.has(objectId)),
    ask,
  );
  try {
    const mine = due.filter(({ record }) => {
      const { objectId } = record;
      if (dead.has(objectId)) return false;
      // Another has worked on it since it was looked at: to be looked at again.
      const fresh = round.given.has(objectId) && sameClaims(store.claims(objectId), record.claims);
      if (!fresh) suspects.waitUntil(objectId, context.nowMs() + limits.retryMs);
      return fresh;
    });
    if (mine.length > 0) await repairAll(mine, context, report);
  } finally {
    if (!signal.aborted) await round.giveBack();
  }
}

function openCase(id: ObjectId, context: MenderContext): Case | undefined {
  const { store, manifests, peers, suspects, signal } = context;
  const record = store.get(id);
  const duty = record && dutyFor(peers, id, record.owner);
  const turn = duty && context.turnOf(id, duty);
  const manifest = record?.state === 'live' && turn !== undefined ? manifests.get(id) : undefined;
  if (record === undefined || turn === undefined || manifest === undefined) {
    suspects.whole(id);
    return undefined;
  }
  const { claims } = record;
  const object = { objectId: id, manifest, manifestBytes: store.manifest(id)?.length ?? 0, claims };
  return { record, object, turn, repair: context.repairOf(record, signal), damages: [], groups: [] };
}

/** With what is damaged; those that are whole are off the list. */
async function* examined(cases: readonly Case[], context: MenderContext): AsyncGenerator<Case> {
  const { backend, everybody, isMissing, signal, suspects, limits } = context;
  const census = { backend, everybody, isMissing, signal, timeoutMs: limits.askTimeoutMs };
  const uncertain = new Set<ObjectId>();
  let round = cases.map((one) => ({ one, from: 0 }));
  while (round.length > 0) {
    const states = await lookAt(
      round.map(({ one, from }) => ({ object: one.object, from })),
      census,
    );
    const next: typeof round = [];
    for (const [at, state] of states.entries()) {
      const { one, from } = round[at]!;
      if (state.uncertain) uncertain.add(state.objectId);
      for (const group of state.groups) {
        const damage = one.repair && damageOf(group, one.repair.rule);
        if (damage !== undefined) one.damages.push(damage);
        one.groups.push(group);
      }
      if (from + STRIPES_PER_LOOK < one.object.manifest.stripeCount)
        next.push({ one, from: from + STRIPES_PER_LOOK });
    }
    round = next;
  }
  for (const one of cases) {
    const { objectId } = one.object;
    if (one.damages.length === 0) {
      noteWhereabouts([one], context);
      suspects.whole(objectId);
    } else if (
      spareOf(one) > 0 &&
      uncertain.has(objectId) &&
      suspects.ageMs(objectId, context.nowMs()) < limits.silenceMs
    ) {
      suspects.waitUntil(objectId, context.nowMs() + limits.silenceMs / 3);
    } else yield one;
  }
}

/** Of the weakest stripe. */
function spareOf({ damages }: Case): number {
  return Math.min(...damages.map(({ spare }) => spare));
}

/** Whether it is this custodian's turn; else it waits. */
function isDue(one: Case, { suspects, limits, nowMs }: MenderContext): boolean {
  const { objectId } = one.object;
  const ageMs = suspects.ageMs(objectId, nowMs());
  const graceMs = Math.min(...one.damages.map((damage) => graceOf(damage, limits)));
  const waitMs = graceMs + one.turn * (spareOf(one) > 0 ? limits.turnMs : limits.urgentTurnMs);
  if (ageMs >= waitMs) return true;
  suspects.waitUntil(objectId, nowMs() + waitMs - ageMs);
  return false;
}

async function repairAll(cases: readonly Case[], context: MenderContext, report: MendReport): Promise<void> {
  const { jobs, suspects, nowMs, signal, limits } = context;
  const work = cases
    .flatMap((one) => one.damages.map((damage) => ({ one, damage })))
    .sort((a, b) => compareRisk(a.damage, b.damage));
  const totalBytes = work.reduce(
    (sum, { damage }) => sum + damage.group.shardBytes * damage.missing.length,
    0,
  );
  const job = jobs.start(
    'repair',
    cases.length === 1 ? cases[0]!.object.objectId : `${cases.length} objects`,
  );
  const failed = new Set<Case>();
  const placed: Placed[] = [];
  const manifests = new Map(
    cases.map(({ object: { objectId } }) => [objectId, context.store.manifest(objectId)]),
  );
  let doneBytes = 0;
  const lane = async () => {
    for (let next = work.shift(); next !== undefined; next = work.shift()) {
      const { one, damage } = next;
      try {
        const result = await repairGroup(damage, one.repair!);
        report.trafficBytes += result.trafficBytes;
        report.shards += result.placed.length;
        doneBytes += damage.group.shardBytes * result.placed.filter(({ moved }) => !moved).length;
        jobs.progress(job, doneBytes, totalBytes);
        for (const { index, holder } of result.placed) {
          noteLive(damage, index, holder);
          const { ids, stripe, shardBytes } = damage.group;
          placed.push({ one, holder, stripe, index, id: ids[index]!, lengthBytes: shardBytes });
        }
        if (result.unplaced.length > 0) failed.add(one);
      } catch (error) {
        signal.throwIfAborted();
        failed.add(one);
        context.log(`repair of ${one.object.objectId.slice(0, 12)}: ${asDatameshError(error).message}`);
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: limits.stripesAtOnce }, lane));
    for (const one of await unproved(placed, context)) failed.add(one);
    jobs.end(job, 'done');
  } catch (error) {
    jobs.fail(job, error);
    throw error;
  } finally {
    for (const one of cases) {
      if (failed.has(one)) suspects.futile(one.object.objectId, nowMs());
      else {
        suspects.whole(one.object.objectId);
        report.repaired++;
      }
    }
    const moves = noteWhereabouts(cases, context);
    takeBack(placed, manifests, context);
    if (!signal.aborted) await tellOthers(moves, context);
  }
}

/** Their owner released these while they were being repaired, so the release may have passed by those who took a shard: it is carried to them. */
function takeBack(
  placed: readonly Placed[],
  manifests: ReadonlyMap<ObjectId, Uint8Array | undefined>,
  { store, released }: MenderContext,
): void {
  const late = Map.groupBy(placed, ({ one }) => one.object.objectId);
  for (const [objectId, theirs] of late) {
    const record = store.get(objectId);
    if (record?.state !== 'released') continue;
    const claims = theirs.map(({ stripe, index, holder }) => ({ stripe, index, holder }));
    store.keep([{ order: record.order, bytes: record.bytes, manifest: manifests.get(objectId), claims }]);
    released([objectId]);
  }
}

interface Placed {
  one: Case;
  stripe: number;
  index: number;
  holder: PeerId;
  id: ShardId;
  lengthBytes: number;
}

/** Objects of which a holder cannot show what it has just taken: they are to be looked at again. This node's own store has hashed what it took. */
async function unproved(placed: readonly Placed[], context: MenderContext): Promise<Set<Case>> {
  const { peers, prove, signal, log } = context;
  const failed = new Set<Case>();
  const byHolder = Map.groupBy(
    placed.filter(({ holder }) => holder !== peers.self),
    ({ holder }) => holder,
  );
  await Promise.all(
    [...byHolder].map(async ([holder, theirs]) => {
      try {
        const proved = await prove(holder, theirs);
        for (const { one, id } of theirs) if (!proved.has(id)) failed.add(one);
      } catch (error) {
        signal.throwIfAborted();
        // Busy or gone: the next census asks again.
        log(`proof: ${holder.slice(-8)}: ${asDatameshError(error).message}`);
      }
    }),
  );
  return failed;
}

function noteLive(damage: Damage, index: number, holder: PeerId): void {
  (damage.group.live as PeerId[][])[index] = [holder, ...damage.group.live[index]!];
}

/** Claims for all that is not where the manifest says, as it was just seen; those of whom nothing was heard stay. */
function noteWhereabouts(cases: readonly Case[], { store, backend }: MenderContext): ClaimsOf[] {
  const moves: ClaimsOf[] = [];
  for (const { object, record, groups } of cases) {
    const claims = groups.flatMap((group) => claimsOf(object, group, record.claims, backend));
    if (sameClaims(claims, record.claims)) continue;
    moves.push({ objectId: object.objectId, claims });
  }
  store.reclaim(moves);
  return moves;
}

function claimsOf(
  { manifest }: ObjectInCustody,
  { stripe, live }: GroupState,
  known: readonly Claim[],
  backend: MenderContext['backend'],
): Claim[] {
  const noted = stripe === MANIFEST_GROUP ? [] : manifest.stripe(stripe).holders;
  return live.flatMap((holders, index) => {
    const told = known.filter((claim) => claim.stripe === stripe && claim.index === index);
    // Nobody seems to have it now: what was known stays, as its holder may come back.
    if (holders.length === 0) return told;
    // Who is away still has its copy when it comes back: a release has to find it.
    const away = told.filter(({ holder }) => backend(holder) === undefined);
    const seen = holders.filter(
      (holder) => holder !== noted[index] && !away.some((it) => it.holder === holder),
    );
    return [...away, ...seen.map((holder) => ({ stripe, index, holder }))];
  });
}

function sameClaims(a: readonly Claim[], b: readonly Claim[]): boolean {
  const keys = (claims: readonly Claim[]) =>
    claims
      .map(({ stripe, index, holder }) => `${stripe} ${index} ${holder}`)
      .sort()
      .join();
  return a.length === b.length && keys(a) === keys(b);
}

async function tellOthers(moves: readonly ClaimsOf[], context: MenderContext): Promise<void> {
  const { peers, client, limits, signal, store } = context;
  const byPeer = new Map<PeerId, ClaimsOf[]>();
  for (const move of moves) {
    const mark = store.mark(move.objectId);
    if (mark === undefined) continue;
    for (const peer of dutyFor(peers, move.objectId, mark.owner).others)
      byPeer.set(peer, [...(byPeer.get(peer) ?? []), move]);
  }
  await Promise.all(
    [...byPeer].map(async ([peer, theirs]) => {
      try {
        await client.moved(peer, theirs, { timeoutMs: limits.askTimeoutMs, signal });
      } catch (error) {
        signal.throwIfAborted();
        context.log(`moves: ${peer.slice(-8)} was not told: ${asDatameshError(error).message}`);
      }
    }),
  );
}
