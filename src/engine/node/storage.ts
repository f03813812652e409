/** What a node keeps in its data folder, opened: lock, device identity, keys, shards, catalog. */
import type { Catalog } from '../catalog/catalog.ts';
import { shardIdOfBytes } from '../codec/hash.ts';
import { type Device, loadOrCreateDevice } from '../keys/device.ts';
import { type Keyring, openKeyring } from '../keys/keyring.ts';
import type { OwnerKeys } from '../keys/keys.ts';
import type { CustodyStore } from '../maintenance/custody/custody-store.ts';
import type { EventLog } from '../observe/events.ts';
import { dataPaths, type EngineOptions } from '../options.ts';
import type { ShardStore } from '../shardstore/store.ts';
import type { Closers } from './closers.ts';
import type { Machine } from './machine.ts';

export interface Storage {
  device: Device;
  keyring: Keyring;
  /** The default key of the keyring; undefined when it has none. */
  owner: OwnerKeys | undefined;
  store: ShardStore;
  catalog: Catalog;
  custody: CustodyStore;
}

/** 1 TB in a day and a half, for a few per cent of one core and of a slow disk. */
const SCRUB_BYTES_PER_SECOND = 8 * 1024 * 1024;

/** Makes the folder and takes its lock. Throws `lock-held` when another process has it. */
export async function lockDataFolder(
  options: EngineOptions,
  { disk, lock }: Machine,
  closers: Closers,
): Promise<void> {
  await disk.makeDir(options.dataDir, 0o700);
  closers.opened(await lock(dataPaths(options.dataDir).lock), (held) => held.release());
}

/** The folder's lock is held. Throws `insecure-file-mode`, `wrong-passphrase`, `format-too-new`. */
export async function openStorage(
  options: EngineOptions,
  machine: Machine,
  events: EventLog,
  closers: Closers,
): Promise<Storage> {
  const { disk, clock, random } = machine;
  const paths = dataPaths(options.dataDir);
  const device = await loadOrCreateDevice(disk, paths.device, random);
  const keyring = await openKeyring({ disk, random, clock }, paths.keyring, options.passphrase);
  const owner = keyring.list().length === 0 ? undefined : await keyring.owner();
  const store = closers.opened(
    await machine.openStore({
      dir: paths.shards,
      disk,
      clock,
      random,
      idOf: shardIdOfBytes,
      quotaBytes: options.storage.quotaBytes,
      reserveFraction: options.storage.reserveFraction,
      onLost: (id) => events.add('warn', 'store', `shard ${id} is damaged on this disk and counts as lost`),
      onEvent: (level, text) => events.add(level, 'store', text),
    }),
    (value) => value.close(),
  );
  store.startScrub(SCRUB_BYTES_PER_SECOND);
  // SQLite makes its file by the umask; made here first, it and its log are the owner's alone.
  for (const path of [paths.catalog, paths.custody]) await (await disk.open(path, 'update', 0o600)).close();
  const catalog = closers.opened(machine.openCatalog(paths.catalog), (value) => value.close());
  const custody = closers.opened(machine.openCustody(paths.custody), (value) => value.close());
  return { device, keyring, owner, store, catalog, custody };
}
