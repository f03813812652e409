/** What the mender works with, and one object under its hands. */
import type { Jobs } from '../observe/jobs.ts';
import type { ObjectId, PeerId, ShardId } from '../types.ts';
import type { Duty } from './custody/custodians.ts';
import type { CensusContext, ObjectInCustody } from './custody/custody-census.ts';
import type { CustodyClient } from './custody/custody-client.ts';
import type { CustodyManifests } from './custody/custody-manifests.ts';
import type { CustodyPeers } from './custody/custody-peers.ts';
import type { CustodyRecord, CustodyStore } from './custody/custody-store.ts';
import type { Leases } from './custody/leases.ts';
import type { Silences } from './custody/silences.ts';
import type { DamageList } from './damage-list.ts';
import type { RepairContext } from './repair.ts';
import type { Damage, GroupState } from './repair-plan.ts';
import type { SideBySide } from './side-by-side.ts';

export interface MenderContext
  extends Pick<CensusContext, 'backend' | 'everybody' | 'memory' | 'random' | 'mute'> {
  peers: CustodyPeers;
  store: CustodyStore;
  manifests: CustodyManifests;
  client: CustodyClient;
  leases: Leases;
  suspects: DamageList;
  silences: Silences;
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
  /** Since when a holder cannot be asked; undefined: it can be asked. */
  awayMs(holder: PeerId): number | undefined;
  limits: MenderLimits;
  /** Stripes rebuilt at once. */
  atOnce: SideBySide;
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
  /** Leases save work and protect nothing: who was refused one for so long, longer than any is given, goes on without. Else two custodians that give none would end all repairs of the third. */
  blockedMs: number;
  /** A holder that does not answer is not taken for lost before. */
  silenceMs: number;
  askTimeoutMs: number;
  /** However long damage may wait, it is looked at so often: there may be more of it than the notes tell. */
  unseenMs: number;
}

export interface MendReport {
  looked: number;
  repaired: number;
  /** Bytes of shards received and sent for it. */
  trafficBytes: number;
  /** Shards that were made anew. */
  shards: number;
}

/** An object that is looked at and mended. */
export interface Case {
  record: CustodyRecord;
  object: ObjectInCustody;
  /** Custodians that come before this one. */
  turn: number;
  /** Losses by the notes when the look began. */
  noted: number;
  repair: RepairContext | undefined;
  /** What can be mended. */
  damages: Damage[];
  /** Of a stripe there are fewer than k shards: what it lacks can be made only when a holder comes back. */
  isLost: boolean;
  groups: GroupState[];
  /** Noted holders that did not answer. */
  silent: Set<PeerId>;
}
