/** A file system whose server gives no locks: SQLite says of each that another has it. */
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { acquireLock } from '../../../src/engine/effects/lock.ts';
import { realDisk } from '../../../src/engine/effects/real-disk.ts';
import { tempDir } from '../shardstore/support.ts';

vi.mock('node:sqlite', () => ({
  DatabaseSync: class {
    exec() {
      throw Object.assign(new Error('database is locked'), { errcode: 5 });
    }
    close() {}
  },
}));

const disk = realDisk();
const clock = realClock();

describe('a lock where there are none', () => {
  it('is not said to be held by another process', async () => {
    const path = `${await tempDir()}/LOCK`;
    await expect(acquireLock(disk, path, clock)).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('no locks'),
    });
    // The name of one that was killed, and of no process by now.
    await disk.writeFileAtomic(
      path,
      Buffer.from(JSON.stringify({ pid: 2 ** 30, host: hostname(), startedAtMs: 1 })),
      0o600,
    );
    await expect(acquireLock(disk, path, clock)).rejects.toMatchObject({ code: 'failed' });
    expect((await disk.list(dirname(path))).sort()).toEqual(['LOCK', 'LOCK.guard']);
  });
});
