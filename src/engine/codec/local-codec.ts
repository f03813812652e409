/** The codec in this process. Its methods are synchronous inside; codec-pool.ts does the same work in worker threads. */
import { sealChunk, shardBytesOf } from './aead.ts';
import type {
  Codec,
  DecodeJob,
  EncodedStripe,
  EncodeJob,
  OpenedChunk,
  RebuildJob,
  RebuiltShards,
} from './codec.ts';
import { Erasure } from './erasure.ts';
import { blake3, shardIdOfBytes } from './hash.ts';
import { landingIn, releasingLanding, SlotLanding } from './landing.ts';
import { checkCode } from './matrix.ts';
import { copyOf, joined, lengthOf } from './memory.ts';
import { packChunk, unpackChunk } from './packing.ts';
import { StripeSlots } from './stripe-slots.ts';
import {
  idsOf,
  layOut,
  openingBytes,
  openStripe,
  placesOf,
  planLanded,
  planOpening,
  sealedBytes,
  sealStripe,
  wrongShards,
  wrongShardsError,
} from './stripe-work.ts';
import { Workspace } from './workspace.ts';

/** Room that chunks are opened in when no slot is free, kept from one to the next; larger ones get room of their own for that chunk alone. */
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
      return encode({ ...job, plaintext: packChunk(joined(job.plaintext), job.code.k) }, erasure, slots);
    },
    decode: (job) =>
      releasingLanding(job, async () => {
        job.signal?.throwIfAborted();
        const opened = decode(job, erasure, slots, room);
        return job.packed ? unpacked(opened, job.plaintextBytes) : opened;
      }),
    receive: async (code, shardBytes) => landingIn(slots, code, shardBytes),
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
  const shardBytes = shardBytesOf(lengthOf(job.plaintext), k);
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
  const id = shardIdOfBytes(replica);
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
  return { shardBytes, shards, ids: idsOf(shards), release };
}

function decode(
  job: DecodeJob,
  erasure: Erasure,
  slots: StripeSlots,
  room: (lengthBytes: number) => Workspace,
): OpenedChunk {
  const copied = planOpening(job);
  const landed = planLanded(job, copied);
  const landing = job.landing instanceof SlotLanding ? job.landing : undefined;
  const landedIn = landing?.take(job, placesOf(job.code, landed));
  const plan = landedIn === undefined ? copied : landed;
  const roomBytes = openingBytes(job.code, job.shardBytes, plan);
  const slot = landedIn ?? slots.lend(roomBytes);
  try {
    const workspace = slot?.workspace ?? room(roomBytes);
    layOut(workspace, job, plan, landedIn === undefined ? undefined : landing);
    const order = { ...job, ids: job.ids, plaintextBytes: sealedBytes(job), plan };
    const wrong = wrongShards(workspace, order);
    if (wrong.length > 0) {
      if (landedIn !== undefined) landing?.reopen();
      throw wrongShardsError(wrong);
    }
    const bytes = openStripe(workspace, erasure, order);
    if (slot !== undefined) return { bytes, release: slot.giveBack };
    return { bytes: copyOf(bytes), release: () => {} };
  } catch (error) {
    slot?.giveBack();
    throw error;
  }
}

/** What was compressed is in memory of its own; what was not still lies where it was opened. */
function unpacked(opened: OpenedChunk, plaintextBytes: number): OpenedChunk {
  try {
    const bytes = unpackChunk(opened.bytes, plaintextBytes);
    if (bytes.buffer === opened.bytes.buffer) return { bytes, release: opened.release };
    opened.release();
    return { bytes, release: () => {} };
  } catch (error) {
    opened.release();
    throw error;
  }
}

function rebuild(job: RebuildJob, erasure: Erasure): RebuiltShards {
  const shards = erasure.rebuild(job.code, job.shardBytes, job.shards, job.wanted);
  return { shards, release: () => {} };
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
