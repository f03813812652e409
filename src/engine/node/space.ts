/** How much this node can still take: the file system under its data folder, asked now and then, within quota and reserve. */
import type { Clock } from '../effects/clock.ts';
import type { Disk, DiskSpace } from '../effects/disk.ts';
import type { EngineOptions } from '../options.ts';
import type { ShardStore } from '../shardstore/store.ts';
import type { Closers } from './closers.ts';

/** Asked again this often: statfs is cheap, but not for every shard. */
const SPACE_EVERY_MS = 2_000;

export interface Space {
  /** Free and total bytes under the data folder, as last asked. */
  disk(): DiskSpace;
  /** What is left for shards: of the quota, and of the disk beyond its reserve. */
  freeBytes(): number;
}

/** @param looked told what is free, each time */
export async function watchSpace(
  { dataDir, storage }: EngineOptions,
  { disk, clock }: { disk: Disk; clock: Clock },
  store: ShardStore,
  closers: Closers,
  looked: (freeBytes: number) => void,
): Promise<Space> {
  let space = await disk.space(dataDir);
  let timer = clock.after(SPACE_EVERY_MS, function refresh() {
    disk.space(dataDir).then(
      (value) => {
        space = value;
        looked(value.freeBytes);
      },
      () => {}, // the folder is gone or unreadable: the store reports that on its own
    );
    timer = clock.after(SPACE_EVERY_MS, refresh);
  });
  closers.add(() => timer.cancel());
  return {
    disk: () => space,
    freeBytes() {
      const reserve = space.totalBytes * storage.reserveFraction;
      const quotaLeft = storage.quotaBytes - store.usage().liveBytes;
      return Math.max(0, Math.floor(Math.min(quotaLeft, space.freeBytes - reserve)));
    },
  };
}
