/** Pools and the distribution of shards as callers of the engine see them. */
import type { CatalogTotals, PoolFolder, PoolRecord } from '../catalog/catalog.ts';
import type { Domain, Level } from '../placement/domains.ts';
import type { Losses } from '../placement/survival.ts';
import type { CodeProfile, ObjectId, PeerId } from '../types.ts';

export interface PoolView extends Omit<PoolRecord, 'folders' | 'createdAtMs'> {
  folders: PoolFolderView[];
  /** What the owner's catalog says of objects put into it, old versions in versions and bytes; of `default` also those whose pool it does not know. */
  usage: CatalogTotals;
  /** Undefined for the built-in `default`, which follows the configuration. */
  createdAtMs: number | undefined;
}

export interface PoolFolderView extends PoolFolder {
  /** Undefined while its disk is away. */
  freeBytes: number | undefined;
}

/** What the holders at hand now make of the pool. */
export interface PoolOutlook {
  /** Holders that take shards now, and the domains they stand in. */
  holders: number;
  at: Record<Level, number>;
  /** Shards of a stripe, and how many of them the rule lets these holders take. */
  wanted: number;
  placeable: number;
  domainsNeeded: number;
  /** A put would make every shard durable. */
  whole: boolean;
  /** A put would be accepted without --allow-degraded: with fewer shards (exit 3) when not `whole`. */
  accepted: boolean;
  /** Why it is not whole. */
  arithmetic: string | undefined;
  /** Whole domains that any stripe put now would survive the loss of, whichever they are. */
  survives: Losses;
}

export interface PoolDetail extends PoolView {
  now: PoolOutlook;
}

export interface FolderRequest {
  /** Absolute. */
  path: string;
  quotaBytes?: number | undefined;
}

/** `all` takes a limit away. */
export interface KeepSettings {
  versions?: number | 'all' | undefined;
  ageMs?: number | 'all' | undefined;
  bytes?: number | 'all' | undefined;
}

export interface PoolSettings {
  code?: CodeProfile | undefined;
  domain?: Domain | undefined;
  compress?: boolean | undefined;
  /** Peer ids or names of nodes; none of them leaves the folders alone. */
  nodes?: 'all' | string[] | undefined;
  /** Added to those it has. */
  folders?: FolderRequest[] | undefined;
  separateDisks?: boolean | undefined;
  /** Old versions that are kept; the others go, soon after they have become old. */
  keep?: KeepSettings | undefined;
  /** Take over folders of another node, which must not use them any more. */
  adopt?: boolean | undefined;
  /** Also where the nodes at hand cannot keep the rule. */
  allowDegraded?: boolean | undefined;
  /** Check it against the nodes at hand, and leave all as it is; folders that are given are not looked at, nor the rule that they would help to keep. */
  dryRun?: boolean | undefined;
}

export interface PoolCalls {
  /**
   * Code: the configured one; domain: `disk` for folders alone, else `node`; nodes: all, or none when there are folders. Throws `bad-name`,
   * `bad-value`, `already-exists`, `no-peers`, `too-few-nodes`.
   */
  create(name: string, settings: PoolSettings): Promise<PoolDetail>;
  /** `default` first, the others by name. */
  list(): Promise<PoolView[]>;
  /** Throws `not-found`. */
  show(name: string): Promise<PoolDetail>;
  /** Changes what later puts keep to. Throws as `create` and `show` do. */
  set(name: string, settings: PoolSettings): Promise<PoolDetail>;
}

export interface DistributionQuery {
  /** Only objects of this pool. */
  pool?: string | undefined;
  /** Only this object: name, id or prefix of an id. */
  ref?: string | undefined;
}

export interface DistributionRow {
  level: Level;
  /** Holder id, or the label of the rack or zone; '' for those that give none. */
  id: string;
  name: string | undefined;
  shards: number;
  bytes: number;
  /** Of all living shards, 0–1. */
  share: number;
}

export interface BrokenStripe {
  name: string;
  objectId: ObjectId;
  /** From 0; undefined for the copies of the manifest. */
  stripe: number | undefined;
  pool: string;
  domain: Domain;
}

export interface DistributionReport {
  takenAtMs: number;
  objects: number;
  /** Living shards, copies of manifests among them: what the holders answered. */
  shards: number;
  bytes: number;
  /** Shards noted at holders that did not answer. */
  shardsUnknown: number;
  silent: PeerId[];
  /** By level, the fullest first. */
  rows: DistributionRow[];
  /** Stripes whose living shards break the rule of their pool as it is now: how many, and the first 100. */
  stripesBroken: number;
  broken: BrokenStripe[];
  /** Objects whose manifest could not be read, so that nothing is known of their stripes: how many, and the first 100. */
  objectsUnreadable: number;
  unreadable: string[];
}
