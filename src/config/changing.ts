/** One change of a configuration file at a time: each reads the whole of it and writes the whole of it back, and of two at once one would be lost. */
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * What is read, checked and written within `work` is of one piece, whatever other processes do. Throws `lock-held`. Not to be nested.
 * @param writes false: it only looks, and waits for nobody
 */
export async function changing<T>(path: string, work: () => Promise<T>, writes = true): Promise<T> {
  if (!writes) return work();
  // Without its folder there is nothing to change, and `work` says so.
  const folder = await stat(dirname(path)).catch(() => undefined);
  if (folder === undefined) return work();
  const [{ lockSoon }, { realDisk }, { realClock }] = await Promise.all([
    import('../engine/effects/lock.ts'),
    import('../engine/effects/real-disk.ts'),
    import('../engine/effects/clock.ts'),
  ]);
  const lock = await lockSoon(realDisk(), `${path}.LOCK`, realClock());
  try {
    return await work();
  } finally {
    await lock.release();
  }
}
