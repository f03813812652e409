/** Checks of the shard store's files: what opening it would find. None is changed. */
import { realDisk } from '../../../engine/effects/real-disk.ts';
import { dataPaths } from '../../../engine/options.ts';
import { isOurs, lackingSegments } from '../../../engine/shardstore/checkpoint-fit.ts';
import { isDamagedIndex } from '../../../engine/shardstore/lmdb-damage.ts';
import { examineStore, segmentPath } from '../../../engine/shardstore/segment.ts';
import { findService } from '../../node/service-process.ts';
import { serviceWords } from '../../node/service-words.ts';
import type { Check, Finding } from './finding.ts';
import { lookAtIndex } from './index-look.ts';

const DISK = 'look at the disk as well (smartctl -a, dmesg)';
const REBUILT = `what is lost is rebuilt from other nodes; ${DISK}`;
/** Paths that one line names. */
const NAMED = 3;

export const checkStore: Check = async ({ config, context }) => {
  if (config === undefined) return [];
  const { dataDir } = config.node;
  const { shards } = dataPaths(dataDir);
  const disk = realDisk();
  // The first start makes it.
  if ((await disk.stat(shards)) === undefined) return [];
  const { start } = await serviceWords(dataDir, context.env);
  const { numbers, store, headless, foreign } = await examineStore(disk, shards);
  const segments = numbers.length - foreign.length;
  const files = segments === 1 ? '1 segment' : `${segments} segments`;
  if (headless.length > 0)
    return warning(
      `${headless.length} of ${files} have no head that can be read: ${named(headless)}`,
      `${start}: ${REBUILT}`,
    );
  if (foreign.length > 0) {
    return warning(
      `${named(foreign)} ${foreign.length === 1 ? 'is no segment' : 'are no segments'} of this store and left alone`,
      'move what does not belong there somewhere else',
    );
  }
  const index = `${shards}/index`;
  // Twice: a node that has it open may write it anew just now.
  if ((await isDamagedIndex(disk, index)) && (await isDamagedIndex(disk, index)))
    return warning(
      `the index in ${index} is damaged; the next start builds it anew from the segments`,
      `${start}; ${DISK}`,
    );
  if (store === undefined && segments > 0)
    return warning(
      `${shards}/FORMAT is missing or damaged; the next start writes it again from the segments`,
      `${start}; ${DISK}`,
    );
  // A node that runs has the index open, and tells of its segments itself.
  if (
    (await disk.stat(`${index}/data.mdb`)) !== undefined &&
    (await findService(dataDir)).state === 'stopped'
  ) {
    const look = await lookAtIndex(index, context.signal);
    if (look.state === 'damaged')
      return warning(
        `the index in ${index} is damaged: ${look.why}`,
        `datamesh doctor --rebuild-index, which builds it anew from the segments; ${DISK}`,
      );
    if (look.state === 'read' && store !== undefined && isOurs(look.checkpoint, store)) {
      const lacking = await lackingSegments(disk, shards, numbers, look.checkpoint);
      const paths = lacking.map((number) => segmentPath(shards, number));
      if (paths.length > 0)
        return warning(
          `${named(paths)} ${paths.length === 1 ? 'is' : 'are'} missing or cut short: of ${look.checkpoint.shards} shards some are lost`,
          `${start}: ${REBUILT}`,
        );
    }
  }
  return {
    check: 'shards',
    state: 'ok',
    detail: segments === 0 ? `none yet in ${shards}` : `${files} in ${shards}`,
  };
};

function warning(detail: string, mend: string): Finding {
  return { check: 'shards', state: 'warn', detail, mend };
}

function named(paths: readonly string[]): string {
  const more = paths.length - NAMED;
  return paths.slice(0, NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
