/**
 * A backend is a place that holds shards: a peer, this node's own store, a directory on one of its disks; later an S3 or GCS bucket, a
 * 0-DB namespace. What passes this interface is sealed: a backend never sees a key or a name.
 */
import type { Attestation } from '../maintenance/proof/attestation.ts';
import type { ObjectId, OwnerId, PeerId, ShardId } from '../types.ts';

export interface BackendCall {
  signal?: AbortSignal | undefined;
  timeoutMs: number;
  /**
   * For `get`: where the shard may be put, as long as the shard is. A backend that can reads it there and returns (a view of) it; one that cannot
   * returns memory of its own. The call settles only when nothing more is written there.
   */
  into?: Uint8Array | undefined;
  /** For `get` without a place: a longer answer is refused before it is given memory. The longest shard there is when absent. */
  maxBytes?: number | undefined;
  /** See `RequestOptions.waiting`. */
  waiting?: ((ms: number) => void) | undefined;
  /** For `put` of a manifest: the holder makes its object findable, too, as `announce` asks it to. */
  announce?: boolean | undefined;
  /** For `prove`: 32 random bytes, the same for all holders of a look; behind each answer is to stand the shard's sum. A holder that knows none answers without. */
  seed?: Uint8Array | undefined;
}

export interface Backend {
  readonly id: PeerId;
  readonly kind: 'local' | 'peer' | 'directory';
  /** Resolves when the shard is durable there (fsynced), and only then. Idempotent by id. */
  put(id: ShardId, bytes: Uint8Array, owner: OwnerId, call: BackendCall): Promise<void>;
  /** Bytes as the backend sent them: the caller checks their hash. Undefined when it does not hold the shard. */
  get(id: ShardId, call: BackendCall): Promise<Uint8Array | undefined>;
  /** Which of these it says it holds, in order. */
  has(ids: readonly ShardId[], call: BackendCall): Promise<boolean[]>;
  /**
   * Makes the holder show that it has the shards (at most 256), by a slice of each that the nonce chooses: 32 random bytes, for one question to one
   * holder. The holder reads and hashes each of them whole. The caller checks the answers with `verdictsOf`.
   */
  prove(ids: readonly ShardId[], nonce: Uint8Array, call: BackendCall): Promise<Attestation>;
  /** Asks the holder of an object's manifest to make the object findable (a provider record in the DHT). */
  announce(id: ObjectId, call: BackendCall): Promise<void>;
  /** Releases the owner's claim. False when it was not held. */
  delete(id: ShardId, owner: OwnerId, call: BackendCall): Promise<boolean>;
}
