/** The catalog's interface: the owner's names, versions and tags → ObjectIds. SQLite (sqlite-catalog.ts) implements it. */
import type { DatameshError } from '../../errors.ts';
import type { ListPage, ListQuery, ObjectView } from '../engine.ts';
import type { Domain } from '../placement/domains.ts';
import type { CodeProfile, ObjectId, OwnerId, PeerId } from '../types.ts';
import type { MirrorBook } from './mirror/book.ts';

export interface NewEntry {
  owner: OwnerId;
  name: string;
  objectId: ObjectId;
  sizeBytes: number;
  contentHash: string;
  mimeType: string;
  tags: string[];
  k: number;
  m: number;
  chunkBytes: number;
  stripes: number;
  /** Bytes of all shards and manifest replicas placed. */
  storedBytes: number;
  createdAtMs: number;
  ownerKey: string;
  /** Name of the pool it was put into. */
  pool: string;
  /** Write-time holders of the manifest. */
  manifestHolders: PeerId[];
  /** By which rule custodians keep it whole; none are told of it when absent. */
  custody?: { domain: Domain; members: PeerId[] } | undefined;
}

/** What custodians are still to be told. */
export interface PendingOrder {
  objectId: ObjectId;
  state: 'live' | 'released';
  sequence: number;
  domain: Domain;
  /** Holders that may have its shards; none: all. */
  members: PeerId[];
  manifestHolders: PeerId[];
}

export interface Entry extends ObjectView {
  owner: OwnerId;
  storedBytes: number;
  manifestHolders: PeerId[];
}

/** What a put into the pool keeps to. Objects stay as they were put when a pool changes. */
export interface PoolRecord {
  name: string;
  code: CodeProfile;
  domain: Domain;
  compress: boolean;
  /** Nodes that may hold its shards: every one that takes them, or these alone. */
  nodes: 'all' | PeerId[];
  /** Folders of this node that hold its shards as well. */
  folders: PoolFolder[];
  /** Count each folder as a disk of its own, also where the system says that they share one. */
  separateDisks: boolean;
  createdAtMs: number;
}

export interface PoolFolder {
  /** Absolute. */
  path: string;
  /** The id in its marker, by which its shards are found again. */
  holder: PeerId;
  /** Bytes of shards it may hold; as many as fit when absent. */
  quotaBytes?: number | undefined;
}

export interface CatalogTotals {
  objects: number;
  versions: number;
  logicalBytes: number;
  storedBytes: number;
}

export interface CommitOptions {
  ifAbsent?: boolean;
}

export interface Committed {
  entry: Entry;
  replacedVersion: number | undefined;
}

export interface Catalog {
  /** One transaction; the entry becomes the current version. Throws `already-exists` with `ifAbsent`. Durable on return. */
  commit(entry: NewEntry, options?: CommitOptions): Committed;
  /**
   * Several entries, in order, in one transaction: one sync of the disk for all. An entry that is refused (`already-exists`, `bad-name`) has its error as
   * its result and leaves the others alone; when the transaction itself fails, it throws and none is stored.
   */
  commitAll(
    batch: readonly { entry: NewEntry; options: CommitOptions }[],
  ): ({ committed: Committed } | { refused: DatameshError })[];
  /** Current version under a name, or a stated one. */
  find(owner: OwnerId, name: string, version?: number): Entry | undefined;
  /** By ObjectId or unique prefix of ≥ 4 digits. Throws `bad-value` when the prefix is ambiguous, listing candidates. */
  findById(owner: OwnerId, prefix: string): Entry | undefined;
  list(owner: OwnerId, query: ListQuery): ListPage;
  /** All current entries, for a census. */
  current(owner: OwnerId): Entry[];
  /** Every version of every name, older ones too, in the order in which they were committed. `after`: 0, or from the page before; undefined at the end. */
  versions(owner: OwnerId, after: number, limit: number): { entries: Entry[]; after: number | undefined };
  /** Removes the version; the newest older one, if any, becomes current. */
  remove(owner: OwnerId, name: string, version: number): Entry | undefined;
  /** True when another entry still uses the object. */
  references(objectId: ObjectId): number;
  totals(owner: OwnerId): CatalogTotals;
  /** Names closest to `name`, for "did you mean"; at most `limit` candidates by prefix or substring. */
  namesLike(owner: OwnerId, name: string, limit: number): string[];
  /** By object id, after `after`: orders of entries committed and removed that were not confirmed yet. */
  pendingOrders(owner: OwnerId, after: ObjectId | undefined, limit: number): PendingOrder[];
  orderConfirmed(owner: OwnerId, orders: readonly Pick<PendingOrder, 'objectId' | 'sequence'>[]): void;
  /** By name. */
  pools(owner: OwnerId): PoolRecord[];
  /** Durable on return. Throws `already-exists`. */
  createPool(owner: OwnerId, pool: PoolRecord): void;
  /** Replaces the pool of that name. */
  updatePool(owner: OwnerId, pool: PoolRecord): void;
  /** What of it the mesh has, and what comes back from there. */
  readonly mirror: MirrorBook;
  close(): void;
}
