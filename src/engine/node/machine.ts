/**
 * What a node takes from the machine it runs on. Everything else it does follows from these, so the simulator runs the very same
 * node on a machine of its own: virtual clock, disk, network and random.
 */
import type { Catalog } from '../catalog/catalog.ts';
import { openCatalog } from '../catalog/sqlite-catalog.ts';
import type { Codec } from '../codec/codec.ts';
import { createCodecPool } from '../codec/codec-pool.ts';
import { type Clock, realClock } from '../effects/clock.ts';
import type { Disk } from '../effects/disk.ts';
import { acquireLock } from '../effects/lock.ts';
import { type Random, realRandom } from '../effects/random.ts';
import { realDisk } from '../effects/real-disk.ts';
import { tolerateStrayRejections } from '../effects/stray-errors.ts';
import { timingSyncs } from '../effects/timed-disk.ts';
import type { CustodyStore } from '../maintenance/custody/custody-store.ts';
import { openCustody } from '../maintenance/custody/sqlite-custody.ts';
import { Histogram, SYNC_BUCKETS_SECONDS } from '../observe/histogram.ts';
import type { EngineOptions } from '../options.ts';
import { openShardStore, type SegmentStore, type ShardStoreOptions } from '../shardstore/segment-store.ts';
import type { Closers } from './closers.ts';
import { type Network, type NetworkParts, openNetwork } from './network.ts';

export interface Machine {
  clock: Clock;
  random: Random;
  disk: Disk;
  /** How long its fdatasyncs took, in seconds; undefined where nobody measures. */
  syncs?: Histogram;
  /** One process per data folder. Throws `lock-held`. */
  lock(path: string): Promise<{ release(): Promise<void> }>;
  openStore(options: ShardStoreOptions): Promise<SegmentStore>;
  openCatalog(path: string): Catalog;
  openCustody(path: string): CustodyStore;
  openCodec(): Codec;
  openNetwork(options: EngineOptions, parts: NetworkParts, closers: Closers): Promise<Network>;
  /** Errors that the network's libraries throw at nobody are logged; the returned function ends that. */
  tolerateStrays(log: (text: string) => void): () => void;
}

export function realMachine(): Machine {
  const clock = realClock();
  const syncs = new Histogram(SYNC_BUCKETS_SECONDS);
  const disk = timingSyncs(realDisk(), clock, (elapsedMs) => syncs.observe(elapsedMs / 1000));
  return {
    clock,
    random: realRandom(),
    disk,
    syncs,
    lock: (path) => acquireLock(disk, path, clock),
    openStore: openShardStore,
    openCatalog: (path) => openCatalog(path, clock),
    openCustody: (path) => openCustody(path),
    openCodec: createCodecPool,
    openNetwork,
    tolerateStrays: tolerateStrayRejections,
  };
}
