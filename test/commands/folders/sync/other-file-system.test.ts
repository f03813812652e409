import { chmodSync, statSync } from 'node:fs';
import type * as Fs from 'node:fs/promises';
import { expect, it, vi } from 'vitest';
import { openSides } from './support.ts';

/** As where another file system is mounted at `mount` in the folder. */
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof Fs>();
  const isMounted = (path: unknown) => String(path).includes('/mount/');
  return {
    ...real,
    async rename(from: string, to: string) {
      if (isMounted(from) !== isMounted(to)) throw Object.assign(new Error('EXDEV'), { code: 'EXDEV' });
      await real.rename(from, to);
    },
  };
});

const { at, write, read, files, both } = openSides();

it('brings files to where another file system is mounted in the folder', async () => {
  write('a/mount/one', 'new');
  await both('a');
  expect(await both('b')).toMatchObject({ status: 0, actions: ['download mount/one'] });
  write('a/mount/one', 'newer');
  await both('a');
  chmodSync(at('b/mount/one'), 0o600);
  expect(await both('b')).toMatchObject({ status: 0, actions: ['download mount/one'] });
  expect(read('b/mount/one')).toBe('newer');
  expect(statSync(at('b/mount/one')).mode & 0o777).toBe(0o600);
  expect(files('b')).toEqual(['mount/one']);
});
