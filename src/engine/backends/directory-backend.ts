/**
 * A folder on some disk of this node as a backend: a file for each shard. Slower for small shards than the segment log, and simple enough to be read
 * with any tool; a machine with several disks gives each a folder and keeps the rule of failure domains over them.
 */
import { DatameshError } from '../../errors.ts';
import type { Disk, DiskSpace } from '../effects/disk.ts';
import type { Random } from '../effects/random.ts';
import { type Attester, attest, unlessUnreadable } from '../maintenance/proof/attestation.ts';
import { sumKeyOf } from '../maintenance/proof/coefficients.ts';
import { IdLocks } from '../shardstore/id-locks.ts';
import { isMissing, isNoSpace } from '../shardstore/store-errors.ts';
import { bytesToHex, type ObjectId, type OwnerId, type PeerId, type ShardId } from '../types.ts';
import type { Backend, BackendCall } from './backend.ts';
import { FolderFiles } from './folder-files.ts';
import { claimFolder, readMarker } from './folder-marker.ts';

export interface DirectoryBackend extends Backend {
  readonly kind: 'directory';
  readonly path: string;
  /** What tells its disk from others of this machine while it runs. */
  readonly device: string;
  /** Bytes it still takes, as last asked; 0 while its disk is away. */
  freeBytes(): number;
  /** Of a shard that is here. */
  lengthBytes(id: ShardId): Promise<number | undefined>;
  /** Looks whether the folder is there and how much room is left. */
  refresh(): Promise<void>;
  /** Shards that the owner has put here, in order after `cursor`; of `limit` that are looked at some may be others'. Undefined cursor: the end. */
  list(
    owner: OwnerId,
    cursor: ShardId | undefined,
    limit: number,
  ): Promise<{ items: { id: ShardId; lengthBytes: number }[]; cursor: ShardId | undefined }>;
}

export interface DirectoryOptions {
  disk: Disk;
  random: Random;
  hash(bytes: Uint8Array): Uint8Array;
  /** Absolute. */
  path: string;
  node: PeerId;
  create: boolean;
  adopt: boolean;
  /** Share of the file system that must stay free, 0–0.9. */
  reserveFraction: number;
  /** Bytes of shards it may hold; as many as fit when undefined. */
  quotaBytes: number | undefined;
  announce(id: ObjectId): void;
  /** A put begins: whatever was about to collect the shard must know before it goes on. */
  coming?: ((owner: OwnerId, id: ShardId) => Promise<void>) | undefined;
  /** The last owner of a shard has released it. */
  gone?: ((id: ShardId) => void) | undefined;
  /** Signs for the folder what it proves. */
  attester: Attester;
}

/** Looks (`refresh`) that fall due while one has not come back, until the disk counts as away: one that spins up takes some seconds. */
const STUCK_AFTER_LOOKS = 5;
/** Looks at files at once in a `has`: enough to keep a disk's queue filled. */
const PARALLEL_LOOKS = 16;

/**
 * Opens the folder, or makes it. Throws `already-exists` when it holds something else or is another node's, `format-too-new`, `file-not-found`,
 * `malformed-data` for a damaged marker.
 */
export async function openDirectory(options: DirectoryOptions): Promise<DirectoryBackend> {
  const { disk, path, quotaBytes } = options;
  const { id: self } = await claimFolder({ ...options, folder: path });
  const files = new FolderFiles(disk, path);
  const locks = new IdLocks();
  const found = await disk.stat(path);
  let space: DiskSpace | undefined = await disk.space(path);
  /** Counted only where a quota asks for it. */
  let usedBytes = quotaBytes === undefined ? 0 : await files.usedBytes();
  /** Of puts that have been let in and are not written yet: side by side they must not outgrow the quota. */
  let comingBytes = 0;

  /** Throws `peer-unreachable` when the disk is away: writing would fill the disk below its mount point. */
  const present = async (): Promise<void> => {
    const marker = await readMarker(disk, path);
    if (marker?.id === self) return;
    space = undefined;
    files.forgetSubfolders();
    throw new DatameshError('peer-unreachable', {
      what: `the folder ${path} is not there`,
      why:
        marker === undefined
          ? 'its disk is not mounted, or it was removed'
          : 'another folder is in its place',
      mend: 'mount its disk again',
    });
  };
  const leftBytes = (at: DiskSpace) => {
    const onDisk = at.freeBytes - at.totalBytes * options.reserveFraction;
    const ofQuota = (quotaBytes ?? Number.POSITIVE_INFINITY) - usedBytes;
    const bytes = Math.max(0, Math.floor(Math.min(onDisk, ofQuota) - comingBytes));
    return { bytes, byQuota: ofQuota < onDisk };
  };
  /** What is not found is missing only if the folder is there. */
  const absent = async (): Promise<undefined> => {
    await present();
    return undefined;
  };
  let looking: Promise<void> | undefined;
  let looksMissed = 0;
  /** Each call to a mount that hangs would keep a thread of the process for good, and there are few. */
  const answering = (): void => {
    if (looksMissed < STUCK_AFTER_LOOKS) return;
    throw new DatameshError('peer-unreachable', {
      what: `the folder ${path} does not answer`,
      why: 'its disk, or the network behind its mount, hangs',
      mend: 'look at the mount; the folder is used again as soon as it answers',
    });
  };
  const guarded = async <T>(call: BackendCall, task: () => Promise<T>): Promise<T> => {
    call.signal?.throwIfAborted();
    answering();
    try {
      return await task();
    } catch (error) {
      if (isMissing(error)) {
        files.forgetSubfolders();
        await present();
      }
      throw folderError(error, path);
    }
  };

  const heldAs = async (id: ShardId, bytes: Uint8Array): Promise<boolean> => {
    const held = await files.read(id);
    return held !== undefined && Buffer.compare(held, bytes) === 0;
  };

  /** Takes what is not the shard out of the way, so that nobody is told that it is there; its owners stay, for the next put. */
  const quarantine = (id: ShardId) =>
    locks.run(id, async () => {
      const bytes = await files.read(id);
      if (bytes === undefined || bytesToHex(options.hash(bytes)) === id) return;
      await files.setAside(id);
      usedBytes -= bytes.length;
    });

  const store = async (
    id: ShardId,
    bytes: Uint8Array,
    owner: Parameters<Backend['put']>[2],
  ): Promise<void> => {
    await present();
    // A file that has rotted, or that a crash has left without its owners, is written anew.
    const held = await heldAs(id, bytes);
    const owners = held ? await files.claims(id) : [];
    if (owners.includes(owner)) return;
    if (held) return await files.store(id, undefined, [...owners, owner]);
    const before = await files.lengthBytes(id);
    space = await disk.space(path);
    const { bytes: left, byQuota } = leftBytes(space);
    if (bytes.length > left) throw full(path, bytes.length, left, byQuota);
    comingBytes += bytes.length;
    try {
      // Bytes that have rotted keep their owners, whose shard is whole again. Owners without bytes are what a crash has left.
      const others = before === undefined ? [] : await files.claims(id);
      await files.store(id, bytes, [...new Set([...others, owner])]);
    } finally {
      comingBytes -= bytes.length;
    }
    usedBytes += bytes.length - (before ?? 0);
    space = { ...space, freeBytes: space.freeBytes - bytes.length };
  };

  const look = async (): Promise<void> => {
    try {
      await present();
      space = await disk.space(path);
    } catch {
      space = undefined;
    }
  };

  return {
    id: self,
    kind: 'directory',
    path,
    device: String(found?.device ?? 0),
    put(id, bytes, owner, call) {
      return guarded(call, async () => {
        if (bytesToHex(options.hash(bytes)) !== id) {
          throw new DatameshError('hash-mismatch', { what: 'the bytes of a shard do not fit its id' });
        }
        await options.coming?.(owner, id);
        await locks.run(id, () => store(id, bytes, owner));
        if (call.announce) options.announce(id as string as ObjectId);
      });
    },
    get: (id, call) => guarded(call, async () => (await files.read(id)) ?? (await absent())),
    has: (ids, call) =>
      guarded(call, async () => {
        const held: boolean[] = [];
        for (let at = 0; at < ids.length; at += PARALLEL_LOOKS) {
          call.signal?.throwIfAborted();
          const some = ids.slice(at, at + PARALLEL_LOOKS);
          const lengths = await Promise.all(some.map((id) => files.lengthBytes(id)));
          for (const length of lengths) held.push(length !== undefined);
        }
        if (held.includes(false)) await present();
        return held;
      }),
    prove: (ids, nonce, call) =>
      guarded(call, () => {
        const read = async (id: ShardId) => {
          call.signal?.throwIfAborted();
          const bytes = await unlessUnreadable(
            files.read(id).catch((error: unknown) => {
              throw folderError(error, path);
            }),
          );
          return bytes ?? (await absent());
        };
        // Nobody asks a folder but its node.
        const sumKey = call.seed && sumKeyOf(call.seed, options.node);
        return attest(options.attester, self, ids, nonce, read, { rotten: quarantine, sumKey });
      }),
    announce: async (id) => options.announce(id),
    delete: (id, owner, call) =>
      guarded(call, () =>
        locks.run(id, async () => {
          await present();
          const owners = await files.claims(id);
          if (!owners.includes(owner)) return false;
          const lengthBytes = await files.lengthBytes(id);
          if (lengthBytes === undefined) return false;
          const left = owners.filter((other) => other !== owner);
          if (left.length > 0) await files.store(id, undefined, left);
          else {
            await files.remove(id);
            usedBytes -= lengthBytes;
            options.gone?.(id);
          }
          return true;
        }),
      ),
    async list(owner, cursor, limit) {
      answering();
      await present();
      const items: { id: ShardId; lengthBytes: number }[] = [];
      let looked = 0;
      for await (const id of files.ids(cursor)) {
        const lengthBytes = await files.lengthBytes(id);
        if (lengthBytes !== undefined && (await files.claims(id)).includes(owner))
          items.push({ id, lengthBytes });
        if (++looked === limit) return { items, cursor: id };
      }
      return { items, cursor: undefined };
    },
    async lengthBytes(id) {
      answering();
      return await files.lengthBytes(id);
    },
    freeBytes: () => (space === undefined ? 0 : leftBytes(space).bytes),
    refresh() {
      if (looking !== undefined && ++looksMissed === STUCK_AFTER_LOOKS) space = undefined;
      looking ??= look().finally(() => {
        looking = undefined;
        looksMissed = 0;
      });
      return looking;
    },
  };
}

function folderError(error: unknown, path: string): unknown {
  if (error instanceof DatameshError || !(error instanceof Error) || !('code' in error)) return error;
  if (isNoSpace(error)) {
    return new DatameshError('disk-full', {
      what: `no space is left in the folder ${path}`,
      mend: 'free some space, or add a folder on another disk; reading and deleting go on working',
      cause: error,
    });
  }
  return new DatameshError('failed', {
    what: `the disk of the folder ${path} reports an error: ${error.message}`,
    why: 'nothing of this write was acknowledged, and what cannot be read counts as lost',
    mend: 'look at the system log for errors of the device',
    cause: error,
  });
}

function full(path: string, shardBytes: number, leftBytes: number, byQuota: boolean): DatameshError {
  return new DatameshError(byQuota ? 'quota-full' : 'disk-full', {
    what: `the folder ${path} takes ${leftBytes} more bytes and a shard has ${shardBytes}`,
    why: byQuota
      ? 'its quota is used up'
      : 'the disk is full, or down to the reserve that the configuration keeps free',
    mend: 'free some space, or add a folder on another disk; reading and deleting go on working',
  });
}
