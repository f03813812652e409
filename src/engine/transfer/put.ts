/**
 * Put: chunk → seal and code → place → durable on the holders → manifest → (caller) catalog commit. Nothing is visible
 * before that commit; a put that fails takes back the shards it placed, or keeps them for the next run if it has a journal.
 */
import { asDatameshError, DatameshError } from '../../errors.ts';
import type { Backend } from '../backends/backend.ts';
import { type ChunkSizeHints, checkChunkCount, chooseChunkBytes } from '../codec/chunk-size.ts';
import { type Chunk, chunks } from '../codec/chunker.ts';
import type { Codec } from '../codec/codec.ts';
import { blake3Hasher, type Hasher } from '../codec/hash.ts';
import { encodeManifest, type StripeLayout } from '../codec/manifest.ts';
import { OWNER_SALT_BYTES } from '../codec/manifest-checks.ts';
import { MAX_INLINE_BYTES } from '../codec/manifest-limits.ts';
import { freeNow, joined } from '../codec/memory.ts';
import { worthPacking } from '../codec/packing.ts';
import { Turnstile } from '../codec/turnstile.ts';
import type { Clock } from '../effects/clock.ts';
import type { Random } from '../effects/random.ts';
import type { CallOptions, PutOptions } from '../engine.ts';
import type { OwnerKeys } from '../keys/keys.ts';
import { spanned } from '../observe/spans.ts';
import type { Candidate, Domain, PlacementPolicy, Site } from '../placement/domains.ts';
import { requirePlaceable, writeQuorum } from '../placement/feasible.ts';
import type { Losses } from '../placement/survival.ts';
import {
  bytesToHex,
  type CodeProfile,
  manifestShardId,
  type ObjectId,
  type OwnerId,
  objectIdOf,
  type PeerId,
  type ShardId,
} from '../types.ts';
import { account } from './account.ts';
import { Asking } from './asking.ts';
import { ASK_TIMEOUT_MS, PUT_LATE_BYTES, PUT_WINDOW_STRIPES, RELEASE_WINDOW } from './limits.ts';
import type { PutJournal, PutJournals } from './put-journals.ts';
import { ResumablePut } from './resume.ts';
import { type WriteContext, writeStripe } from './stripe-writer.ts';
import { orderedWindow } from './window.ts';

export interface PutContext {
  codec: Codec;
  clock: Clock;
  random: Random;
  owner: OwnerKeys;
  /** Code of the pool, unless the put names another. */
  code: CodeProfile;
  /** Failure domain of the pool. */
  domain: Domain;
  /** Holders of the pool that take shards of this owner now. */
  candidates(owner: OwnerId): Candidate[];
  /** Where a holder stands, as far as this node knows. */
  siteOf(holder: PeerId): Site | undefined;
  /** Whether the pool may have shards there at all; absent: everywhere. */
  isOfPool?(holder: PeerId): boolean;
  backend(peer: PeerId): Backend | undefined;
  /** False: it gets a shard only when nobody else can. */
  mayAsk(peer: PeerId): boolean;
  /** What is known of the line to the pool's holders: a long one gets longer chunks. Absent: nothing. */
  line?(): Pick<ChunkSizeHints, 'bandwidthBytesPerSecond' | 'rttMs'>;
  /** It kept a stripe waiting for that long, and was replaced. */
  overtaken?(holder: PeerId, elapsedMs: number): void;
  /** Told of every shard before it is sent: what no catalog names yet must not be collected (running-puts.ts). */
  sending(id: ShardId): void;
  /** Told of the manifest when it is durable. */
  manifestStored?(id: ObjectId, bytes: Uint8Array): void;
  /** For puts that can be gone on with. */
  journals?: PutJournals | undefined;
  log(text: string): void;
}

export interface StoredObject {
  objectId: ObjectId;
  sizeBytes: number;
  contentHash: string;
  mimeType: string;
  tags: string[];
  createdAtMs: number;
  code: CodeProfile;
  chunkBytes: number;
  stripes: number;
  storedBytes: number;
  manifestHolders: PeerId[];
  shardsDurable: number;
  shardsWanted: number;
  spare: number;
  /** Whole domains that may fail, whichever they are, with every stripe and the manifest still readable. */
  survives: Losses;
  /** No stripe has more shards in a domain, or on a node, than the pool's rule allows. */
  keepsRule: boolean;
  shardsByHolder: ReadonlyMap<PeerId, number>;
  /** For taking back, if the catalog refuses the commit. */
  placed: PlacedShards;
  /** Stripes that an interrupted run had stored and that were found complete. */
  stripesFound: number;
  /** To be told of the commit, and then removed. */
  journal: PutJournal | undefined;
}

/** Every shard that became durable or may have, so that a failed put can take it back. */
export type PlacedShards = { id: ShardId; holder: PeerId }[];

export async function storeObject(
  source: AsyncIterable<Uint8Array>,
  options: PutOptions,
  context: PutContext,
  call: CallOptions,
): Promise<StoredObject> {
  const code = options.code ?? context.code;
  const allowDegraded = options.allowDegraded ?? false;
  const ofStripes: PlacedShards = [];
  const ofManifest: PlacedShards = [];
  let placing = ofStripes;
  const asking = new Asking();
  const stopper = new AbortController();
  const signal = call.signal === undefined ? stopper.signal : AbortSignal.any([stopper.signal, call.signal]);
  const write: WriteContext = {
    clock: context.clock,
    owner: context.owner.ownerId,
    candidates: () => context.candidates(context.owner.ownerId),
    siteOf: context.siteOf,
    backend: context.backend,
    mayAsk: (peer) => context.mayAsk(peer),
    placed(id, holder, refused) {
      if (refused === undefined) {
        context.sending(id);
        placing.push({ id, holder });
      } else {
        for (const list of [ofStripes, ofManifest]) {
          const at = list.findIndex((each) => each.id === id && each.holder === holder);
          if (at >= 0) list.splice(at, 1);
        }
      }
    },
    failed: (holder, error) => context.log(`put: ${holder.slice(-8)} took no shard: ${error.message}`),
    overtaken(holder, elapsedMs) {
      context.log(
        `put: ${holder.slice(-8)} has not answered for ${Math.round(elapsedMs)} ms: another takes its shard`,
      );
      context.overtaken?.(holder, elapsedMs);
    },
    asking,
    signal,
  };
  const policy = { code, domain: context.domain, allowDegraded };
  const wantedBytes = chooseChunkBytes({ sizeBytes: options.sizeBytes, code, ...context.line?.() });
  const resume = await ResumablePut.begin(context.journals, options, policy, wantedBytes, {
    ...context,
    ...write,
  });
  try {
    requirePlaceable(policy, write.candidates());
    const content = await storeContent(source, {
      options,
      policy,
      write,
      context,
      call,
      resume,
      chunkBytes: resume?.chunkBytes ?? wantedBytes,
      stop: () => stopper.abort(),
    });
    placing = ofManifest;
    const stored = await storeManifest(content, { options, policy, write, context });
    await resume?.journal.committing(stored.objectId);
    const placed = [...ofStripes, ...ofManifest];
    if (resume !== undefined) await takeBack(notAmong(placed, resume.displaced), context);
    return { ...stored, placed, stripesFound: resume?.stripesFound ?? 0, journal: resume?.journal };
  } catch (error) {
    stopper.abort();
    // What is taken back must not be overtaken by what is still on its way.
    await asking.ended(context.clock);
    const givenUp = resume === undefined ? [] : await resume.stopped(error);
    const kept = givenUp === undefined;
    await takeBack(kept ? ofManifest : [...ofStripes, ...ofManifest, ...givenUp], context);
    throw call.signal?.aborted ? cancelled(kept) : error;
  }
}

function notAmong(placed: PlacedShards, shards: PlacedShards): PlacedShards {
  const known = new Set(placed.map(({ id, holder }) => `${id} ${holder}`));
  return shards.filter(({ id, holder }) => !known.has(`${id} ${holder}`));
}

function cancelled(kept: boolean): DatameshError {
  return new DatameshError('cancelled', {
    what: kept ? 'the put was cancelled' : 'the put was cancelled; nothing was stored',
    mend: kept ? 'to go on where it stopped, put the same file again' : undefined,
  });
}

interface Job {
  options: PutOptions;
  policy: PlacementPolicy;
  write: WriteContext;
  context: PutContext;
}

interface Content {
  fileKey: Uint8Array;
  /** What the file key was made of. */
  ownerSalt: Uint8Array;
  chunkBytes: number;
  sizeBytes: number;
  contentHash: Uint8Array;
  stripes: StripeLayout[];
  /** Its chunks were compressed where that shrank them. */
  packed: boolean;
  /** The whole content, when it fits the manifest. */
  inline: Uint8Array | undefined;
}

async function storeContent(
  source: AsyncIterable<Uint8Array>,
  job: Job & { call: CallOptions; resume: ResumablePut | undefined; chunkBytes: number; stop: () => void },
): Promise<Content> {
  const { options, policy, context, call, resume, chunkBytes } = job;
  const { code } = policy;
  checkChunkCount(Math.ceil((options.sizeBytes ?? 0) / chunkBytes), chunkBytes, code);
  const ownerSalt = resume?.salt ?? context.random.bytes(OWNER_SALT_BYTES);
  const fileKey = context.owner.fileKeyOf(ownerSalt);
  const hasher = blake3Hasher();
  const stripes: StripeLayout[] = [];
  let inline: Uint8Array | undefined;
  let packed = false;
  let sizeBytes = 0;
  let doneBytes = 0;

  const stripeBytes = (chunkBytes / code.k) * (code.k + code.m);
  const memory = new Turnstile(PUT_WINDOW_STRIPES + Math.max(1, Math.floor(PUT_LATE_BYTES / stripeBytes)));
  const store = async (chunk: Chunk): Promise<{ stripe?: StripeLayout; bytes: number }> => {
    job.write.signal.throwIfAborted();
    checkChunkCount(chunk.index + 1, chunkBytes, code);
    if (chunk.last && chunk.index === 0 && chunk.lengthBytes <= MAX_INLINE_BYTES) {
      inline = joined(chunk.pieces);
      return { bytes: chunk.lengthBytes };
    }
    // Chunks come here in order, so the first one decides for all.
    if (chunk.index === 0) packed = options.compress === true && worthPacking(joined(chunk.pieces));
    const leave = await memory.enter(job.write.signal);
    let unread = leave;
    let lent = false;
    try {
      const encoded = await context.codec.encode({
        code,
        fileKey,
        chunkIndex: chunk.index,
        last: chunk.last,
        plaintext: chunk.pieces,
        pack: packed,
      });
      unread = () => {
        encoded.release();
        leave();
      };
      // Nobody reads the plaintext from here on, and the stripe has a long way to go.
      if (call.givesPieces) for (const piece of chunk.pieces) freeNow(piece);
      chunk.pieces = [];
      const held = await resume?.before(chunk.index, encoded.ids);
      lent = true;
      const holders = await writeStripe(
        {
          ids: encoded.ids,
          shards: encoded.shards,
          quorum: policy.allowDegraded ? code.k : writeQuorum(code),
          policy,
          held,
          unread,
        },
        job.write,
      );
      resume?.journal.stored(chunk.index, holders);
      return {
        stripe: { shardBytes: encoded.shardBytes, ids: encoded.ids, holders },
        bytes: chunk.lengthBytes,
      };
    } finally {
      if (!lent) unread();
    }
  };

  const traced = (chunk: Chunk) =>
    call.span === undefined
      ? store(chunk)
      : spanned(call.span, 'datamesh.put.stripe', { 'datamesh.stripe': chunk.index }, () => store(chunk));
  const counted = hashed(chunks(source, chunkBytes), hasher, (bytes) => (sizeBytes += bytes));
  for await (const { stripe, bytes } of orderedWindow(counted, PUT_WINDOW_STRIPES, traced, job.stop)) {
    if (stripe !== undefined) stripes.push(stripe);
    doneBytes += bytes;
    call.onProgress?.({ doneBytes, totalBytes: options.sizeBytes });
  }
  if (sizeBytes === 0) inline = new Uint8Array(0);
  const contentHash = hasher.digest();
  return { fileKey, ownerSalt, chunkBytes, sizeBytes, contentHash, stripes, packed, inline };
}

/** Chunks in order pass here exactly once: the place to hash the plaintext. */
async function* hashed(
  source: AsyncIterable<Chunk>,
  hasher: Hasher,
  count: (bytes: number) => void,
): AsyncGenerator<Chunk> {
  for await (const chunk of source) {
    for (const piece of chunk.pieces) hasher.update(piece);
    count(chunk.lengthBytes);
    yield chunk;
  }
}

async function storeManifest(
  content: Content,
  job: Job,
): Promise<Omit<StoredObject, 'placed' | 'stripesFound' | 'journal'>> {
  const { options, policy, context, write } = job;
  const { code } = policy;
  const createdAtMs = context.clock.now();
  const mimeType = options.mimeType ?? 'application/octet-stream';
  const tags = options.tags ?? [];
  const bytes = encodeManifest({
    code,
    chunkBytes: content.chunkBytes,
    packed: content.packed,
    stripes: content.stripes,
    secret: {
      name: options.name,
      sizeBytes: content.sizeBytes,
      contentHash: content.contentHash,
      mimeType,
      createdAtMs,
      tags,
      inline: content.inline,
    },
    fileKey: content.fileKey,
    ownerSalt: content.ownerSalt,
    owner: context.owner,
    recipients: [],
    random: context.random,
  });
  const objectId = objectIdOf(context.codec.hash(bytes));
  // Replicated as often as a stripe tolerates losses: k = 1 with the same m.
  const replicas = { ...policy, code: { k: 1, m: code.m } };
  const id = manifestShardId(objectId);
  const holders = await writeStripe(
    {
      ids: Array.from({ length: 1 + code.m }, () => id),
      shards: Array.from({ length: 1 + code.m }, () => bytes),
      quorum: policy.allowDegraded || policy.domain === 'none' ? 1 : writeQuorum(replicas.code),
      policy: replicas,
      // A pointer, not a promise: should the put fail after all, it leads to a holder that says no.
      announce: true,
    },
    write,
  );
  const manifestHolders = holders.filter((holder) => holder !== undefined);
  context.manifestStored?.(objectId, bytes);
  return {
    ...account(content.stripes, { holders: manifestHolders, bytes: bytes.length }, policy, context.siteOf),
    objectId,
    createdAtMs,
    mimeType,
    tags,
    manifestHolders,
    code,
    sizeBytes: content.sizeBytes,
    contentHash: bytesToHex(content.contentHash),
    chunkBytes: content.chunkBytes,
    stripes: content.stripes.length,
  };
}

/** Releases what a failed put left behind; what cannot be reached now is collected later as an orphan. */
export async function takeBack(
  placed: PlacedShards,
  context: Pick<PutContext, 'backend' | 'log'> & { owner: Pick<OwnerKeys, 'ownerId'> },
): Promise<void> {
  const owner = context.owner.ownerId;
  const release = async ({ id, holder }: PlacedShards[number]) => {
    try {
      await context.backend(holder)?.delete(id, owner, { timeoutMs: ASK_TIMEOUT_MS });
    } catch (error) {
      context.log(`take back: ${holder.slice(-8)} keeps an orphan shard: ${asDatameshError(error).message}`);
    }
  };
  for await (const _ of orderedWindow(placed, RELEASE_WINDOW, release, () => {}));
}
