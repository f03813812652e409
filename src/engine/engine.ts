/**
 * The engine's only door: commands, console and batch see this interface and nothing behind it. `openEngine` (local.ts)
 * gives one in this process; `connectEngine` (control/client.ts) speaks to the one of a running service. Every figure is a measurement of
 * this engine or an answer of its peers; a figure that was not measured is `undefined`, never invented.
 */
import type { ReloadCalls } from './live-options.ts';
import type { CensusDepth } from './maintenance/census-ask.ts';
import type { MirrorView } from './mirror/mirror.ts';
import type { Span } from './observe/spans.ts';
import type { Domain } from './placement/domains.ts';
import type { Losses } from './placement/survival.ts';
import type { CodeProfile, ObjectId, OwnerId, PeerId, ShardId } from './types.ts';
import type { BackupCalls } from './views/backups.ts';
import type { BandwidthView } from './views/bandwidth.ts';
import type { CleanupQuery, CleanupReport } from './views/cleanup.ts';
import type { DrainQuery, DrainView } from './views/drain.ts';
import type { EventCalls, EventView } from './views/events.ts';
import type { HealthReport } from './views/health.ts';
import type { JobCalls, JobLine, JobView } from './views/jobs.ts';
import type { DiscoveryReport, SpeedReport } from './views/mesh.ts';
import type { MetricCalls } from './views/metrics.ts';
import type { NameCalls } from './views/names.ts';
import type { DistributionQuery, DistributionReport, PoolCalls, PoolView } from './views/pools.ts';
import type { ProofFile, VerifyQuery, VerifyReport } from './views/proofs.ts';
import type { QuotaCalls } from './views/quotas.ts';
import type { RebalanceQuery, RebalanceReport } from './views/rebalance.ts';
import type { RecoverQuery, RecoveryReport } from './views/recovery.ts';
import type { RepairQuery, RepairReport } from './views/repair.ts';
import type { SearchCalls } from './views/search.ts';
import type { ShareCalls } from './views/shares.ts';
import type { WhatifCalls } from './views/whatif.ts';

export type { BandwidthView, RateWindow } from './views/bandwidth.ts';
export type { EventLevel, EventView } from './views/events.ts';
export type { HealthReport, ObjectState, SpareHistogram } from './views/health.ts';

export type NodeRole = 'regular' | 'bootstrap' | 'service';
export type PeerState = 'joining' | 'active' | 'suspect' | 'draining' | 'offline' | 'quarantined';

export interface NodeStatus {
  name: string;
  peerId: PeerId;
  owner: OwnerId | undefined;
  role: NodeRole;
  network: string;
  zone: string | undefined;
  rack: string | undefined;
  version: string;
  pid: number;
  /** 'service' or 'embedded': whether other processes may talk to this engine. */
  mode: 'service' | 'embedded';
  startedAtMs: number;
  uptimeMs: number;
  /** Multiaddrs that others can dial, with /p2p/<peerId>. */
  addresses: string[];
  /** TCP port where large transfers come in, beside that of the addresses; of a service of an earlier version it is not known. */
  bulkPort: number | undefined;
  peersConnected: number;
  peersKnown: number;
  dataDir: string;
  store: StoreView;
  code: CodeProfile;
  /** Objects of the current owner's catalog. */
  objects: number;
}

export interface StoreView {
  shards: number;
  /** Bytes of live records, which the quota bounds. */
  usedBytes: number;
  quotaBytes: number;
  /** Free bytes of the file system under the data folder, as statfs tells. */
  diskFreeBytes: number;
  reserveBytes: number;
}

export interface PeerView {
  peerId: PeerId;
  /** This node's nickname for it, else what it calls itself. */
  name: string | undefined;
  nickname: string | undefined;
  ownName: string | undefined;
  /** On this node's deny list: it can neither connect nor is it dialled. */
  banned: boolean;
  direction: 'inbound' | 'outbound' | undefined;
  address: string | undefined;
  transport: string | undefined;
  zone: string | undefined;
  rack: string | undefined;
  agent: string | undefined;
  version: string | undefined;
  role: NodeRole | undefined;
  state: PeerState;
  /** Whether this node may place shards there: the peer stores and admits this owner. */
  eligible: boolean;
  rttMs: number | undefined;
  /** Last 60 samples, one a second, oldest first; undefined where there was none. */
  rttHistoryMs: (number | undefined)[];
  /** Bytes per second over the last second. */
  upBytesPerSecond: number;
  downBytesPerSecond: number;
  sentBytes: number;
  receivedBytes: number;
  /** Shards the peer said it holds (its NodeInfo). */
  shards: number | undefined;
  freeBytes: number | undefined;
  capacityBytes: number | undefined;
  requests: number;
  failures: number;
  /** Reputation, 0–100; 50 for a peer of which nothing is known. */
  score: number;
  breaker: 'closed' | 'open' | 'half-open';
  /** Of the shards it stored for this node or gave it in the last five minutes. */
  latencyP50Ms: number | undefined;
  latencyP95Ms: number | undefined;
  /** Reads for which another peer was asked beside it because it was late, and those of them in which the other was first. */
  lateReads: { hedged: number; overtaken: number };
  /** Bytes of shards it took or gave, verified, since this node started. */
  servedBytes: number;
  /** Which connection carried how much, encryption included. */
  planes: { [plane in 'libp2p' | 'tls']: { sentBytes: number; receivedBytes: number } };
  connectedAtMs: number | undefined;
  lastSeenMs: number | undefined;
  /** When its newest heartbeat came by gossip. */
  heardMs: number | undefined;
  /** How far its clock is ahead of ours, by what it signed last; the way that took, and at a hello its age, count against it. */
  clockSkewMs: number | undefined;
}

/** What the console draws: one call, one moment. Sampled once a second in the engine. */
export interface Snapshot {
  atMs: number;
  status: NodeStatus;
  peers: PeerView[];
  /** The newest census; undefined until the first has ended. */
  health: HealthReport | undefined;
  /** True while a census runs. */
  censusRunning: boolean;
  bandwidth: BandwidthView;
  jobs: JobView[];
  events: EventView[];
  pools: PoolView[];
}

export interface ObjectView {
  name: string;
  objectId: ObjectId;
  version: number;
  sizeBytes: number;
  /** BLAKE3-256 of the plaintext, hex. */
  contentHash: string;
  mimeType: string;
  tags: string[];
  code: CodeProfile;
  chunkBytes: number;
  stripes: number;
  createdAtMs: number;
  /** Name of the owner key that sealed it. */
  ownerKey: string;
  /** The pool it was put into; undefined where only the mesh tells of it, which does not know pools. */
  pool: string | undefined;
}

export interface ShardView {
  index: number;
  shardId: ShardId;
  kind: 'data' | 'parity' | 'replica';
  /** Where it is; where nobody has it, who was to. */
  holder: PeerId;
  /** The holder's answer just now; undefined when it did not answer. */
  live: boolean | undefined;
}

export interface StripeView {
  index: number;
  shardBytes: number;
  spare: number;
  shards: ShardView[];
}

export interface ObjectDetail extends ObjectView {
  /** State by a census of this object taken for this answer. */
  state: 'ok' | 'degraded' | 'critical' | 'lost';
  spare: number;
  /** Whole domains of each level that may fail, whichever they are, with the object still readable. */
  survives: Losses;
  manifest: StripeView;
  /** At most `stripeLimit` of them, from the first on. */
  stripesDetail: StripeView[];
}

export interface StoreStats {
  objects: number;
  versions: number;
  logicalBytes: number;
  /** Bytes of all shards placed for these objects, manifests included; those of an object with several names once. */
  storedBytes: number;
  overhead: number | undefined;
  local: StoreView;
  reads: ReadsView;
  /** The catalog in the mesh; undefined without an owner. */
  mirror: MirrorView | undefined;
}

/** What the gets of this node did since it started. */
export interface ReadsView {
  /** Requests for shards that were needed; one that failed and was made elsewhere counts again. */
  asked: number;
  /** Extra requests beside late ones, and those of them whose answer was used. */
  hedges: number;
  hedgesWon: number;
  /** Shards that reads small enough for the cache found there, and those they did not. */
  cacheHits: number;
  cacheMisses: number;
  /** In the cache now. */
  cacheBytes: number;
}

export interface PutOptions {
  name: string;
  /** Known length of the source; lets the chunk size follow it and the progress show a share. */
  sizeBytes?: number | undefined;
  tags?: string[] | undefined;
  mimeType?: string | undefined;
  /** In place of the pool's. */
  code?: CodeProfile | undefined;
  /** `default` when absent. */
  pool?: string | undefined;
  /** Refuse instead of making a new version when the name exists. */
  ifAbsent?: boolean | undefined;
  /** Store with fewer than n distinct nodes if the arithmetic says the object stays readable; receipt says so. */
  allowDegraded?: boolean | undefined;
  /** Compress content that a sample says shrinks by a tenth or more. What remains of its length may tell what it is. */
  compress?: boolean | undefined;
  /**
   * Fingerprint of the source, equal only for the same, unchanged one: a put with the one of an interrupted put goes on where that stopped.
   * Up to 128 characters. Without it a put that stops takes back what it stored.
   */
  source?: string | undefined;
}

export interface Receipt {
  object: ObjectView;
  /** The pool's failure domain: no one of them holds more shards of a stripe than may be lost, unless `degraded`. */
  domain: Domain;
  /** Shards the receipt proves durable: fsynced and acknowledged by their holders. */
  shardsDurable: number;
  shardsWanted: number;
  /** Smallest live − k over all stripes at the moment of commit. */
  spare: number;
  /** Whole domains that may fail, whichever they are, with every stripe and the manifest still readable. */
  survives: Losses;
  degraded: boolean;
  /** Stripes of the object that an interrupted put had already stored; nothing of them was sent again. */
  stripesResumed: number;
  /** Nodes, and folders of this one. */
  holders: { peerId: PeerId; name: string | undefined; shards: number }[];
  /** Different nodes among the holders: all folders are of one. */
  nodes: number;
  replacedVersion: number | undefined;
  durationMs: number;
}

export interface GetOptions {
  version?: number | undefined;
  /** First byte, from 0. */
  offset?: number | undefined;
  /** Bytes to read; to the end when absent. */
  length?: number | undefined;
}

export interface GetResult {
  object: ObjectView;
  offset: number;
  length: number;
  /** Verified plaintext in order; a piece is valid until the next one is asked for. Throws `shards-missing` (exit 7) when a stripe has fewer than k live shards. */
  body: AsyncIterable<Uint8Array>;
}

export interface ListQuery {
  prefix?: string | undefined;
  tag?: string | undefined;
  /** Names that were deleted and can be brought back, in place of those that mean something. */
  deleted?: boolean | undefined;
  sort?: 'name' | 'size' | 'created' | undefined;
  /** Stored then or later; only where sorted by `created`. */
  sinceMs?: number | undefined;
  reverse?: boolean | undefined;
  limit?: number | undefined;
  /** From the previous page. */
  cursor?: string | undefined;
}

export interface ListPage {
  objects: ObjectView[];
  cursor: string | undefined;
}

export interface DeleteResult {
  /** What the name meant, or the one version, as it was. */
  object: ObjectView;
  /** Versions deleted: all of them when a name was given, one when an id or a version was. */
  versions: number;
  shardsReleased: number;
  /** Holders that could not be asked; their shards stay until collected. */
  unreachable: PeerId[];
}

export interface DialResult {
  address: string;
  peerId: PeerId;
  rttMs: number;
}

export interface Progress {
  doneBytes: number;
  totalBytes: number | undefined;
  /** Objects or shards, where bytes do not tell how far it is. */
  doneItems?: number | undefined;
  totalItems?: number | undefined;
}

export interface CallOptions {
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
  /**
   * Of a put: the source gives its pieces away. Those with memory of their own are freed as soon as they are sealed and must not be used again; else they
   * lie about until a garbage collection, which V8 puts off for hundreds of MiB of them.
   */
  givesPieces?: boolean | undefined;
  /** Within the engine: a line for the log of the job that the call is. */
  onLine?: ((text: string, level?: JobLine['level']) => void) | undefined;
  /** Within the engine: what the work is a part of, while it is traced. */
  span?: Span | undefined;
}

export interface Engine extends SearchCalls, WhatifCalls, EventCalls, MetricCalls, ReloadCalls {
  status(): Promise<NodeStatus>;
  snapshot(): Promise<Snapshot>;
  peers(): Promise<PeerView[]>;
  /** Takes a census now and waits for it. */
  health(options?: CallOptions & { depth?: CensusDepth | undefined }): Promise<HealthReport>;
  /** Makes holders prove every shard of the objects. Throws `not-found`. */
  verify(query: VerifyQuery, call?: CallOptions): Promise<VerifyReport>;
  /** The same for one object, as a file that anybody can check. Throws `not-found`; `shards-missing` without a manifest. */
  prove(ref: string, call?: CallOptions): Promise<ProofFile>;
  /** Looks for missing and misplaced shards of the owner's objects and, with `apply`, rebuilds and moves them. Throws `not-found`. */
  repair(query: RepairQuery, call?: CallOptions): Promise<RepairReport>;
  stats(): Promise<StoreStats>;
  /** The source's pieces are not copied before they are sealed: they must not be written again. */
  put(source: AsyncIterable<Uint8Array>, options: PutOptions, call?: CallOptions): Promise<Receipt>;
  /** `ref`: a name, or an ObjectId or a unique prefix (≥ 4 digits) of one. Throws `not-found`. */
  get(ref: string, options?: GetOptions, call?: CallOptions): Promise<GetResult>;
  list(query?: ListQuery): Promise<ListPage>;
  /** What the catalog says, without asking anybody. `ref` as for `get`. Throws `not-found`. */
  find(ref: string): Promise<ObjectView>;
  info(ref: string, options?: { version?: number; stripeLimit?: number }): Promise<ObjectDetail>;
  /**
   * For good, shards and all (`names.hide` can be undone). By name, deleted or not: every version of it, or the one given. By id: that version alone. Throws
   * `not-found`.
   */
  delete(ref: string, options?: { version?: number | undefined }): Promise<DeleteResult>;
  /** Collects what nothing refers to. Waits for one that runs. Throws `no-owner-key`. */
  cleanup(query: CleanupQuery, call?: CallOptions): Promise<CleanupReport>;
  /** Empties this node of shards, or tells how far that is, or takes it back. */
  drain(query: DrainQuery, call?: CallOptions): Promise<DrainView>;
  /** How evenly holders carry a pool and which shards would have to move; with `apply` they are. Throws `not-found`, `no-owner-key`, `already-running`. */
  rebalance(query: RebalanceQuery, call?: CallOptions): Promise<RebalanceReport>;
  /** Dials a multiaddr and keeps it as a bootstrap peer for this run. */
  bootstrap(address: string): Promise<DialResult>;
  /** Looks for nodes by every way there is, for `durationMs`. */
  discover(durationMs: number, call?: CallOptions): Promise<DiscoveryReport>;
  /**
   * Really sends and receives bytes, half of the time each way. `peer`: its id, name, or the unique beginning or end of its id. Throws
   * `not-found`, `bad-value` (more than 30 s), `denied` (it is being tested), `peer-unreachable`.
   */
  speedTest(peer: string, durationMs: number, call?: CallOptions): Promise<SpeedReport>;
  /**
   * Brings the owner's catalog back from the mesh, merged into what is here. Throws `no-owner-key`, `no-peers`, `not-found` when nobody has it, `not-authentic`
   * when all that is found is older than what this device has seen.
   */
  recover(query?: RecoverQuery, call?: CallOptions): Promise<RecoveryReport>;
  readonly names: NameCalls;
  readonly shares: ShareCalls;
  readonly quotas: QuotaCalls;
  readonly pools: PoolCalls;
  /** Long work of this engine: puts, gets, repairs, a drain … */
  readonly jobs: JobCalls;
  readonly backups: BackupCalls;
  /** Where the shards of current objects lie: a census of them, counted by node, disk, rack and zone. */
  distribution(query?: DistributionQuery, call?: CallOptions): Promise<DistributionReport>;
  close(): Promise<void>;
}
