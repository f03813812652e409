import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { acquireLock, readLockHolder } from '../../../src/engine/effects/lock.ts';
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
    await expect(acquireLock(disk, path, clock)).rejects.toMatchObject({ code: 'lock-held', exit: 6 });
    await lock.release();
    await (await acquireLock(disk, path, clock)).release();
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
