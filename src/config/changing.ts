/** One change of a configuration file at a time: each reads the whole of it and writes the whole of it back, and of two at once one would be lost. */
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DataLock } from '../engine/effects/lock.ts';
import { asDatameshError, DatameshError } from '../errors.ts';

/** A change takes some milliseconds; on a busy machine a script of them takes longer. */
const WAIT_MS = 15_000;
const RETRY_MS = 20;

/** What is read, checked and written within `work` is of one piece, whatever other processes do. Throws `lock-held`. Not to be nested. */
export async function changing<T>(path: string, work: () => Promise<T>): Promise<T> {
  // Without its folder there is nothing to change, and `work` says so.
  const folder = await stat(dirname(path)).catch(() => undefined);
  if (folder === undefined) return work();
  const lock = await lockOf(path);
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

async function lockOf(path: string): Promise<DataLock> {
  const [{ acquireLock }, { realDisk }, { realClock }] = await Promise.all([
    import('../engine/effects/lock.ts'),
    import('../engine/effects/real-disk.ts'),
    import('../engine/effects/clock.ts'),
  ]);
  const clock = realClock();
  const untilMs = clock.now() + WAIT_MS;
  for (;;) {
    try {
      return await acquireLock(realDisk(), `${path}.LOCK`, clock);
    } catch (thrown) {
      const error = asDatameshError(thrown);
      if (error.code !== 'lock-held') throw error;
      if (clock.now() > untilMs) {
        throw new DatameshError('lock-held', {
          what: `the configuration ${path} is being changed by another process; nothing was changed`,
          mend: 'try again when it has ended',
          cause: error,
          details: error.details ?? {},
        });
      }
      await clock.sleep(RETRY_MS);
    }
  }
}
