/** The shard store's interface. The segment log (segment-store.ts) implements it. */
import type { OwnerId, ShardId } from '../types.ts';

export interface PutRecord {
  id: ShardId;
  bytes: Uint8Array;
  owner: OwnerId;
  /** Kept with the shard when it is stored, not when it is there already; at most 64 bytes of UTF-8. '' unless given. */
  pool?: string;
}

export interface ShardStat {
  id: ShardId;
  lengthBytes: number;
  /** Owners that put it and have not released it. */
  owners: OwnerId[];
  pool: string;
  writtenAtMs: number;
  /** Its bytes were hashed and found good then or later: when it was written, copied or last scrubbed. */
  verifiedAtMs: number;
}

export interface StoreUsage {
  shards: number;
  /** Bytes of live records, headers included. */
  liveBytes: number;
  /** Bytes of all segment files. */
  diskBytes: number;
}

export type ReadInto = Uint8Array | ((lengthBytes: number) => Uint8Array | undefined);

export interface ShardStore {
  /**
   * Resolves when the shard is durable (fdatasync done). Idempotent by id; verifies BLAKE3(bytes) = id first, and is
   * the one place that does: who receives a shard to be stored need not hash it. Throws `hash-mismatch`, `quota-full`,
   * `disk-full`.
   *
   * `bytes` may be a view of anything, a receive buffer of a pool or shared memory too. They must not change until the
   * promise settles (a change in between would be found by the next reader); then nothing refers to them any more.
   * Large shards go to the disk from where they lie, small ones (16 KiB) are copied once.
   */
  put(record: PutRecord): Promise<'stored' | 'already-there'>;
  /**
   * Verified bytes, or undefined when not held. A record that fails its hash counts as not held and is quarantined.
   * One read, into a fresh buffer that is the caller's, or to the beginning of `into`, of which a view is returned: a
   * RangeError when it is too small; what it holds after a failure is not to be used. As a function `into` is told the
   * length of what is held, at most once, and gives the buffer, or undefined for a fresh one.
   */
  get(id: ShardId, into?: ReadInto): Promise<Uint8Array | undefined>;
  /** Part of a record, for audits; the caller proves it. */
  getRange(id: ShardId, offset: number, lengthBytes: number): Promise<Uint8Array | undefined>;
  has(id: ShardId): boolean;
  /** Removes `owner`'s claim; the record goes when no owner is left. Durable when it resolves. False when not held by that owner. */
  delete(id: ShardId, owner: OwnerId): Promise<boolean>;
  stat(id: ShardId): ShardStat | undefined;
  /** Ids in order, after `cursor`. */
  list(cursor: ShardId | undefined, limit: number): ShardId[];
  /** Bytes this owner's claims count for. */
  ownerBytes(owner: OwnerId): number;
  /** Owners of what is held. */
  owners(): OwnerId[];
  usage(): StoreUsage;
  close(): Promise<void>;
}

/** The same store with another `put` or `delete`: reads and figures go straight through. */
export function withOther(
  store: ShardStore,
  { put, delete: remove }: Partial<Pick<ShardStore, 'put' | 'delete'>>,
): ShardStore {
  return {
    put: put ?? ((record) => store.put(record)),
    get: (id, into) => store.get(id, into),
    getRange: (id, offset, lengthBytes) => store.getRange(id, offset, lengthBytes),
    has: (id) => store.has(id),
    delete: remove ?? ((id, owner) => store.delete(id, owner)),
    stat: (id) => store.stat(id),
    list: (cursor, limit) => store.list(cursor, limit),
    ownerBytes: (owner) => store.ownerBytes(owner),
    owners: () => store.owners(),
    usage: () => store.usage(),
    close: () => store.close(),
  };
}

/** The store, telling of each shard whose last owner has released it. */
export function tellingWhatGoes(store: ShardStore, gone: (id: ShardId) => void): ShardStore {
  return withOther(store, {
    async delete(id, owner) {
      const released = await store.delete(id, owner);
      if (released && !store.has(id)) gone(id);
      return released;
    },
  });
}
