/** What a node keeps in its data folder, opened: lock, device identity, keys, shards, catalog. */
import type { Catalog } from '../catalog/catalog.ts';
import { shardIdOfBytes } from '../codec/hash.ts';
import { type Device, loadOrCreateDevice } from '../keys/device.ts';
import { type Keyring, openKeyring } from '../keys/keyring.ts';
import type { OwnerKeys } from '../keys/keys.ts';
import type { CustodyStore } from '../maintenance/custody/custody-store.ts';
import type { EventLog } from '../observe/events.ts';
import { dataPaths, type EngineOptions } from '../options.ts';
import type { SegmentStore } from '../shardstore/segment-store.ts';
import type { Closers } from './closers.ts';
import type { Machine } from './machine.ts';

export interface Storage {
  device: Device;
  keyring: Keyring;
  /** The default key of the keyring; undefined when it has none. */
  owner: OwnerKeys | undefined;
  store: SegmentStore;
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
  await makeDatabases(paths, disk, events);
  const catalog = closers.opened(machine.openCatalog(paths.catalog), (value) => value.close());
  const custody = closers.opened(machine.openCustody(paths.custody), (value) => value.close());
  return { device, keyring, owner, store, catalog, custody };
}

/** SQLite makes its file by the umask; made here first, it and its log are the owner's alone. One that is gone is told: what was in it is missing without a word. */
async function makeDatabases(
  { catalog, custody }: ReturnType<typeof dataPaths>,
  disk: Machine['disk'],
  events: EventLog,
): Promise<void> {
  const comesBack = [
    [catalog, 'the names in it come back from the mesh as far as it has them: datamesh recover'],
    [custody, 'other custodians fill it again'],
  ] as const;
  const sizes = await Promise.all(comesBack.map(async ([path]) => (await disk.stat(path))?.sizeBytes ?? 0));
  // The first start makes both.
  const ranBefore = sizes.some((size) => size > 0);
  for (const [at, [path, how]] of comesBack.entries()) {
    await (await disk.open(path, 'update', 0o600)).close();
    if (ranBefore && sizes[at] === 0)
      events.add('warn', 'store', `${path} was missing or empty and is begun anew; ${how}`);
  }
}
