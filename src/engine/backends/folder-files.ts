/** The files of a folder backend: a shard and beside it who claims it. docs/FORMATS.md "Folders". */
import type { Disk } from '../effects/disk.ts';
import { MAX_BODY_BYTES } from '../effects/net.ts';
import { isHexId, type OwnerId, type ShardId } from '../types.ts';

/** 256 subfolders: a disk of 8 TB with shards of 1 MiB has 32,000 to a folder. */
const SUBFOLDER_DIGITS = 2;
const PERMISSIONS = 0o600;
/** As in the shard store: 256 owners of a shard. */
const MAX_CLAIMS_BYTES = 256 * 65;

export class FolderFiles {
  private readonly disk: Disk;
  private readonly folder: string;
  /** Subfolders whose entry in the folder is known to be durable. */
  private readonly made = new Map<string, Promise<void>>();

  constructor(disk: Disk, folder: string) {
    this.disk = disk;
    this.folder = folder;
  }

  read(id: ShardId): Promise<Uint8Array | undefined> {
    return this.disk.readFile(this.shard(id), MAX_BODY_BYTES);
  }

  async lengthBytes(id: ShardId): Promise<number | undefined> {
    return (await this.disk.stat(this.shard(id)))?.sizeBytes;
  }

  /** Owners that put the shard and have not released it. */
  async claims(id: ShardId): Promise<OwnerId[]> {
    const bytes = await this.disk.readFile(this.claimFile(id), MAX_CLAIMS_BYTES);
    if (bytes === undefined) return [];
    return Buffer.from(bytes).toString('utf8').split('\n').filter(isHexId) as OwnerId[];
  }

  /** Both durable when it resolves: each written and synced beside, then renamed, then the subfolder synced. */
  async store(id: ShardId, bytes: Uint8Array | undefined, owners: readonly OwnerId[]): Promise<void> {
    await this.makeSubfolder(id);
    const claims = Buffer.from(owners.map((owner) => `${owner}\n`).join(''));
    const files: [path: string, data: Uint8Array][] = [[this.claimFile(id), claims]];
    if (bytes !== undefined) files.push([this.shard(id), bytes]);
    try {
      for (const [path, data] of files) await this.writeBeside(path, data);
      for (const [path] of files) await this.disk.rename(beside(path), path);
    } catch (error) {
      for (const [path] of files) await this.disk.remove(beside(path)).catch(() => undefined);
      throw error;
    }
    await this.disk.syncDir(this.subfolder(id));
  }

  /** Gone for good when it resolves. */
  async remove(id: ShardId): Promise<void> {
    await this.disk.remove(this.shard(id));
    await this.disk.remove(this.claimFile(id));
    await this.disk.syncDir(this.subfolder(id));
  }

  /** Keeps bytes that have rotted beside, where nobody takes them for the shard. */
  async setAside(id: ShardId): Promise<void> {
    await this.disk.rename(this.shard(id), `${this.shard(id)}.rotten`);
    await this.disk.syncDir(this.subfolder(id));
  }

  /** Bytes of all shards: a look at every one of them. */
  async usedBytes(): Promise<number> {
    let sum = 0;
    for (const name of await this.disk.list(this.folder)) {
      if (!/^[0-9a-f]{2}$/.test(name)) continue;
      for (const file of await this.disk.list(`${this.folder}/${name}`)) {
        if (isHexId(file)) sum += (await this.lengthBytes(file as ShardId)) ?? 0;
      }
    }
    return sum;
  }

  /** Ids of shards in order, after `cursor`. A subfolder is listed when it is reached. */
  async *ids(cursor: ShardId | undefined): AsyncGenerator<ShardId> {
    const first = cursor?.slice(0, SUBFOLDER_DIGITS) ?? '';
    const subfolders = (await this.disk.list(this.folder)).filter((name) => /^[0-9a-f]{2}$/.test(name));
    for (const name of subfolders.sort()) {
      if (name < first) continue;
      const files = (await this.disk.list(`${this.folder}/${name}`)).filter(isHexId).sort();
      for (const file of files) if (cursor === undefined || file > cursor) yield file as ShardId;
    }
  }

  /** A file that a crash left beside is written over by the next of its name, and read by nobody. */
  private async writeBeside(path: string, data: Uint8Array): Promise<void> {
    const file = await this.disk.open(beside(path), 'update', PERMISSIONS);
    try {
      await file.truncate(data.length);
      await file.write([data], 0);
      await file.datasync();
    } finally {
      await file.close();
    }
  }

  private makeSubfolder(id: ShardId): Promise<void> {
    const path = this.subfolder(id);
    const known = this.made.get(path);
    if (known !== undefined) return known;
    const making = (async () => {
      await this.disk.makeDir(path);
      await this.disk.syncDir(this.folder);
    })();
    this.made.set(path, making);
    making.catch(() => this.made.delete(path));
    return making;
  }

  /** Another disk may have been mounted: what was made is to be made again. */
  forgetSubfolders(): void {
    this.made.clear();
  }

  private subfolder(id: ShardId): string {
    return `${this.folder}/${id.slice(0, SUBFOLDER_DIGITS)}`;
  }

  private shard(id: ShardId): string {
    return `${this.subfolder(id)}/${id}`;
  }

  private claimFile(id: ShardId): string {
    return `${this.shard(id)}.owners`;
  }
}

function beside(path: string): string {
  return `${path}.tmp`;
}
