/** Looks at objects in custody, and mends what is damaged and this node's to mend: who leads repairs, with a lease from the other custodians. */
import type { ObjectId } from '../types.ts';
import { batches } from './batches.ts';
import { lookThrough } from './custody/custody-census.ts';
import { takeLeases } from './custody/lease-round.ts';
import { releasedOf } from './custody/tombstones.ts';
import { mendCases } from './mend-cases.ts';
import type { Case, MenderContext, MendReport } from './mender-context.ts';
import { damageOf, graceOf, mendable } from './repair-plan.ts';
import { keptHere, notedLosses } from './triage.ts';
import { leftMs } from './turns.ts';
import { noteWhereabouts, sameClaims } from './whereabouts.ts';

/** Looks at these objects and repairs what is due. Each object is then off the list of suspects, or waits on it. */
export async function mend(ids: readonly ObjectId[], context: MenderContext): Promise<MendReport> {
  const report: MendReport = { looked: 0, repaired: 0, trafficBytes: 0, shards: 0 };
  const stripesOf = ({ object }: Case) => object.manifest.stripeCount;
  for await (const batch of batches(openCases(ids, context), Number.POSITIVE_INFINITY, stripesOf))
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
  const { peers, client, leases, silences, limits, signal, log, suspects, store } = context;
  const records = due.map(({ record }) => record);
  const ask = { peers, client, leases, store, silences, timeoutMs: limits.askTimeoutMs, signal, log };
  const dead = await releasedOf(records, ask);
  for (const id of dead) suspects.whole(id);
  context.released([...dead]);
  const round = await takeLeases(
    records.filter(({ objectId }) => !dead.has(objectId)),
    ask,
  );
  try {
    const mine: Case[] = [];
    const changed: Case[] = [];
    for (const one of due) {
      const { objectId } = one.object;
      if (dead.has(objectId)) continue;
      const nowMs = context.nowMs();
      if (!round.given.has(objectId) && suspects.refusedMs(objectId, nowMs) < limits.blockedMs)
        suspects.waitUntil(objectId, nowMs + limits.retryMs);
      else if (sameClaims(store.claims(objectId), one.record.claims)) mine.push(one);
      else changed.push(one);
    }
    // Another has worked on them since they were looked at, or says so: one look more. Whoever goes on saying so keeps nobody from his work.
    const again = changed.flatMap(({ object }) => openCase(object.objectId, context) ?? []);
    for await (const one of examined(again, context)) if (isDue(one, context)) mine.push(one);
    if (mine.length > 0) await mendCases(mine, context, report);
  } finally {
    if (!signal.aborted) await round.giveBack();
  }
}

function* openCases(ids: readonly ObjectId[], context: MenderContext): Generator<Case> {
  for (const id of ids) {
    const one = openCase(id, context);
    if (one !== undefined) yield one;
  }
}

function openCase(id: ObjectId, context: MenderContext): Case | undefined {
  const { suspects, signal } = context;
  suspects.look(id, context.nowMs());
  const kept = keptHere(id, context);
  if (kept === undefined) {
    suspects.whole(id);
    return undefined;
  }
  const { record, turn, manifest } = kept;
  const { claims, manifestBytes } = record;
  const object = { objectId: id, manifest, manifestBytes, claims };
  return {
    record,
    object,
    turn,
    repair: context.repairOf(record, signal),
    noted: notedLosses(id, kept, context).losses,
    damages: [],
    isLost: false,
    groups: [],
    silent: new Set(),
  };
}

/** With what can be mended; those that are whole are off the list, and those that are lost wait behind all others. */
async function* examined(cases: readonly Case[], context: MenderContext): AsyncGenerator<Case> {
  const { peers, suspects, limits } = context;
  const census = { ...context, self: peers.self, timeoutMs: limits.askTimeoutMs };
  for await (const part of lookThrough(cases, census)) {
    for (const { one, state } of part) {
      for (const holder of state.silent) one.silent.add(holder);
      for (const group of state.groups) {
        const damage = one.repair && damageOf(group, one.repair.rule);
        const open = damage && mendable(damage);
        if (open !== undefined) one.damages.push(open);
        one.isLost ||= open?.missing.length !== damage?.missing.length;
        one.groups.push(group);
      }
    }
  }
  for (const one of cases) {
    const { objectId, manifest } = one.object;
    suspects.found(objectId, one.damages.length === 0 ? 0 : manifest.code.m - spareOf(one), one.noted);
    if (one.damages.length === 0) {
      noteWhereabouts([one], context);
      if (one.isLost) {
        suspects.ageMs(objectId, context.nowMs());
        suspects.futile(objectId, context.nowMs());
      } else suspects.whole(objectId);
    } else if (
      spareOf(one) > 0 &&
      one.silent.size > 0 &&
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
  const ms = nowMs();
  const graceMs = Math.min(...one.damages.map((damage) => graceOf(damage, limits)));
  const ageMs = suspects.ageMs(objectId, ms);
  const toldAgoMs = suspects.known(objectId, ms)?.toldAgoMs ?? ageMs;
  const left = leftMs({ spare: spareOf(one), graceMs, turn: one.turn, ageMs, toldAgoMs }, limits);
  if (left <= 0) return true;
  suspects.waitUntil(objectId, ms + left);
  return false;
}
