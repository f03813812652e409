/**
 * The codec in worker threads. Stripes lie in shared workspaces ("slots") from the plaintext to the bytes on the wire: this thread copies a chunk in, a
 * worker seals, codes and hashes it in place, the shards are lent to the caller. Small chunks, and what fits no slot, are done in this thread.
 *
 * Memory: at most (2 · workers + MAX_SLOTS) slots of one stripe each ((k+m) · shardBytes, on decode also the shards that parity stands in for), together no
 * more than MAX_TOTAL_BYTES, no more than stripes have waited for (slot-demand.ts) or needed of late (slot-upkeep.ts); beside it what the codec of this thread keeps. Independent of how many calls wait and of the file's size.
 */
import type { Worker } from 'node:worker_threads';
import { DatameshError } from '../../errors.ts';
import { type Clock, realClock } from '../effects/clock.ts';
import type { CodeProfile } from '../types.ts';
import { FILE_KEY_BYTES, shardBytesOf } from './aead.ts';
import type {
  Codec,
  DecodeJob,
  EncodedStripe,
  EncodeJob,
  Landing,
  OpenedChunk,
  RebuildJob,
  RebuiltShards,
} from './codec.ts';
import { checkIndex, survivors } from './erasure.ts';
import { blake3 } from './hash.ts';
import { landingIn, releasingLanding, SlotLanding } from './landing.ts';
import { createCodec } from './local-codec.ts';
import { checkCode } from './matrix.ts';
import { copyInto, copyOf, lengthOf, piecesOf } from './memory.ts';
import { maxPackedShardBytes } from './packing.ts';
import { type DecodeAnswer, decodeOrder, type EncodeAnswer, type Order } from './pool-messages.ts';
import { SlotDemand } from './slot-demand.ts';
import { SlotUpkeep } from './slot-upkeep.ts';
import { MAX_SLOTS, MAX_TOTAL_BYTES, type Slot, StripeSlots } from './stripe-slots.ts';
import {
  layOut,
  type OpenPlan,
  openingBytes,
  placesOf,
  planLanded,
  planOpening,
  wrongShardsError,
} from './stripe-work.ts';
import { Turnstile } from './turnstile.ts';
import { unlessAborted } from './unless-aborted.ts';
import { WorkerCrew } from './worker-crew.ts';
import { Workspace } from './workspace.ts';

/** Below, handing the chunk over (some 50 µs and a context switch) costs more than the work. */
const MIN_POOL_BYTES = 128 * 1024;

export interface CodecPoolOptions {
  /** Worker threads; 0 works in this thread. */
  workers?: number;
  /** Chunks below are done in this thread. */
  minBytes?: number;
  /** Tells how long a stripe waits for a slot; the machine's when absent. */
  clock?: Clock;
  /** Starts a worker; for tests. */
  spawn?: () => Worker;
}

/** All cores but one, which the event loop keeps; at least one. */
export function defaultCodecWorkers(): number {
  return Math.max(1, navigator.hardwareConcurrency - 1);
}

/** For `doctor`: how many threads the codec may use, and what its slots may hold at most. */
export function codecPoolReport(workers = defaultCodecWorkers()): {
  workers: number;
  maxSlots: number;
  maxBytes: number;
} {
  const slots = workers === 0 ? 0 : slotCount(workers);
  return { workers, maxSlots: slots, maxBytes: slots === 0 ? 0 : MAX_TOTAL_BYTES };
}

function slotCount(workers: number): number {
  return MAX_SLOTS + turnCount(workers);
}

/** Two for each worker: its next stripe is copied in while it works, so that it never waits for this thread. */
function turnCount(workers: number): number {
  return 2 * workers;
}

/** A codec with that many worker threads, which start with the first large chunk. */
export function createCodecPool(options: CodecPoolOptions = {}): Codec {
  const workers = options.workers ?? defaultCodecWorkers();
  if (!Number.isSafeInteger(workers) || workers < 0) throw new RangeError(`no number of workers: ${workers}`);
  return workers === 0 ? createCodec() : new CodecPool(workers, options);
}

class CodecPool implements Codec {
  readonly #local = createCodec();
  readonly #crew: WorkerCrew;
  readonly #slots: StripeSlots;
  readonly #demand: SlotDemand;
  readonly #upkeep: SlotUpkeep;
  readonly #turns: Turnstile;
  readonly #slotIds = new WeakMap<Workspace, number>();
  readonly #minBytes: number;
  #nextSlot = 0;
  #lentStripes = 0;

  constructor(workers: number, options: CodecPoolOptions) {
    this.#crew = new WorkerCrew(workers, options.spawn);
    this.#minBytes = options.minBytes ?? MIN_POOL_BYTES;
    this.#turns = new Turnstile(turnCount(workers));
    const clock = options.clock ?? realClock();
    this.#demand = new SlotDemand(clock);
    this.#upkeep = new SlotUpkeep(clock, (keep) => {
      if (this.#slots.trimTo(keep)) this.#crew.renew();
    });
    this.#slots = new StripeSlots({
      maxSlots: slotCount(workers),
      make: (roomBytes) => {
        const workspace = Workspace.shared(roomBytes, MAX_TOTAL_BYTES);
        this.#number(workspace);
        return workspace;
      },
      grow: (workspace, roomBytes) => {
        workspace.ensureRoom(roomBytes);
        // Under a new number the workers are given its memory again, and see all of it.
        this.#forget(workspace);
        this.#number(workspace);
      },
      dropped: (workspace) => this.#forget(workspace),
      freed: () => this.#demand.freed(),
      lent: (count) => this.#upkeep.lent(count),
    });
  }

  #number(workspace: Workspace): void {
    this.#slotIds.set(workspace, this.#nextSlot++);
  }

  #forget(workspace: Workspace): void {
    this.#crew.forget([this.#slotIds.get(workspace)!]);
  }

  async encode(job: EncodeJob): Promise<EncodedStripe> {
    checkCode(job.code);
    const { code, fileKey, chunkIndex, last, plaintext } = job;
    const plaintextBytes = lengthOf(plaintext);
    if (plaintextBytes < this.#minBytes || fileKey.length !== FILE_KEY_BYTES) return this.#local.encode(job);
    const { k, m } = code;
    const pack = job.pack ?? false;
    const maxShardBytes = pack ? maxPackedShardBytes(plaintextBytes, k) : shardBytesOf(plaintextBytes, k);
    const shardCount = k === 1 ? 1 : k + m;
    const stripe = await this.#inTurn(job.signal, shardCount * maxShardBytes, {
      order: {
        kind: 'encode',
        code,
        fileKey: Uint8Array.from(fileKey),
        chunkIndex,
        last,
        shardBytes: maxShardBytes,
        plaintextBytes,
        pack,
      },
      prepare: (workspace) => {
        let at = 0;
        for (const piece of piecesOf(plaintext)) {
          copyInto(workspace.view(at, piece.length), piece);
          at += piece.length;
        }
      },
      finish: (answer, slot) => {
        const { ids, shardBytes } = answer as EncodeAnswer;
        const { bytes, release } = this.#lend(slot, shardCount * shardBytes);
        const shards = ids.map((_, i) => bytes.subarray(i * shardBytes, (i + 1) * shardBytes));
        if (k > 1) return { shardBytes, shards, ids, release };
        const replicas = 1 + m;
        return {
          shardBytes,
          shards: new Array<Uint8Array>(replicas).fill(shards[0]!),
          ids: new Array<(typeof ids)[0]>(replicas).fill(ids[0]!),
          release,
        };
      },
    });
    return stripe ?? this.#local.encode(job);
  }

  decode(job: DecodeJob): Promise<OpenedChunk> {
    return releasingLanding(job, async () => {
      if (job.plaintextBytes < this.#minBytes || job.fileKey.length !== FILE_KEY_BYTES) {
        return this.#local.decode(job);
      }
      const plan = planOpening(job);
      return (await this.#decodeLanded(job, plan)) ?? (await this.#decodeCopied(job, plan));
    });
  }

  /** In the slot that the shards were received in. Undefined when that cannot be. */
  async #decodeLanded(job: DecodeJob, copied: OpenPlan): Promise<OpenedChunk | undefined> {
    const plan = planLanded(job, copied);
    const landing = job.landing instanceof SlotLanding ? job.landing : undefined;
    const slot = landing?.take(job, placesOf(job.code, plan));
    if (slot === undefined) return undefined;
    let attempts = 0;
    return await this.#inTurn(job.signal, slot, {
      order: decodeOrder(job, plan),
      prepare: (workspace) => {
        if (attempts++ > 0) throw overwritten();
        layOut(workspace, job, plan, landing);
      },
      finish: (answer, { workspace, giveBack }) => {
        const { unpacked, wrong } = answer as DecodeAnswer;
        if (wrong.length > 0) {
          landing?.reopen();
          throw wrongShardsError(wrong);
        }
        if (unpacked === undefined) {
          return {
            bytes: workspace.view(plan.start * job.shardBytes, job.plaintextBytes),
            release: giveBack,
          };
        }
        giveBack();
        return { bytes: unpacked, release: () => {} };
      },
    });
  }

  async #decodeCopied(job: DecodeJob, plan: OpenPlan): Promise<OpenedChunk> {
    const roomBytes = openingBytes(job.code, job.shardBytes, plan);
    const opened = await this.#inTurn(job.signal, roomBytes, {
      order: decodeOrder(job, plan),
      prepare: (workspace) => layOut(workspace, job, plan),
      finish: (answer, slot) => {
        const { unpacked, wrong } = answer as DecodeAnswer;
        if (wrong.length > 0) throw wrongShardsError(wrong);
        if (unpacked === undefined) return this.#lend(slot, job.plaintextBytes);
        slot.giveBack();
        return { bytes: unpacked, release: () => {} };
      },
    });
    return opened ?? this.#local.decode(job);
  }

  async receive(code: CodeProfile, shardBytes: number, signal?: AbortSignal): Promise<Landing | undefined> {
    if (code.k * shardBytes < this.#minBytes) return undefined;
    const stripeBytes = (code.k + code.m) * shardBytes;
    for (;;) {
      signal?.throwIfAborted();
      if (this.#lentStripes >= MAX_SLOTS) return undefined;
      const waiting = this.#demand.wait(this.#slots, stripeBytes, signal);
      if (waiting === undefined) break;
      await waiting;
    }
    return landingIn({ lend: (roomBytes) => this.#counted(this.#slots.lend(roomBytes)) }, code, shardBytes);
  }

  async rebuild(job: RebuildJob): Promise<RebuiltShards> {
    checkCode(job.code);
    const { code, shardBytes, shards, wanted } = job;
    const { k } = code;
    if (k === 1 || wanted.length === 0 || k * shardBytes < this.#minBytes) return this.#local.rebuild(job);
    const from = survivors(code, shardBytes, shards);
    for (const index of wanted) checkIndex(code, index);
    const rebuilt = await this.#inTurn(job.signal, (k + wanted.length) * shardBytes, {
      order: { kind: 'rebuild', code, shardBytes, from, wanted: [...wanted] },
      prepare: (workspace) => {
        from.forEach((index, i) => {
          copyInto(workspace.view(i * shardBytes, shardBytes), shards.get(index)!);
        });
      },
      finish: (_, slot) => {
        const { bytes, release } = this.#lend(slot, wanted.length * shardBytes, k * shardBytes);
        const shard = (i: number) => bytes.subarray(i * shardBytes, (i + 1) * shardBytes);
        return { shards: new Map(wanted.map((index, i) => [index, shard(i)])), release };
      },
    });
    return rebuilt ?? this.#local.rebuild(job);
  }

  hash(bytes: Uint8Array): Uint8Array {
    return blake3(bytes);
  }

  async close(): Promise<void> {
    this.#upkeep.close();
    await this.#crew.close();
    await this.#local.close();
  }

  /**
   * A worker's answer to one order in a slot, given or of so many bytes, turned by `finish` into the caller's result; `finish` gives the slot back or lends it.
   * Undefined when there is no slot. Cancelled, it rejects at once, and the slot comes back when the worker is done with it.
   */
  async #inTurn<Result>(
    signal: AbortSignal | undefined,
    given: Slot | number,
    task: {
      order: Order;
      prepare(workspace: Workspace): void;
      finish(answer: EncodeAnswer | DecodeAnswer | undefined, slot: Slot): Result;
    },
  ): Promise<Result | undefined> {
    const { leave, slot } = await this.#turnFor(given, signal);
    if (slot === undefined) return undefined;
    const { workspace, giveBack } = slot;
    const work = async () => {
      try {
        const answer = await this.#crew.run({
          order: task.order,
          slot: { id: this.#slotIds.get(workspace)!, workspace },
          prepare: () => task.prepare(workspace),
        });
        signal?.throwIfAborted();
        return task.finish(answer, { workspace, giveBack });
      } catch (error) {
        giveBack();
        throw error;
      } finally {
        leave();
      }
    };
    return await unlessAborted(work(), signal);
  }

  /**
   * A turn, and the slot for it. Without a slot the turn is given back, and a given slot without a turn; and nobody keeps one who waits for a slot, as whoever
   * has that slot may need a turn.
   */
  async #turnFor(
    given: Slot | number,
    signal: AbortSignal | undefined,
  ): Promise<{ leave: () => void; slot: Slot | undefined }> {
    for (;;) {
      const leave = await this.#turns.enter(signal).catch((error: unknown) => {
        if (typeof given !== 'number') given.giveBack();
        throw error;
      });
      let slot: Slot | undefined;
      let waiting: Promise<void> | undefined;
      try {
        if (typeof given !== 'number') slot = given;
        else {
          waiting = this.#demand.wait(this.#slots, given, signal);
          if (waiting === undefined) slot = this.#slots.lend(given);
        }
      } finally {
        if (slot === undefined) leave();
      }
      if (waiting === undefined) return { leave, slot };
      await waiting;
    }
  }

  /** Part of a slot, or a copy of it when MAX_SLOTS are lent already: whoever forgets to give back slows, but stops nothing. */
  #lend(slot: Slot, lengthBytes: number, offset = 0): { bytes: Uint8Array; release: () => void } {
    const bytes = slot.workspace.view(offset, lengthBytes);
    if (this.#lentStripes < MAX_SLOTS) return { bytes, release: this.#counted(slot).giveBack };
    const copy = copyOf(bytes);
    slot.giveBack();
    return { bytes: copy, release: () => {} };
  }

  /** A slot that counts as lent until it is given back. */
  #counted<Lent extends Slot | undefined>(slot: Lent): Lent {
    if (slot === undefined) return slot;
    this.#lentStripes++;
    let lent = true;
    const giveBack = () => {
      if (!lent) return;
      lent = false;
      this.#lentStripes--;
      slot.giveBack();
    };
    return { ...slot, giveBack };
  }
}

function overwritten(): DatameshError {
  return new DatameshError('internal', {
    what: 'a worker thread of the codec died over a stripe that it was opening in place',
    mend: 'read it again; free memory when this comes back',
  });
}
