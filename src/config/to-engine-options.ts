/** The configuration in the engine's words. */
import type { EngineOptions } from '../engine/options.ts';
import { splitNickname } from './checks.ts';
import { parseSpan } from './schedule.ts';
import type { Config } from './schema.ts';

export interface EngineRun {
  mode: EngineOptions['mode'];
  /** Opens a protected keyring; never stored. */
  passphrase?: string | undefined;
  /** Hears of every event of the engine. */
  onEvent?: NonNullable<EngineOptions['observe']>['onEvent'];
  reload?: EngineOptions['reload'];
}

export function toEngineOptions(config: Config, run: EngineRun): EngineOptions {
  const { node, network, storage, reads, cleanup, redundancy, access, bandwidth, metrics, observe } = config;
  return {
    name: node.name,
    dataDir: node.dataDir,
    role: node.role,
    mode: run.mode,
    network: {
      name: network.name,
      preset: network.preset,
      port: network.port,
      bootstrap: [...network.bootstrap],
      zone: network.zone || undefined,
      rack: network.rack || undefined,
      newestProtocol: network.protocol || undefined,
    },
    storage: { quotaBytes: storage.quotaBytes, reserveFraction: storage.reservePercent / 100 },
    reads: { cacheBytes: reads.cacheBytes, cacheTtlMs: reads.cacheSeconds * 1000 },
    cleanupDelayMs: cleanup.delayHours * 3_600_000,
    code: { k: redundancy.k, m: redundancy.m },
    nicknames: new Map(
      network.nicknames.flatMap((entry) => {
        const parts = splitNickname(entry);
        return parts === undefined ? [] : [[parts.peerId, parts.name]];
      }),
    ),
    access: { mode: access.mode, allow: [...access.allow], deny: [...access.deny] },
    bandwidth: {
      upBytesPerSecond: bandwidth.upBytesPerSecond || undefined,
      downBytesPerSecond: bandwidth.downBytesPerSecond || undefined,
      schedule: bandwidth.schedule.flatMap((entry) => parseSpan(entry) ?? []),
    },
    observe: { metricsPort: metrics.port, tracesUrl: observe.traces || undefined, onEvent: run.onEvent },
    reload: run.reload,
    mirrorsCatalog: true,
    passphrase: run.passphrase,
  };
}
