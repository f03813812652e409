/** `doctor --rebuild-index`: the shard store's index made again from its segments alone. */
import { realClock } from '../../../engine/effects/clock.ts';
import { acquireLock } from '../../../engine/effects/lock.ts';
import { realDisk } from '../../../engine/effects/real-disk.ts';
import { dataPaths } from '../../../engine/options.ts';
import { DatameshError } from '../../../errors.ts';
import type { Context } from '../../command.ts';
import { size } from '../demo/tell.ts';

/**
 * Throws `lock-held` while a node runs on the data folder. Safe to break off: the next opening of the store goes on
 * from where it was.
 */
export async function rebuildIndex(context: Context): Promise<void> {
  const { node, storage } = await context.config();
  const paths = dataPaths(node.dataDir);
  const disk = realDisk();
  const clock = realClock();
  if ((await disk.stat(paths.shards)) === undefined) {
    throw new DatameshError('not-found', {
      what: `there are no shards in ${node.dataDir}`,
      mend: 'nothing to do: the first start of the node makes the folder and its index',
    });
  }
  const [{ openShardStore }, { shardIdOfBytes }] = await Promise.all([
    import('../../../engine/shardstore/segment-store.ts'),
    import('../../../engine/codec/hash.ts'),
  ]);
  const lock = await acquireLock(disk, paths.lock, clock);
  try {
    if (context.options.dryRun) {
      context.out.note(`the index in ${paths.shards} would be built anew`);
      return;
    }
    let told = 0;
    const store = await openShardStore({
      dir: paths.shards,
      disk,
      clock,
      idOf: shardIdOfBytes,
      quotaBytes: storage.quotaBytes,
      reserveFraction: storage.reservePercent / 100,
      rebuildIndex: true,
      onEvent(_level, text) {
        told += 1;
        context.out.warn(text);
      },
    });
    const { shards, liveBytes } = store.usage();
    const { damaged, replayedRecords } = store.recovery;
    await store.close();
    context.out.record({
      check: 'index',
      state: damaged + told > 0 ? 'warn' : 'ok',
      detail:
        `built anew from ${replayedRecords} records: ${shards} shards, ${size(liveBytes)}` +
        (damaged > 0 ? `; ${damaged} places of the segments are damaged` : ''),
      mend: damaged > 0 ? 'start the node: what was lost is rebuilt by repair from the other nodes' : null,
    });
  } finally {
    await lock.release();
  }
}
