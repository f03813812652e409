/** The codec's interface: chunk ⇄ sealed, erasure-coded, hashed stripe. Pure: no I/O. Formats: docs/FORMATS.md. */
import type { CodeProfile, ShardId } from '../types.ts';
import type { Bytes } from './memory.ts';

export interface EncodeJob {
  code: CodeProfile;
  /** 32 bytes, random per object version. */
  fileKey: Uint8Array;
  /** Position of the chunk in the object, from 0; the AEAD nonce is made of it. */
  chunkIndex: number;
  /** True for the object's last chunk: bound into the AEAD, so that a cut object is detected. */
  last: boolean;
  /** In one piece or several: copied once, into the memory it is sealed in. Not to be written before the call has ended. */
  plaintext: Bytes;
  /** Compress the chunk where that shrinks it; to be told again when it is decoded. */
  pack?: boolean | undefined;
  /** Broken off: the call rejects with the signal's reason and gives its memory back, at the latest when the work under way ends. */
  signal?: AbortSignal | undefined;
}

export interface EncodedStripe {
  /** Length of each of the k+m shards: a multiple of 128. */
  shardBytes: number;
  /** k data shards, then m parity shards; read-only, valid until `release`. Replicas (k = 1) are one and the same buffer. */
  shards: Uint8Array[];
  ids: ShardId[];
  /**
   * Gives the shards' memory back for a later stripe: to be called when nothing will read them any more (every send ended, also the
   * hedged ones). Forgetting it is safe but slower: the codec copies once its few buffers are lent.
   */
  release(): void;
}

export interface DecodeJob {
  code: CodeProfile;
  fileKey: Uint8Array;
  chunkIndex: number;
  last: boolean;
  plaintextBytes: number;
  shardBytes: number;
  /** The chunk was encoded with `pack`. */
  packed?: boolean | undefined;
  /** At least k shards under their true indices, each already verified against its id unless `ids` is given. */
  shards: ReadonlyMap<number, Uint8Array>;
  /** Of all k+m shards, by index: those that are used are verified, where the work is done, before anything is overwritten. */
  ids?: readonly ShardId[] | undefined;
  /** Where some or all of them were received. */
  landing?: Landing | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * A stripe's place in the codec's memory, for shards that come from a network: what lies in its place there is decoded without being copied. Of the codec
 * that gave it; for one `decode` at most, which takes it over: it is given back with the opened chunk, or when the decode fails (but for `hash-mismatch`:
 * then it is open again, for other shards and another decode).
 */
export interface Landing {
  /**
   * `shardBytes` bytes for shard `index`. One writer at a time: undefined while another has the place, when the landing was decoded or
   * released, and for an index that is none. The writer says `ended` when it will not write there any more, whether it succeeded or not;
   * until then the memory is not given back, and a decode that needs the place copies the shards elsewhere.
   */
  bufferFor(index: number): Uint8Array | undefined;
  ended(index: number): void;
  /** For whoever decodes nothing after all; harmless after a decode. */
  release(): void;
}

export interface OpenedChunk {
  /** The plaintext; read-only, valid until `release`. */
  bytes: Uint8Array;
  /** Gives the memory back for a later stripe. Forgetting it is safe but slower, as with `EncodedStripe`. */
  release(): void;
}

export interface RebuildJob {
  code: CodeProfile;
  shardBytes: number;
  shards: ReadonlyMap<number, Uint8Array>;
  /** Indices to compute, none of them in `shards`. */
  wanted: readonly number[];
  signal?: AbortSignal | undefined;
}

export interface RebuiltShards {
  /** By index. */
  shards: ReadonlyMap<number, Uint8Array>;
  /** Gives their memory back: they must not be used afterwards. Idempotent. */
  release(): void;
}

export interface Codec {
  encode(job: EncodeJob): Promise<EncodedStripe>;
  /**
   * Throws `shards-missing` with fewer than k shards, `hash-mismatch` with the indices in `details.wrong` when shards have not their `ids`, `not-authentic` when the AEAD tag does not fit, and `internal` when a worker thread died over shards that lay in
   * their landing: those are gone and to be fetched again (copies are tried again here).
   */
  decode(job: DecodeJob): Promise<OpenedChunk>;
  /** Memory to receive a stripe of k+m shards in; undefined where there is none or the stripe is small: then receive in memory of your own. Rejects with the signal's reason. */
  receive(code: CodeProfile, shardBytes: number, signal?: AbortSignal): Promise<Landing | undefined>;
  /** Missing shards from any k others, without a key. */
  rebuild(job: RebuildJob): Promise<RebuiltShards>;
  hash(bytes: Uint8Array): Uint8Array;
  close(): Promise<void>;
}
