/** The codec in this process. Its methods are synchronous inside; codec-pool.ts does the same work in worker threads. */
import { shardIdOf } from '../types.ts';
import { openChunk, sealChunk, shardBytesOf } from './aead.ts';
import type { Codec, DecodeJob, EncodedStripe, EncodeJob, RebuildJob } from './codec.ts';
import { Erasure } from './erasure.ts';
import { blake3 } from './hash.ts';
import { checkCode } from './matrix.ts';
import { packChunk, unpackChunk } from './packing.ts';
import { StripeSlots } from './stripe-slots.ts';
import {
  hashShards,
  layOut,
  openingBytes,
  openStripe,
  planOpening,
  sealedBytes,
  sealStripe,
} from './stripe-work.ts';
import { Workspace } from './workspace.ts';

/** Room that chunks are opened in, kept from one to the next; larger ones get room of their own for that chunk alone. */
const MAX_KEPT_ROOM_BYTES = 16 * 1024 * 1024;

export function createCodec(): Codec {
  const erasure = new Erasure();
  const room = keptRoom();
  const slots = new StripeSlots();
  return {
    encode: async (job) => {
      job.signal?.throwIfAborted();
      checkCode(job.code);
      if (!job.pack) return encode(job, erasure, slots);
      return encode({ ...job, plaintext: packChunk(job.plaintext, job.code.k) }, erasure, slots);
    },
    decode: async (job) => {
      job.signal?.throwIfAborted();
      const opened = decode(job, erasure, room);
      return job.packed ? unpackChunk(opened, job.plaintextBytes) : opened;
    },
    rebuild: async (job) => {
      job.signal?.throwIfAborted();
      return rebuild(job, erasure);
    },
    hash: blake3,
    close: async () => {},
  };
}

function encode(job: EncodeJob, erasure: Erasure, slots: StripeSlots): EncodedStripe {
  const { k, m } = job.code;
  const shardBytes = shardBytesOf(job.plaintext.length, k);
  if (k === 1) return encodeReplicas(job, shardBytes);
  const slot = slots.lend((k + m) * shardBytes);
  if (slot === undefined) return stripeOf(shardBytes, encodeCopying(job, shardBytes, erasure), () => {});
  try {
    sealStripe(slot.workspace, erasure, { ...job, shardBytes }, job.plaintext);
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
  return { shardBytes, shards, ids: hashShards(shards).map(shardIdOf), release };
}

function decode(job: DecodeJob, erasure: Erasure, room: (lengthBytes: number) => Workspace): Uint8Array {
  const plan = planOpening(job);
  const { code, shardBytes } = job;
  const plaintextBytes = sealedBytes(job);
  if (code.k === 1) return openChunk(job, plaintextBytes, [[...job.shards.values()][0]!]);
  const workspace = room(openingBytes(code, shardBytes, plan));
  layOut(workspace, job, plan);
  return openStripe(workspace, erasure, { ...job, plaintextBytes, plan });
}

function rebuild(job: RebuildJob, erasure: Erasure): Map<number, Uint8Array> {
  return erasure.rebuild(job.code, job.shardBytes, job.shards, job.wanted);
}

/** A workspace that grows to what was asked for; used within one synchronous call only. */
function keptRoom(): (lengthBytes: number) => Workspace {
  let kept: Workspace | undefined;
  return (lengthBytes) => {
    if (lengthBytes > MAX_KEPT_ROOM_BYTES) return Workspace.own(lengthBytes);
    kept ??= Workspace.own(lengthBytes);
    kept.ensureRoom(lengthBytes);
    return kept;
  };
}
