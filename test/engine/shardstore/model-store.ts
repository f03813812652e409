/** A store on the model disk, for tests of what disks do. */
import { realClock } from '../../../src/engine/effects/clock.ts';
import { openShardStore, type ShardStoreOptions } from '../../../src/engine/shardstore/segment-store.ts';
import { openSnapshotIndex } from '../../../src/engine/shardstore/snapshot-index.ts';
import type { ModelDisk } from '../../support/model-disk.ts';
import { SMALL_LIMITS } from './shards.ts';
import { storeOptions } from './support.ts';

export const DIR = '/data/shards';

export function open(disk: ModelDisk, more: Partial<ShardStoreOptions> = {}) {
  return openShardStore({
    ...storeOptions(DIR, { disk, clock: realClock() }),
    limits: { ...SMALL_LIMITS, compactionBytesPerSecond: 1e12, spaceEveryMs: 0 },
    openIndex: (dir) => openSnapshotIndex(disk, `${dir}.json`),
    ...more,
  });
}

export function segments(disk: ModelDisk): Promise<string[]> {
  return disk.list(DIR).then((names) => names.filter((name) => name.endsWith('.seg')).sort());
}
