/** The codec in this process. Its methods are synchronous inside: a worker pool behind the same interface may replace it. */
import { DatameshError } from '../../errors.ts';
import { shardIdOf } from '../types.ts';
import { openChunk, sealChunk, shardBytesOf } from './aead.ts';
import type { Codec, DecodeJob, EncodedStripe, EncodeJob, RebuildJob } from './codec.ts';
import { Erasure } from './erasure.ts';
import { blake3 } from './hash.ts';
import { checkCode } from './matrix.ts';
import { StripeSlots } from './stripe-slots.ts';

/** Room for lost data shards while a chunk is opened, kept from one chunk to the next; more is allocated for that chunk alone. */
const MAX_KEPT_ROOM_BYTES = 16 * 1024 * 1024;

export function createCodec(): Codec {
  const erasure = new Erasure();
  const room = keptRoom();
  const slots = new StripeSlots();
  return {
    encode: async (job) => encode(job, erasure, slots),
    decode: async (job) => decode(job, erasure, room),
    rebuild: async (job) => rebuild(job, erasure),
    hash: blake3,
    close: async () => {},
  };
}

function encode(job: EncodeJob, erasure: Erasure, slots: StripeSlots): EncodedStripe {
  checkCode(job.code);
  const { k, m } = job.code;
  const shardBytes = shardBytesOf(job.plaintext.length, k);
  if (k === 1) return encodeReplicas(job, shardBytes);
  const slot = slots.lend((k + m) * shardBytes);
  if (slot === undefined) return stripeOf(shardBytes, encodeCopying(job, shardBytes, erasure), () => {});
  try {
    sealChunk(job, job.plaintext, slot.workspace.view(0, k * shardBytes));
    erasure.encodeInPlace(slot.workspace, job.code, shardBytes);
    const views = Array.from({ length: k + m }, (_, i) => slot.workspace.view(i * shardBytes, shardBytes));
    return stripeOf(shardBytes, views, slot.giveBack);
  } catch (error) {
    slot.giveBack();
    throw error;
  }
}

/** All replicas are the same bytes, so they are one buffer. */
function encodeReplicas(job: EncodeJob, shardBytes: number): EncodedStripe {
  const replica = Buffer.allocUnsafeSlow(shardBytes);
  sealChunk(job, job.plaintext, replica);
  const id = shardIdOf(blake3(replica));
  const count = 1 + job.code.m;
  return {
    shardBytes,
    shards: new Array<Uint8Array>(count).fill(replica),
    ids: new Array<typeof id>(count).fill(id),
    release: () => {},
  };
}

function encodeCopying(job: EncodeJob, shardBytes: number, erasure: Erasure): Uint8Array[] {
  const { k, m } = job.code;
  const stripe = Buffer.allocUnsafeSlow((k + m) * shardBytes);
  sealChunk(job, job.plaintext, stripe.subarray(0, k * shardBytes));
  const shards = Array.from({ length: k + m }, (_, i) =>
    stripe.subarray(i * shardBytes, (i + 1) * shardBytes),
  );
  erasure.encode(job.code, shards.slice(0, k), shards.slice(k));
  return shards;
}

function stripeOf(shardBytes: number, shards: Uint8Array[], release: () => void): EncodedStripe {
  return { shardBytes, shards, ids: shards.map((shard) => shardIdOf(blake3(shard))), release };
}

function decode(job: DecodeJob, erasure: Erasure, room: (lengthBytes: number) => Uint8Array): Uint8Array {
  checkCode(job.code);
  const { k } = job.code;
  const { plaintextBytes } = job;
  if (!Number.isSafeInteger(plaintextBytes) || plaintextBytes < 0) {
    throw new DatameshError('malformed-data', { what: `a chunk cannot have ${plaintextBytes} bytes` });
  }
  if (job.shardBytes !== shardBytesOf(plaintextBytes, k)) {
    throw new DatameshError('malformed-data', {
      what: `a chunk of ${plaintextBytes} bytes at k = ${k} has not shards of ${job.shardBytes} bytes`,
    });
  }
  const dataIndices = Array.from({ length: k }, (_, i) => i);
  const lost = dataIndices.filter((index) => !job.shards.has(index));
  const rebuilt = erasure.rebuild(job.code, job.shardBytes, job.shards, lost, room);
  const parts = dataIndices.map((index) => job.shards.get(index) ?? rebuilt.get(index)!);
  return openChunk(job, plaintextBytes, parts);
}

function rebuild(job: RebuildJob, erasure: Erasure): Map<number, Uint8Array> {
  return erasure.rebuild(job.code, job.shardBytes, job.shards, job.wanted);
}

/** A buffer that grows to what was asked for; used within one synchronous call only. */
function keptRoom(): (lengthBytes: number) => Uint8Array {
  let kept = new Uint8Array(0);
  return (lengthBytes) => {
    if (lengthBytes > MAX_KEPT_ROOM_BYTES) return Buffer.allocUnsafeSlow(lengthBytes);
    if (kept.length < lengthBytes) kept = new Uint8Array(lengthBytes);
    return kept;
  };
}
