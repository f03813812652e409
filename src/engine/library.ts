/**
 * What `import { … } from 'datamesh'` gives: the engine as a library. A program either opens a node of its own (`openEngine`) or speaks to the service that runs on a data
 * folder (`connectEngine`); both are the same `Engine`. docs/API.md is generated from here.
 */
import { realClock } from './effects/clock.ts';
import { realRandom } from './effects/random.ts';
import { realDisk } from './effects/real-disk.ts';
import type { Engine } from './engine.ts';
import { openLockedKeyring } from './keys/locked-keyring.ts';
import {
  type AccessOptions,
  dataPaths,
  type EngineOptions,
  type NetworkOptions,
  type ReadOptions,
  type StorageOptions,
} from './options.ts';

export { DatameshError, type ErrorCode } from '../errors.ts';
export { VERSION } from '../version.ts';
export { connectEngine } from './control/client.ts';
export type {
  CallOptions,
  DeleteResult,
  Engine,
  GetOptions,
  GetResult,
  HealthReport,
  ListPage,
  ListQuery,
  NodeStatus,
  ObjectDetail,
  ObjectView,
  PeerView,
  Progress,
  PutOptions,
  Receipt,
  Snapshot,
} from './engine.ts';
export type { AccessOptions, NetworkOptions, ReadOptions, StorageOptions } from './options.ts';
export type { CodeProfile, ObjectId, OwnerId, PeerId, ShardId } from './types.ts';

/** What a node is opened with. What is left out is as a node has it that `datamesh init --yes` sets up, but for a program on one machine: loopback, any free port. */
export interface OpenOptions {
  /** Absolute path; holds identity, keys, shards and catalog. Made, for this user alone (0700), where it is missing. */
  dataDir: string;
  /** 1–63 of [a-z0-9-]; `node` when absent. */
  name?: string | undefined;
  network?: Partial<NetworkOptions> | undefined;
  storage?: Partial<StorageOptions> | undefined;
  reads?: Partial<ReadOptions> | undefined;
  access?: Partial<AccessOptions> | undefined;
  /** Data and parity shards of objects; 4+2 when absent, which needs six nodes. */
  code?: { k: number; m: number } | undefined;
  bandwidth?: { upBytesPerSecond?: number | undefined; downBytesPerSecond?: number | undefined } | undefined;
  /** Opens, and locks, the keyring. */
  passphrase?: string | undefined;
  /**
   * Called with the 24 words of a new owner key when the data folder has none; they are the only way back to what is stored, so keep them elsewhere. Without it a node
   * without a key opens all the same, and holds shards of others, but can store nothing itself.
   */
  onNewOwner?: ((words: string) => void | Promise<void>) | undefined;
}

const GIB = 2 ** 30;

/**
 * Starts a node in this process and gives its engine; `close` ends everything that was started. Throws `lock-held` when another process uses
 * the data folder, `port-in-use`, `insecure-file-mode`, `wrong-passphrase`, `format-too-new`. A program that
 * stores much is started as the service is, `node --max-semi-space-size=8`: it takes up to 80 MiB less (docs/decisions/host-memory.md).
 */
export async function openEngine(options: OpenOptions): Promise<Engine> {
  const { dataDir, passphrase, onNewOwner } = options;
  const effects = { disk: realDisk(), random: realRandom(), clock: realClock() };
  await effects.disk.makeDir(dataDir, 0o700);
  const keyring = await openLockedKeyring(effects, dataPaths(dataDir).keyring, passphrase);
  if (keyring.list().length === 0 && onNewOwner !== undefined) {
    const { phrase } = await keyring.create('main');
    await onNewOwner(phrase);
  }
  // Whoever only speaks to a service does not pay for loading a node.
  const local = await import('./local.ts');
  return local.openEngine(wholeOptions(options));
}

function wholeOptions(options: OpenOptions): EngineOptions {
  return {
    name: options.name ?? 'node',
    dataDir: options.dataDir,
    role: 'regular',
    mode: 'embedded',
    network: {
      name: 'main',
      preset: 'local',
      port: 0,
      bootstrap: [],
      zone: undefined,
      rack: undefined,
      ...options.network,
    },
    storage: { quotaBytes: 100 * GIB, reserveFraction: 0.1, ...options.storage },
    reads: { cacheBytes: 64 * 2 ** 20, cacheTtlMs: 300_000, ...options.reads },
    code: options.code ?? { k: 4, m: 2 },
    access: { mode: 'allow-list', allow: [], deny: [], ...options.access },
    bandwidth: { upBytesPerSecond: undefined, downBytesPerSecond: undefined, ...options.bandwidth },
    mirrorsCatalog: true,
    passphrase: options.passphrase,
  };
}
