/** What a running node consists of; node.ts opens it. */
import type { Backend } from '../backends/backend.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Codec } from '../codec/codec.ts';
import type { Clock } from '../effects/clock.ts';
import type { Disk, DiskSpace } from '../effects/disk.ts';
import type { Net } from '../effects/net.ts';
import type { Random } from '../effects/random.ts';
import type { Device } from '../keys/device.ts';
import type { OwnerKeys } from '../keys/keys.ts';
import type { ProofMemory } from '../maintenance/proof/memory.ts';
import type { ObjectRouting } from '../mesh/dht.ts';
import type { Discovery } from '../mesh/discovery.ts';
import type { Membership } from '../mesh/membership.ts';
import type { PeerHealth } from '../mesh/peer-health.ts';
import type { Caps } from '../mesh/rate-limit.ts';
import type { TrafficMeter } from '../mesh/traffic.ts';
import type { HeadsContext } from '../mirror/heads.ts';
import type { EventLog } from '../observe/events.ts';
import type { Histogram } from '../observe/histogram.ts';
import type { Jobs } from '../observe/jobs.ts';
import type { Measures } from '../observe/measures.ts';
import type { RequestCounter } from '../observe/requests.ts';
import type { EngineOptions } from '../options.ts';
import type { Candidate, Site } from '../placement/domains.ts';
import type { Folders } from '../pools/folders.ts';
import type { ShardStore } from '../shardstore/store.ts';
import type { FreshManifests } from '../transfer/fresh-manifests.ts';
import type { Hedging } from '../transfer/hedging.ts';
import type { RunningPuts } from '../transfer/running-puts.ts';
import type { ShardCache } from '../transfer/shard-cache.ts';
import type { OwnerId, PeerId } from '../types.ts';
import type { Access } from './access.ts';
import type { Collect } from './collect.ts';
import type { Custody } from './custody.ts';
import type { Drain } from './drain.ts';
import type { OwnerQuotas } from './owner-quotas.ts';

export interface Node {
  readonly options: EngineOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  readonly device: Device;
  readonly owner: OwnerKeys | undefined;
  readonly store: ShardStore;
  readonly quotas: OwnerQuotas;
  readonly catalog: Catalog;
  /** Folders of this node's pools. */
  readonly folders: Folders;
  readonly codec: Codec;
  readonly net: Net;
  readonly membership: Membership;
  readonly routing: ObjectRouting;
  readonly traffic: TrafficMeter;
  readonly bulkPort: number | undefined;
  readonly events: EventLog;
  readonly measures: Measures;
  /** Of fdatasync, in seconds. */
  readonly syncs: Histogram | undefined;
  readonly jobs: Jobs;
  /** Manifests it has just stored. */
  readonly freshManifests: FreshManifests;
  /** Puts of this node that no catalog knows yet. */
  readonly runningPuts: RunningPuts;
  /** Its part in what owners collect. */
  readonly collect: Collect;
  readonly drain: Drain;
  /** Objects of anybody that this node keeps whole. */
  readonly custody: Custody;
  /** Heads of mirrored catalogs, here and in the mesh. */
  readonly heads: HeadsContext;
  readonly requests: RequestCounter;
  /** Breaker, reputation and latency of each peer. */
  readonly health: PeerHealth;
  /** Shards that holders failed to prove. */
  readonly proofs: ProofMemory;
  readonly hedging: Hedging;
  /** Shards that reads fetched lately. */
  readonly shardCache: ShardCache;
  readonly discovery: Discovery;
  /** What holds now, by the hour; undefined where nothing can be capped. */
  readonly caps: Caps | undefined;
  /** Changed options of bandwidth hold at once. */
  applyBandwidth(): void;
  readonly access: Access;
  readonly startedAtMs: number;
  /** The same moment by the monotonic clock: how long it has run, whatever the wall clock did meanwhile. */
  readonly startedMs: number;
  /** Free and total bytes under the data folder, as last asked. */
  space(): DiskSpace;
  /** This node, one of its folders or a greeted peer; undefined when it cannot be asked now. */
  backend(peer: PeerId): Backend | undefined;
  /** This node and its folders first, then greeted peers by round-trip time. */
  reachable(): Backend[];
  /** Nodes that take shards of this owner now. */
  candidates(owner: OwnerId): Candidate[];
  /** Where a holder stands; undefined when this node has not heard of it. */
  siteOf(holder: PeerId): Site | undefined;
  close(): Promise<void>;
}
