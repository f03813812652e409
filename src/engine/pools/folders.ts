/** The folders that this node uses as backends, opened when their disks are there, and looked after. */
import { asDatameshError, DatameshError } from '../../errors.ts';
import {
  type DirectoryBackend,
  type DirectoryOptions,
  openDirectory,
} from '../backends/directory-backend.ts';
import type { PoolFolder } from '../catalog/catalog.ts';
import type { Clock } from '../effects/clock.ts';
import type { OwnerId, PeerId, ShardId } from '../types.ts';
import type { FolderRequest } from '../views/pools.ts';

export interface Folders {
  /** Opens, or makes, a folder. Throws as `openDirectory` does, and `bad-value` for one in use with another quota. */
  open(folder: FolderRequest, how: { create: boolean; adopt: boolean }): Promise<DirectoryBackend>;
  backend(holder: PeerId): DirectoryBackend | undefined;
  all(): DirectoryBackend[];
  /** For other nodes of the owner, which cannot ask a folder themselves. */
  get(id: ShardId): Promise<Uint8Array | undefined>;
  lengthBytes(id: ShardId): Promise<number | undefined>;
  has(ids: readonly ShardId[]): Promise<boolean[]>;
  release(id: ShardId, owner: OwnerId): Promise<boolean>;
  close(): void;
}

export interface FoldersOptions
  extends Pick<
    DirectoryOptions,
    'disk' | 'random' | 'hash' | 'node' | 'reserveFraction' | 'announce' | 'attester' | 'coming' | 'gone'
  > {
  clock: Clock;
  log(level: 'info' | 'warn', text: string): void;
}

/** Free space changes with what others write; statfs is cheap. */
const REFRESH_EVERY_MS = 2_000;
/** A disk is plugged in by hand: it need not be noticed at once. */
const RETRY_EVERY_MS = 30_000;
const CALL = { timeoutMs: 30_000 };

/** Opens what is there of `known`; the rest is tried again until it is. */
export async function openFolders(options: FoldersOptions, known: readonly PoolFolder[]): Promise<Folders> {
  const { clock, log } = options;
  const opened = new Map<string, { backend: DirectoryBackend; quotaBytes: number | undefined }>();
  const away = new Map<string, PoolFolder>();

  const open = async (
    { path, quotaBytes }: FolderRequest,
    how: { create: boolean; adopt: boolean },
  ): Promise<DirectoryBackend> => {
    const present = opened.get(path);
    if (present !== undefined) {
      if (quotaBytes === undefined || quotaBytes === present.quotaBytes) return present.backend;
      throw new DatameshError('bad-value', {
        what: `the folder ${path} is in use with ${present.quotaBytes === undefined ? 'no quota' : `a quota of ${present.quotaBytes} bytes`}`,
        mend: 'give the same quota, or another folder',
      });
    }
    const backend = await openDirectory({ ...options, ...how, path, quotaBytes });
    opened.set(path, { backend, quotaBytes });
    return backend;
  };
  /** A mount that hangs keeps a thread of the process for each call that waits for it: one at a time. */
  const trying = new Set<PoolFolder>();
  const tryOne = async (folder: PoolFolder): Promise<void> => {
    if (trying.has(folder)) return;
    trying.add(folder);
    try {
      const { id } = await open(folder, { create: false, adopt: false });
      away.delete(folder.path);
      if (id !== folder.holder) {
        log(
          'warn',
          `the folder ${folder.path} is not the one this pool was made with; its shards count as lost`,
        );
      } else log('info', `the folder ${folder.path} is there`);
    } catch {
      // Still away; it was said when the node started.
    } finally {
      trying.delete(folder);
    }
  };

  for (const folder of known) {
    if (opened.has(folder.path) || away.has(folder.path)) continue;
    try {
      await open(folder, { create: false, adopt: false });
    } catch (error) {
      away.set(folder.path, folder);
      log('warn', `a folder of a pool cannot be used: ${asDatameshError(error).message}`);
    }
  }
  const all = () => [...opened.values()].map(({ backend }) => backend);
  let sinceRetryMs = 0;
  let timer = clock.after(REFRESH_EVERY_MS, function look() {
    sinceRetryMs += REFRESH_EVERY_MS;
    const retry = sinceRetryMs >= RETRY_EVERY_MS && away.size > 0;
    if (retry) sinceRetryMs = 0;
    for (const backend of all()) void backend.refresh();
    if (retry) for (const folder of away.values()) void tryOne(folder);
    timer = clock.after(REFRESH_EVERY_MS, look);
  });

  return {
    open,
    backend(holder) {
      for (const { backend } of opened.values()) if (backend.id === holder) return backend;
      return undefined;
    },
    all,
    async get(id) {
      for (const backend of all()) {
        const bytes = await backend.get(id, CALL).catch(() => undefined);
        if (bytes !== undefined) return bytes;
      }
      return undefined;
    },
    async lengthBytes(id) {
      for (const backend of all()) {
        const length = await backend.lengthBytes(id).catch(() => undefined);
        if (length !== undefined) return length;
      }
      return undefined;
    },
    async has(ids) {
      const held = ids.map(() => false);
      for (const backend of all()) {
        const some = await backend.has(ids, CALL).catch(() => []);
        for (const [at, flag] of some.entries()) held[at] ||= flag;
      }
      return held;
    },
    async release(id, owner) {
      let released = false;
      for (const backend of all())
        released = (await backend.delete(id, owner, CALL).catch(() => false)) || released;
      return released;
    },
    close: () => timer.cancel(),
  };
}
