/**
 * Rebuilds what is missing of one stripe: k shards are read once and verified, every missing one is computed from them, each goes to a holder that the rule
 * allows. Needs no key. Shards in the wrong place are copied to a right one as they are.
 */
import { asDatameshError, DatameshError } from '../../errors.ts';
import type { Backend } from '../backends/backend.ts';
import { MAX_GATHERED_BYTES } from '../backends/shard-batch.ts';
import type { Codec, RebuiltShards } from '../codec/codec.ts';
import { MAX_MANIFEST_BYTES } from '../codec/manifest-limits.ts';
import { freeNow } from '../codec/memory.ts';
import type { RateLimit } from '../mesh/rate-limit.ts';
import type { Candidate } from '../placement/domains.ts';
import { GET_TIMEOUT_MS, PUT_TIMEOUT_MS } from '../transfer/limits.ts';
import { bytesToHex, type ObjectId, type PeerId, type ShardId } from '../types.ts';
import type { Place } from './custody/custody-protocol.ts';
import { MANIFEST_GROUP } from './custody/custody-store.ts';
import type { ProofMemory } from './proof/memory.ts';
import { type Damage, type Rule, targetsFor } from './repair-plan.ts';

export interface RepairContext {
  self: PeerId;
  codec: Pick<Codec, 'rebuild' | 'hash'>;
  backend(holder: PeerId): Backend | undefined;
  /** Holders that take shards of the object's owner. */
  candidates(): readonly Candidate[];
  rule: Rule;
  /** Makes a shard durable at a holder, on the word of the owner's manifest. */
  adopt(holder: PeerId, id: ObjectId, place: Place, bytes: Uint8Array, signal: AbortSignal): Promise<void>;
  /** The manifest as custodians keep it. */
  manifest(id: ObjectId): Uint8Array | undefined;
  /** Bytes a second that repairs may move. */
  rate: RateLimit;
  /** Told what a holder has taken. */
  proofs: Pick<ProofMemory, 'taken' | 'isMissing'>;
  failed(holder: PeerId, error: DatameshError): void;
  /** It let a request of a repair time out a moment ago, and comes last: each stripe would else wait for it. */
  isLate(holder: PeerId): boolean;
  signal: AbortSignal;
}

export interface Repaired {
  /** Shards made durable where they were missing, and copied where they were misplaced. */
  placed: { index: number; holder: PeerId; moved: boolean }[];
  /** Indices for which no holder was found that may have them and takes them. */
  unplaced: number[];
  /** Bytes of shards received from and sent to others. */
  trafficBytes: number;
}

/** Throws `shards-missing` when fewer than k shards could be read. */
export async function repairGroup(damage: Damage, context: RepairContext): Promise<Repaired> {
  const result: Repaired = { placed: [], unplaced: [], trafficBytes: 0 };
  const wanted = [...damage.missing, ...damage.misplaced];
  // Without anybody to take them, shards need not be read.
  const placeable = wanted.filter((index) => targets(damage, index, context, new Set()).length > 0);
  result.unplaced = wanted.filter((index) => !placeable.includes(index));
  if (placeable.length === 0) return result;
  const missing = placeable.filter((index) => damage.missing.includes(index));
  const rebuilt = missing.length === 0 ? undefined : await rebuild(damage, missing, context, result);
  try {
    for (const index of placeable) {
      const moved = !damage.missing.includes(index);
      const [memory] = moved ? memoryFor(1, damage) : [];
      const bytes = rebuilt?.shards.get(index) ?? (await readOne(damage, index, context, result, memory));
      const holder = bytes && (await place(damage, index, bytes, context, result));
      if (holder === undefined) result.unplaced.push(index);
      else {
        result.placed.push({ index, holder, moved });
        damage.holders[index] = holder;
        damage.misplaced = damage.misplaced.filter((one) => one !== index);
      }
      if (memory !== undefined) freeNow(memory);
    }
  } finally {
    rebuilt?.release();
  }
  return result;
}

async function rebuild(
  damage: Damage,
  missing: readonly number[],
  context: RepairContext,
  result: Repaired,
): Promise<RebuiltShards> {
  const { code, shardBytes, objectId, stripe } = damage.group;
  const same = (bytes: Uint8Array): RebuiltShards => ({
    shards: new Map(missing.map((index) => [index, bytes])),
    release: () => {},
  });
  if (stripe === MANIFEST_GROUP) {
    const bytes = context.manifest(objectId);
    if (bytes !== undefined) return same(bytes);
  }
  if (code.k === 1) {
    const [bytes] = (await readAny(damage, context, result, [])).values();
    return same(bytes!);
  }
  const memory = memoryFor(code.k, damage);
  const shards = await readAny(damage, context, result, memory);
  const { signal } = context;
  const rebuilt = await context.codec.rebuild({ code, shardBytes, shards, wanted: missing, signal });
  for (const buffer of memory) freeNow(buffer);
  return rebuilt;
}

/** For shards that are read, to be given back at once: V8 would leave that of thirty stripes lying. None for small ones. */
function memoryFor(shards: number, { group: { shardBytes } }: Damage): Uint8Array[] {
  const buffers = shardBytes <= MAX_GATHERED_BYTES ? 0 : shards;
  return Array.from({ length: buffers }, () => Buffer.allocUnsafeSlow(shardBytes));
}

/**
 * Any k shards: those of this node first, as they cost nothing; k at once, and another for each that fails. `memory`: where they may be put, one of each.
 */
async function readAny(
  damage: Damage,
  context: RepairContext,
  result: Repaired,
  memory: readonly Uint8Array[],
): Promise<Map<number, Uint8Array>> {
  const { code, ids, live } = damage.group;
  const sources = [...ids.keys()].filter((index) => live[index]!.length > 0);
  const rank = (index: number) => {
    if (live[index]!.includes(context.self)) return 0;
    return live[index]!.every(context.isLate) ? 2 : 1;
  };
  sources.sort((a, b) => rank(a) - rank(b) || a - b);
  const got = new Map<number, Uint8Array>();
  const next = async (into: Uint8Array | undefined): Promise<void> => {
    for (let index = sources.shift(); index !== undefined; index = sources.shift()) {
      const bytes = await readOne(damage, index, context, result, into);
      if (bytes === undefined) continue;
      got.set(index, bytes);
      return;
    }
  };
  await Promise.all(Array.from({ length: code.k }, (_, lane) => next(memory[lane])));
  context.signal.throwIfAborted();
  if (got.size >= code.k) return got;
  throw new DatameshError('shards-missing', {
    what: `${got.size} of the ${code.k} shards needed for a repair could be read`,
  });
}

/** Verified bytes of one shard from any of its holders. */
async function readOne(
  { group }: Damage,
  index: number,
  context: RepairContext,
  result: Repaired,
  into?: Uint8Array,
): Promise<Uint8Array | undefined> {
  const id = group.ids[index]!;
  // How long a manifest is, only its holders know for certain.
  const maxBytes = group.stripe === MANIFEST_GROUP ? MAX_MANIFEST_BYTES : group.shardBytes;
  const rank = (holder: PeerId) => (holder === context.self ? 0 : 1 + Number(context.isLate(holder)));
  const holders = [...group.live[index]!].sort((a, b) => rank(a) - rank(b));
  for (const holder of holders) {
    try {
      const remote = holder !== context.self;
      if (remote) await context.rate.take(group.shardBytes, context.signal);
      const bytes = await context
        .backend(holder)
        ?.get(id, { timeoutMs: GET_TIMEOUT_MS, signal: context.signal, into, maxBytes });
      if (remote) result.trafficBytes += bytes?.length ?? 0;
      if (bytes === undefined) continue;
      if (isShard(bytes, id, context)) return bytes;
      throw new DatameshError('hash-mismatch', { what: `${holder.slice(-8)} sent wrong bytes for a shard` });
    } catch (error) {
      context.signal.throwIfAborted();
      context.failed(holder, asDatameshError(error));
    }
  }
  return undefined;
}

function isShard(bytes: Uint8Array, id: ShardId, { codec }: RepairContext): boolean {
  return bytesToHex(codec.hash(bytes)) === id;
}

/** Who has taken the shard; undefined when nobody who may does. */
async function place(
  damage: Damage,
  index: number,
  bytes: Uint8Array,
  context: RepairContext,
  result: Repaired,
): Promise<PeerId | undefined> {
  const { objectId, stripe, ids } = damage.group;
  const failed = new Set<PeerId>();
  for (;;) {
    const [target] = targets(damage, index, context, failed);
    if (target === undefined) return undefined;
    try {
      const remote = target !== context.self;
      if (remote) await context.rate.take(bytes.length, context.signal);
      await context.adopt(target, objectId, { stripe, index }, bytes, context.signal);
      context.proofs.taken(target, ids[index]!);
      if (remote) result.trafficBytes += bytes.length;
      return target;
    } catch (error) {
      context.signal.throwIfAborted();
      failed.add(target);
      context.failed(target, asDatameshError(error));
    }
  }
}

/** Who took the shard before and could not show it comes last, else one that acknowledges everything and keeps nothing is given it in every round; before those, who is late. */
function targets(
  damage: Damage,
  index: number,
  context: RepairContext,
  failed: ReadonlySet<PeerId>,
): PeerId[] {
  const { rule, self, proofs, isLate } = context;
  const found = targetsFor(damage, index, rule, context.candidates(), self, failed);
  const rank = (peer: PeerId) => {
    if (peer === self) return 0;
    return proofs.isMissing(peer, damage.group.ids[index]!) ? 2 : Number(isLate(peer));
  };
  return [...found].sort((a, b) => rank(a) - rank(b));
}

/** What `adopt` may take: a put with its sync. */
export const ADOPT_TIMEOUT_MS = PUT_TIMEOUT_MS;
