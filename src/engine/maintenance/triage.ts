/**
 * What is to be looked at now, and what can wait, by the notes alone: of three looks at a loss two would end with waiting, and a batch of objects that all ask their holders takes seconds on a busy mesh. The order of what
 * is left goes by the same notes.
 */
import type { ObjectId } from '../types.ts';
import { dutyFor } from './custody/custody-peers.ts';
import type { CustodyRecord } from './custody/custody-store.ts';
import type { MenderContext } from './mender-context.ts';
import { lossesByNotes, type NotedLosses } from './noted-losses.ts';
import { leftUnseenMs } from './turns.ts';

type TriageContext = Omit<MenderContext, 'atOnce'>;

/** A live object that is this node's to keep whole. */
export interface Kept {
  record: CustodyRecord;
  /** Custodians that come before this one. */
  turn: number;
  manifest: NonNullable<ReturnType<MenderContext['manifests']['get']>>;
}

/** Undefined where it is not this node's, or cannot be read yet. */
export function keptHere(id: ObjectId, { store, peers, turnOf, manifests }: TriageContext): Kept | undefined {
  const record = store.get(id);
  if (record?.state !== 'live') return undefined;
  const turn = turnOf(id, dutyFor(peers, id, record.owner));
  const manifest = turn === undefined ? undefined : manifests.get(id);
  return turn === undefined || manifest === undefined ? undefined : { record, turn, manifest };
}

/** Nothing where custodians cannot repair it: its holders are folders of other nodes, which are never here. */
export function notedLosses(id: ObjectId, { record, manifest }: Kept, context: TriageContext): NotedLosses {
  if (context.repairOf(record, context.signal) === undefined)
    return { losses: 0, m: manifest.code.m, sinceMs: undefined };
  const { claims, manifestBytes } = record;
  return lossesByNotes({ objectId: id, manifest, manifestBytes, claims }, context.awayMs);
}

/** Whether it is to be looked at now. Else it is off the list, waits for its turn, or stands where it belongs by what is known of it now. */
export function triage(id: ObjectId, context: TriageContext): boolean {
  const { suspects, limits, nowMs } = context;
  const ms = nowMs();
  const kept = keptHere(id, context);
  if (kept === undefined) {
    suspects.drop(id);
    return false;
  }
  if (suspects.assess(id, notedLosses(id, kept, context))) return false;
  const known = suspects.known(id, ms);
  // Suspected without a loss that is known: that is what a look is for.
  if (known === undefined) return true;
  const { m } = kept.manifest.code;
  const left = Math.min(leftUnseenMs(known, kept.turn, m, limits), limits.unseenMs - known.unlookedMs);
  if (left <= 0) return true;
  suspects.leaveUntil(id, ms + Math.ceil(left));
  return false;
}
