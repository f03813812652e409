/** The codec's interface: chunk ⇄ sealed, erasure-coded, hashed stripe. Pure: no I/O. Formats: docs/FORMATS.md. */
import type { CodeProfile, ShardId } from '../types.ts';

export interface EncodeJob {
  code: CodeProfile;
  /** 32 bytes, random per object version. */
  fileKey: Uint8Array;
  /** Position of the chunk in the object, from 0; the AEAD nonce is made of it. */
  chunkIndex: number;
  /** True for the object's last chunk: bound into the AEAD, so that a cut object is detected. */
  last: boolean;
  plaintext: Uint8Array;
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
  /** At least k shards under their true indices, each already verified against its id. */
  shards: ReadonlyMap<number, Uint8Array>;
  signal?: AbortSignal | undefined;
}

export interface RebuildJob {
  code: CodeProfile;
  shardBytes: number;
  shards: ReadonlyMap<number, Uint8Array>;
  /** Indices to compute, none of them in `shards`. */
  wanted: readonly number[];
  signal?: AbortSignal | undefined;
}

export interface Codec {
  encode(job: EncodeJob): Promise<EncodedStripe>;
  /** Throws `shards-missing` with fewer than k shards, `not-authentic` when the AEAD tag does not fit. */
  decode(job: DecodeJob): Promise<Uint8Array>;
  /** Missing shards from any k others, without a key. */
  rebuild(job: RebuildJob): Promise<Map<number, Uint8Array>>;
  hash(bytes: Uint8Array): Uint8Array;
  close(): Promise<void>;
}
