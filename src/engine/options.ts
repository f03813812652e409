/** What an engine is opened with: the configuration, already validated, in the engine's own words. */
import type { EventView, NodeRole } from './engine.ts';
import type { Reload } from './live-options.ts';
import type { BandwidthLimits, ScheduledLimits } from './mesh/bandwidth-schedule.ts';
import type { Nicknames } from './mesh/nicknames.ts';
import type { CodeProfile } from './types.ts';

export interface EngineOptions {
  /** Node name, 1–63 of [a-z0-9-]. */
  name: string;
  /** Absolute; holds device identity, keyring, shards, catalog, journal, lock and control socket. Mode 0700. */
  dataDir: string;
  role: NodeRole;
  mode: 'service' | 'embedded';
  network: NetworkOptions;
  storage: StorageOptions;
  reads: ReadOptions;
  code: CodeProfile;
  access: AccessOptions;
  /** This node's own names for peers. */
  nicknames?: Nicknames | undefined;
  /** What must pass between the first mark of a shard of no object and its deletion; a day when absent. */
  cleanupDelayMs?: number | undefined;
  /** Keep the owner's catalog in the mesh, and follow what his other devices write there. Off when absent. */
  mirrorsCatalog?: boolean | undefined;
  /** `schedule`: other limits at hours of the day; the first span that fits holds. */
  bandwidth: BandwidthLimits & { schedule?: readonly ScheduledLimits[] };
  observe?: ObserveOptions | undefined;
  /** Reads the configuration anew, for a running node to take up what it can. */
  reload?: (() => Promise<Reload>) | undefined;
  /** Opens the keyring when it is protected; asked for by the caller, never stored. */
  passphrase: string | undefined;
}

export interface ObserveOptions {
  /** Of 127.0.0.1, for /metrics of a service; 0 or absent: nobody listens. */
  metricsPort?: number | undefined;
  /** URL of an OTLP/HTTP collector that is told of puts and gets; none when absent. */
  tracesUrl?: string | undefined;
  /** Hears of every event, also of those that the log keeps no longer or, as debug ones, never. */
  onEvent?: ((event: EventView) => void) | undefined;
}

export interface NetworkOptions {
  /** Network id: nodes of different networks never mix. */
  name: string;
  /** local: loopback only; lan: all interfaces and private addresses; custom: all interfaces. */
  preset: 'local' | 'lan' | 'custom';
  /** 0 = any free port. */
  port: number;
  /** Multiaddrs, each with "?priority=N" after it if need be: lower first, 0 without (mesh/bootstrap-list.ts). */
  bootstrap: string[];
  zone: string | undefined;
  rack: string | undefined;
  /** Speak no later protocol version than this (mesh/protocol-versions.ts); the newest known when absent. */
  newestProtocol?: number | undefined;
}

export interface StorageOptions {
  /** Bytes this node offers for shards. 0 = stores nothing for anybody. */
  quotaBytes: number;
  /** Share of the file system that must stay free, 0–0.9. */
  reserveFraction: number;
}

export interface ReadOptions {
  /** Memory for shards that reads fetched lately; 0 = none are kept. */
  cacheBytes: number;
  /** How long they are kept, used or not. */
  cacheTtlMs: number;
}

export interface AccessOptions {
  /** open: any owner may store here; allow-list: own owners and those listed. */
  mode: 'open' | 'allow-list';
  /** Owner ids (64 hex digits) or peer ids. */
  allow: string[];
  /** The same: these peers cannot connect, nor anybody who acts for these owners; before `allow` and `mode`. */
  deny: string[];
}

/** Paths inside a data folder, in one place. */
export function dataPaths(dataDir: string) {
  return {
    lock: `${dataDir}/LOCK`,
    device: `${dataDir}/device.key`,
    keyring: `${dataDir}/keyring.json`,
    shards: `${dataDir}/shards`,
    catalog: `${dataDir}/catalog.sqlite`,
    custody: `${dataDir}/custody.sqlite`,
    peers: `${dataDir}/peers.json`,
    heads: `${dataDir}/heads`,
    backup: `${dataDir}/backup`,
    journal: `${dataDir}/journal`,
    quarantine: `${dataDir}/quarantine.log`,
    epoch: `${dataDir}/cleanup-epoch.json`,
    rebalance: `${dataDir}/rebalance.json`,
    drain: `${dataDir}/drain.json`,
    quotas: `${dataDir}/quotas.json`,
    log: `${dataDir}/service.log`,
    /** Unix sockets must stay under 108 bytes; control/socket-path.ts falls back to a short one. */
    socket: `${dataDir}/control.sock`,
  } as const;
}
