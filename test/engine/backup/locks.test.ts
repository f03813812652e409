import { describe, expect, it } from 'vitest';
import { BackupLocks } from '../../../src/engine/backup/locks.ts';

type Kind = 'backup' | 'restore' | 'prune';

describe('what may run beside what', () => {
  it.each([
    ['backup', 'backup', false],
    ['backup', 'restore', true],
    ['backup', 'prune', false],
    ['restore', 'backup', true],
    ['restore', 'restore', true],
    ['restore', 'prune', false],
    ['prune', 'backup', false],
    ['prune', 'restore', false],
    ['prune', 'prune', false],
  ] as [Kind, Kind, boolean][])('%s, then %s: %s', async (first, second, may) => {
    const locks = new BackupLocks();
    let end = () => {};
    const running = locks[first](() => new Promise<void>((resolve) => (end = resolve)));
    const other = locks[second](async () => 'done');
    if (may) expect(await other).toBe('done');
    else await expect(other).rejects.toMatchObject({ code: 'lock-held' });
    end();
    await running;
    expect(await locks[second](async () => 'done')).toBe('done');
    // What fails lets go as well.
    await expect(locks[first](() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await locks[second](async () => 'done')).toBe('done');
  });
});
