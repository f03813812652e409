import { existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { asClearError } from '../../../src/engine/effects/file-errors.ts';
import { makeDirs } from '../../../src/engine/effects/make-dirs.ts';
import { tempDir } from '../shardstore/support.ts';

let dir: string;
beforeEach(async () => {
  dir = await tempDir();
});

it('makes those above it too, with the mode, and leaves what is there as it is', async () => {
  mkdirSync(join(dir, 'a'), { mode: 0o750 });
  await makeDirs(join(dir, 'a/b/c/'), 0o700);
  expect(['a', 'a/b', 'a/b/c'].map((path) => statSync(join(dir, path)).mode & 0o777)).toEqual([
    0o750, 0o700, 0o700,
  ]);
  await makeDirs(join(dir, 'a/b/c'), 0o755);
  expect(statSync(join(dir, 'a/b/c')).mode & 0o777).toBe(0o700);
  await makeDirs('/');
});

it('goes through links to folders, and makes the same one twice at a time', async () => {
  mkdirSync(join(dir, 'real'));
  symlinkSync('real', join(dir, 'link'));
  await Promise.all(Array.from({ length: 20 }, () => makeDirs(join(dir, 'link/x/y/z'))));
  expect(statSync(join(dir, 'real/x/y/z')).isDirectory()).toBe(true);
});

it('ends with the error of the system where a file, or a link that leads nowhere, is in the way', async () => {
  writeFileSync(join(dir, 'file'), '');
  symlinkSync('nowhere', join(dir, 'dangling'));
  await expect(makeDirs(join(dir, 'file'))).rejects.toMatchObject({ code: 'EEXIST' });
  await expect(makeDirs(join(dir, 'file/x/y'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  await expect(makeDirs(join(dir, 'dangling/x'))).rejects.toMatchObject({ code: 'EEXIST' });
});

it.skipIf(!existsSync('/proc/self'))('ends where the file system takes no folders, and says so', async () => {
  for (const path of ['/proc/none', '/proc/none/deep/er']) {
    const error = await makeDirs(path).then(() => undefined, asClearError);
    expect(error).toMatchObject({ code: 'file-denied', message: 'no folder can be made in /proc' });
  }
});
