/** What the codec's pool and its workers tell each other. Shards never travel: they lie in slots, shared workspaces that both sides see. */
import type { ErrorRecord } from '../../errors.ts';
import type { CodeProfile, ShardId } from '../types.ts';
import type { DecodeJob } from './codec.ts';
import { type OpenOrder, type OpenPlan, type SealOrder, sealedBytes } from './stripe-work.ts';

/** The plaintext lies at the start of the slot; afterwards the stripe does. */
export interface EncodeOrder extends SealOrder {
  kind: 'encode';
  plaintextBytes: number;
  pack: boolean;
}

/** The shards lie as `layOut` puts them. */
export interface DecodeOrder extends OpenOrder {
  kind: 'decode';
  /** The plaintext's length when what is sealed is a packed chunk. */
  unpackedBytes: number | undefined;
}

export function decodeOrder(job: DecodeJob, plan: OpenPlan): DecodeOrder {
  const { code, chunkIndex, last, shardBytes, plaintextBytes } = job;
  return {
    kind: 'decode',
    code,
    fileKey: Uint8Array.from(job.fileKey),
    chunkIndex,
    last,
    shardBytes,
    plaintextBytes: sealedBytes(job),
    unpackedBytes: job.packed ? plaintextBytes : undefined,
    plan,
    ids: job.ids,
  };
}

/** The k shards `from` lie one after another, those `wanted` are to follow them. */
export interface RebuildOrder {
  kind: 'rebuild';
  code: CodeProfile;
  shardBytes: number;
  from: number[];
  wanted: number[];
}

export type Order = EncodeOrder | DecodeOrder | RebuildOrder;

export interface WorkMessage {
  job: number;
  slot: number;
  /** With the first job that a worker does in this slot. */
  memory: WebAssembly.Memory | undefined;
  /** Slots that will not be named again. */
  dropped: number[];
  order: Order;
}

/** One per distinct shard of the stripe. */
export interface EncodeAnswer {
  ids: ShardId[];
  /** Shorter than the order's when the chunk was packed. */
  shardBytes: number;
}

export interface DecodeAnswer {
  /** Of a packed chunk; any other lies where the sealed chunk was. */
  unpacked: Uint8Array | undefined;
  /** Shards that are not what their ids say: nothing was opened. */
  wrong: number[];
}

export type DoneMessage =
  | { job: number; answer: EncodeAnswer | DecodeAnswer | undefined; error?: undefined }
  | { job: number; error: ErrorRecord; answer?: undefined };
