import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { realClock } from '../../../src/engine/effects/clock.ts';
import type { Disk } from '../../../src/engine/effects/disk.ts';
import { acquireLock, type DataLock, readLockHolder } from '../../../src/engine/effects/lock.ts';
import { realDisk } from '../../../src/engine/effects/real-disk.ts';
import { tempDir } from '../shardstore/support.ts';

const CHILD = fileURLToPath(new URL('./lock-child.ts', import.meta.url));
const disk = realDisk();
const clock = realClock();

async function child(path: string): Promise<{ process: ChildProcess; says: string }> {
  const started = spawn(process.execPath, ['--experimental-strip-types', '--no-warnings', CHILD, path], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void started.kill('SIGKILL'));
  const [line] = (await once(createInterface({ input: started.stdout }), 'line')) as [string];
  return { process: started, says: line };
}

async function kill(started: ChildProcess): Promise<void> {
  started.kill('SIGKILL');
  await once(started, 'exit');
}

describe('the lock of a data folder', () => {
  it('is held by one process; the second is told by whom', async () => {
    const path = `${await tempDir()}/LOCK`;
    const lock = await acquireLock(disk, path, clock);
    expect(await readLockHolder(path, disk)).toEqual(lock.holder);
    const second = await child(path);
    expect(second.says).toMatch(/^lock-held /);
    expect(second.says).toContain(`process ${process.pid} on ${hostname()}`);
    await lock.release();
    expect(await readLockHolder(path, disk)).toBeUndefined();
    expect((await child(path)).says).toBe('held');
  });

  it('is refused a second time in the same process', async () => {
    const path = `${await tempDir()}/LOCK`;
    const lock = await acquireLock(disk, path, clock);
    await expect(acquireLock(disk, path, clock)).rejects.toMatchObject({
      code: 'lock-held',
      exit: 6,
      // The other one may be a mere `list`: nothing to stop.
      mend: expect.stringMatching(/^wait until it has ended, .*datamesh service start/),
    });
    // The refused try has not given the lock away.
    expect((await child(path)).says).toMatch(/^lock-held /);
    await lock.release();
    await (await acquireLock(disk, path, clock)).release();
  });

  it('is kept where another try of the same process makes the guard in the same moment', async () => {
    const path = `${await tempDir()}/LOCK`;
    let first: DataLock | undefined;
    // Before it has closed what it made.
    const other: Disk = {
      ...disk,
      async open(at, mode, permissions) {
        const file = await disk.open(at, mode, permissions);
        first ??= await acquireLock(disk, path, clock);
        return file;
      },
    };
    await expect(acquireLock(other, path, clock)).rejects.toMatchObject({ code: 'lock-held' });
    expect((await child(path)).says).toMatch(/^lock-held /);
    await first!.release();
    expect(await disk.list(dirname(path))).toEqual(['LOCK.guard']);
  });

  it('goes with a process that is killed, whatever its LOCK file still says', async () => {
    const path = `${await tempDir()}/LOCK`;
    const first = await child(path);
    expect(first.says).toBe('held');
    await expect(acquireLock(disk, path, clock)).rejects.toMatchObject({
      code: 'lock-held',
      details: { pid: first.process.pid },
    });
    await kill(first.process);
    const lock = await acquireLock(disk, path, clock);
    expect(lock.holder.pid).toBe(process.pid);
    await lock.release();
  });

  it('is not taken for held because the pid in an old LOCK file lives again', async () => {
    const path = `${await tempDir()}/LOCK`;
    await writeFile(path, JSON.stringify({ pid: process.pid, host: hostname(), startedAtMs: 1 }));
    expect((await child(path)).says).toBe('held');
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['half of what it should say', Buffer.from('{"pid":12,"ho')],
    ['noise', Buffer.from([0, 255, 7, 10])],
    ['another shape', Buffer.from('[1,2]')],
  ])('is free when a crash left %s in LOCK, and says who holds it then', async (_name, bytes) => {
    const path = `${await tempDir()}/LOCK`;
    await writeFile(path, bytes);
    const lock = await acquireLock(disk, path, clock);
    expect(await readLockHolder(path, disk)).toEqual(lock.holder);
    await lock.release();
  });

  it('can be had when a crash left garbage in the guard, or says what stands in the way', async () => {
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(3, 7), Buffer.alloc(5000, 7)]) {
      const path = `${await tempDir()}/LOCK`;
      await writeFile(`${path}.guard`, bytes);
      const lock = await acquireLock(disk, path, clock).catch((error: unknown) => error as Error);
      if (!(lock instanceof Error)) {
        await lock.release();
        continue;
      }
      // Nothing is taken away unasked: another process might hold it.
      expect(lock).toMatchObject({ code: 'failed', mend: expect.stringContaining('LOCK.guard') });
      expect(lock.message).toContain('LOCK');
    }
  });

  it.each([
    ['a folder', (path: string) => mkdir(path)],
    ['of no use', (path: string) => symlink('/nowhere/at/all', path)],
  ])('says what stands in the way of a guard that is %s', async (_what, make) => {
    const path = `${await tempDir()}/LOCK`;
    await make(`${path}.guard`);
    await expect(acquireLock(disk, path, clock)).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining(path),
    });
  });

  it('says what stands in the way of its LOCK', async () => {
    const path = `${await tempDir()}/LOCK`;
    await mkdir(path);
    await expect(acquireLock(disk, path, clock)).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining(path),
    });
  });

  it('needs no room on the disk', async () => {
    const dir = await tempDir();
    const full = Object.assign(new Error('no space left on device, write'), { code: 'ENOSPC' });
    await writeFile(`${dir}/LOCK`, JSON.stringify({ pid: 1, host: hostname(), startedAtMs: 1 }));
    const noRoom = { ...disk, writeFileAtomic: () => Promise.reject(full) };
    const lock = await acquireLock(noRoom, `${dir}/LOCK`, clock);
    // No journal beside the guard, and nobody else's name.
    expect(await disk.list(dir)).toEqual(['LOCK.guard']);
    expect((await child(`${dir}/LOCK`)).says).toMatch(/^lock-held .*by another process/);
    await lock.release();
  });

  it('lets nobody else look: guard and LOCK are 0600 whatever the umask', async () => {
    const path = `${await tempDir()}/LOCK`;
    const before = process.umask(0);
    const lock = await acquireLock(disk, path, clock).finally(() => process.umask(before));
    for (const file of [path, `${path}.guard`]) expect((await disk.stat(file))?.mode, file).toBe(0o600);
    await lock.release();
  });

  it('goes to exactly one of many processes that start at once, and after a kill to exactly one again', async () => {
    const path = `${await tempDir()}/LOCK`;
    for (let round = 0; round < 2; round++) {
      const children = await Promise.all(Array.from({ length: 6 }, () => child(path)));
      const winners = children.filter(({ says }) => says === 'held');
      expect(winners.length).toBe(1);
      const pid = winners[0]!.process.pid;
      for (const { says } of children) if (says !== 'held') expect(says).toContain(`process ${pid} on`);
      await kill(winners[0]!.process);
    }
  });
});
