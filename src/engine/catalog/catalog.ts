/** The catalog's interface: the owner's names, versions and tags → ObjectIds. SQLite (sqlite-catalog.ts) implements it. */
import type { DatameshError } from '../../errors.ts';
import type { ListPage, ListQuery, ObjectView } from '../engine.ts';
import type { Domain } from '../placement/domains.ts';
import type { CodeProfile, ObjectId, OwnerId, PeerId } from '../types.ts';
import type { ShareView } from '../views/shares.ts';
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
  /** What the bare name means; `deleted`: what it meant until it was deleted; `old`: another version has taken its place. */
  state: 'current' | 'deleted' | 'old';
  /** When it ceased to be what its name means. */
  endedAtMs: number | undefined;
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
  /** Which versions that are not current any more it keeps; all of them when absent. */
  keep?: Retention | undefined;
}

/** Limits of old versions; each stands alone, absent ones are none. */
export interface Retention {
  /** Of each name. */
  versions?: number | undefined;
  /** Since they ceased to be current. */
  ageMs?: number | undefined;
  /** Plaintext bytes of all old versions in the pool. */
  bytes?: number | undefined;
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
  /** Of an object once, however many entries have it. */
  storedBytes: number;
}

export interface CommitOptions {
  ifAbsent?: boolean;
}

export interface Committed {
  entry: Entry;
  replacedVersion: number | undefined;
}

/** What happens to a name after its put. Changes are durable on return; undefined where there is no such name. */
export interface HistoryCalls {
  /** Versions of the name, newest first, those below `before`. */
  history(owner: OwnerId, name: string, before: number | undefined, limit: number): Entry[];
  /** What the name meant until it was deleted. */
  findDeleted(owner: OwnerId, name: string): Entry | undefined;
  /** The name means nothing any more; its versions stay. Returns what it meant. */
  hide(owner: OwnerId, name: string): Entry | undefined;
  /** The name means again what it did before it was deleted. */
  unhide(owner: OwnerId, name: string): Entry | undefined;
  /** Removes the version for good; if the name meant it, the newest older one takes its place. */
  remove(owner: OwnerId, name: string, version: number): Entry | undefined;
  /** With all its versions. Throws `already-exists` when the new name has a current version, `bad-name`, `input-too-large`. */
  rename(owner: OwnerId, from: string, to: string): { entry: Entry; versions: number } | undefined;
  /** A further name for the object of `source`. Throws `not-found` when that is gone, `already-exists` with `ifAbsent`, `bad-name`. */
  duplicate(source: Entry, to: string, ifAbsent: boolean): Committed;
  /** Of the current version. Throws `bad-value` for tags that are too many or too long. */
  retag(owner: OwnerId, name: string, add: readonly string[], remove: readonly string[]): Entry | undefined;
  /** Old versions in the pool that `keep` does not want any more, some of them; no age is known with `nowMs` undefined. */
  expired(owner: OwnerId, pool: string, keep: Retention, nowMs: number | undefined, limit: number): Entry[];
}

/** Of a current entry, what a search looks at. */
export interface SearchRow {
  id: number;
  name: string;
  sizeBytes: number;
  mimeType: string;
  /** JSON. */
  tags: string;
  createdAtMs: number;
}

/** Reads of a name in an hour (since 1970). */
export interface ReadCount {
  name: string;
  hour: number;
  reads: number;
  bytes: number;
  lastAtMs: number;
}

export interface SearchRows {
  /**
   * Current entries committed before the row `before`, the last first: at most `limit` rows are looked at. With a question, an FTS5 expression on words of names and tags, only such
   * as may answer it, and perhaps some others that the index does not have yet. `before` of the answer: for the next call, undefined at the end.
   */
  searchRows(
    owner: OwnerId,
    before: number | undefined,
    question: string | undefined,
    limit: number,
  ): { rows: SearchRow[]; before: number | undefined };
  /** In the order of the ids; those that are not current any more are left out. */
  views(ids: readonly number[]): ObjectView[];
  /** Takes the words of further entries into the index, at most of so many; returns of how many. */
  indexWords(limit: number): number;
  noteReads(owner: OwnerId, counts: readonly ReadCount[]): void;
  /** Names with a current version, by reads from that hour on. */
  mostRead(
    owner: OwnerId,
    fromHour: number,
    limit: number,
  ): { object: ObjectView; reads: number; bytes: number; lastReadAtMs: number }[];
}

export type ShareRow = ShareView;

export interface ShareCalls {
  addShare(owner: OwnerId, share: ShareRow): void;
  /** Those made last first. */
  shares(owner: OwnerId, limit: number): ShareRow[];
  revokeShare(owner: OwnerId, id: string, atMs: number): void;
}

export interface Catalog extends HistoryCalls, SearchRows, ShareCalls {
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
  /**
   * For a census: the objects of the current entries that are there now, each once, under the first of its names, by name; of all pools or of one. Read as they are
   * wanted, some hundred at a time: what changes meanwhile may or may not be seen.
   */
  current(owner: OwnerId, pool?: string): Iterable<Entry>;
  /** Every version of every name, older ones too, in the order in which they were committed. `after`: 0, or from the page before; undefined at the end. */
  versions(owner: OwnerId, after: number, limit: number): { entries: Entry[]; after: number | undefined };
  /** True when another entry still uses the object. */
  references(objectId: ObjectId): number;
  totals(owner: OwnerId): CatalogTotals;
  /** The same of each pool's entries, by the name of the pool; also of pools that this catalog does not know. */
  poolTotals(owner: OwnerId): Map<string, CatalogTotals>;
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
  /** How often an older object came to be what a name means, since this was opened: undeleted, left as the newest, told by another device. */
  readonly arrivals: number;
  /** What of it the mesh has, and what comes back from there. */
  readonly mirror: MirrorBook;
  close(): void;
}
