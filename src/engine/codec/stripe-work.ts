/**
 * The work on one stripe within a workspace: what the codec of this process and the worker threads have in common. Shard i lies at i·shardBytes; where a
 * stripe is opened, lost data shards are made in their places and the parity shards used for that lie behind the k data shards.
 */
import { DatameshError } from '../../errors.ts';
import type { CodeProfile, ShardId } from '../types.ts';
import { type ChunkPosition, openChunk, sealChunk, shardBytesOf } from './aead.ts';
import type { DecodeJob } from './codec.ts';
import { type Erasure, survivors } from './erasure.ts';
import { shardIdOfBytes } from './hash.ts';
import type { SlotLanding } from './landing.ts';
import { checkCode } from './matrix.ts';
import { type Bytes, copyInto } from './memory.ts';
import { maxPackedShardBytes, packedBytes } from './packing.ts';
import type { Workspace } from './workspace.ts';

export interface SealOrder extends ChunkPosition {
  code: CodeProfile;
  shardBytes: number;
}

/** Seals `plaintext`, which may lie at the start of the workspace, and makes all shards. */
export function sealStripe(workspace: Workspace, erasure: Erasure, order: SealOrder, plaintext: Bytes): void {
  const { code, shardBytes } = order;
  sealChunk(order, plaintext, workspace.view(0, code.k * shardBytes));
  if (code.k > 1) erasure.encodeInPlace(workspace, code, shardBytes);
}

export function idsOf(shards: readonly Uint8Array[]): ShardId[] {
  return shards.map(shardIdOfBytes);
}

/** Which shards a stripe is opened from, and where they lie in the workspace. Places count in shard lengths from its start. */
export interface OpenPlan {
  /** Where the sealed chunk begins: 0, but for a replica (k = 1) that was received elsewhere. */
  start: number;
  /** Data shards that are there; of replicas (k = 1) the one that is used. */
  present: number[];
  /** Data shards that must be made in their places. */
  lost: number[];
  /** Parity shards that take their places, as many. */
  parity: number[];
  parityAt: number[];
}

export interface OpenOrder extends ChunkPosition {
  code: CodeProfile;
  shardBytes: number;
  plaintextBytes: number;
  plan: OpenPlan;
  /** Of all shards; undefined where they were verified before. */
  ids: readonly ShardId[] | undefined;
}

/** Indices of the shards laid out for `order` that are not what their ids say. */
export function wrongShards(workspace: Workspace, order: OpenOrder): number[] {
  const { code, ids, plan, shardBytes } = order;
  if (ids === undefined) return [];
  const used = [
    ...plan.present.map((index) => [index, code.k === 1 ? plan.start : index] as const),
    ...plan.parity.map((index, i) => [index, plan.parityAt[i]!] as const),
  ];
  return used
    .filter(([index, at]) => shardIdOfBytes(workspace.view(at * shardBytes, shardBytes)) !== ids[index])
    .map(([index]) => index);
}

export function wrongShardsError(wrong: readonly number[]): DatameshError {
  return new DatameshError('hash-mismatch', {
    what: `shard ${wrong.join(', ')} of the stripe is not what was stored`,
    details: { wrong: [...wrong] },
  });
}

/** Throws `malformed-data` and `shards-missing` for what cannot be decoded, before anything is allocated. */
export function planOpening(job: DecodeJob): OpenPlan {
  checkCode(job.code);
  const { k } = job.code;
  const { plaintextBytes } = job;
  if (!Number.isSafeInteger(plaintextBytes) || plaintextBytes < 0) {
    throw new DatameshError('malformed-data', { what: `a chunk cannot have ${plaintextBytes} bytes` });
  }
  const fits = job.packed
    ? job.shardBytes <= maxPackedShardBytes(plaintextBytes, k)
    : job.shardBytes === shardBytesOf(plaintextBytes, k);
  if (!fits) {
    throw new DatameshError('malformed-data', {
      what: `a chunk of ${plaintextBytes} bytes at k = ${k} has not shards of ${job.shardBytes} bytes`,
    });
  }
  const from = survivors(job.code, job.shardBytes, job.shards);
  // Any replica is the whole sealed chunk.
  if (k === 1) return { start: 0, present: [from[0]!], lost: [], parity: [], parityAt: [] };
  const plan: OpenPlan = { start: 0, present: [], lost: [], parity: [], parityAt: [] };
  for (let index = 0; index < k; index++) (job.shards.has(index) ? plan.present : plan.lost).push(index);
  for (const index of from) if (index >= k) plan.parityAt.push(k + plan.parity.push(index) - 1);
  return plan;
}

/** The plan for shards that lie in their landing. */
export function planLanded(job: DecodeJob, plan: OpenPlan): OpenPlan {
  if (job.code.k === 1) return { ...plan, start: plan.present[0]! };
  return { ...plan, parityAt: plan.parity };
}

/** Room that `layOut` and `openStripe` need. */
export function openingBytes(code: CodeProfile, shardBytes: number, plan: OpenPlan): number {
  return (code.k + plan.parity.length) * shardBytes;
}

/** The places that a stripe in its landing is opened in. */
export function placesOf(code: CodeProfile, plan: OpenPlan): number[] {
  return [...Array.from({ length: code.k }, (_, i) => plan.start + i), ...plan.parityAt];
}

/** Bytes under the seal. */
export function sealedBytes(job: DecodeJob): number {
  return job.packed ? packedBytes(job.shardBytes, job.code.k) : job.plaintextBytes;
}

/** Copies the shards of the plan to their places; those that lie there already stay. */
export function layOut(workspace: Workspace, job: DecodeJob, plan: OpenPlan, landing?: SlotLanding): void {
  const { k } = job.code;
  const place = (at: number, index: number) => {
    const shard = job.shards.get(index)!;
    if (landing?.holds(at, shard)) return;
    copyInto(workspace.view(at * job.shardBytes, job.shardBytes), shard);
  };
  for (const index of plan.present) place(k === 1 ? plan.start : index, index);
  plan.parity.forEach((index, i) => {
    place(plan.parityAt[i]!, index);
  });
}

/** The plaintext, in place of the sealed chunk. Throws `not-authentic`; the chunk is garbage then. */
export function openStripe(workspace: Workspace, erasure: Erasure, order: OpenOrder): Uint8Array {
  const { code, shardBytes, plan } = order;
  const { present, lost, parity, parityAt, start } = plan;
  if (lost.length > 0) {
    erasure.rebuildInPlace(workspace, code, shardBytes, {
      from: [...present, ...parity],
      fromAt: [...present, ...parityAt].map((at) => at * shardBytes),
      wanted: lost,
      wantedAt: lost.map((at) => at * shardBytes),
    });
  }
  const sealed = workspace.view(start * shardBytes, code.k * shardBytes);
  return openChunk(order, order.plaintextBytes, [sealed], sealed);
}
