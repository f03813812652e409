/** Mistakes in paths as the real file system answers them, and what is said then. */
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { asClearError, needFolderPlace } from '../../../src/engine/effects/file-errors.ts';
import { DatameshError } from '../../../src/errors.ts';
import { tempDir } from '../shardstore/support.ts';

let dir: string;
beforeEach(async () => {
  dir = await tempDir();
  writeFileSync(join(dir, 'file'), '');
});

function failureOf(action: () => unknown): DatameshError {
  try {
    action();
  } catch (error) {
    return asClearError(error);
  }
  throw new Error('it did not fail');
}

describe('what the system says', () => {
  it('of a path that goes through a file names the file, whoever asked', () => {
    const attempts = [
      () => readFileSync(join(dir, 'file/x')),
      () => readFileSync(join(dir, 'file/x/y/z')),
      () => writeFileSync(join(dir, 'file/x'), ''),
      () => readdirSync(join(dir, 'file')),
      () => mkdirSync(join(dir, 'file')),
      () => mkdirSync(join(dir, 'file'), { recursive: true }),
      () => mkdirSync(join(dir, 'file/x/y'), { recursive: true }),
    ];
    for (const attempt of attempts) {
      expect(failureOf(attempt)).toMatchObject({
        code: 'not-a-directory',
        exit: 2,
        message: `${join(dir, 'file')} is a file, not a folder`,
      });
    }
  });

  it('of other mistakes is a coded error with a way out', () => {
    symlinkSync('loop', join(dir, 'loop'));
    symlinkSync('nowhere', join(dir, 'dangling'));
    const attempts: [() => unknown, string, RegExp][] = [
      [() => readFileSync(join(dir, 'none')), 'file-not-found', /there is no file .*none/],
      [() => mkdirSync(join(dir, 'none/x')), 'file-not-found', /there is no folder .*none/],
      [() => readFileSync(dir), 'is-a-directory', /is a directory/],
      [() => writeFileSync(join(dir, 'file'), '', { flag: 'wx' }), 'already-exists', /file exists/],
      [() => readFileSync(join(dir, 'n'.repeat(300))), 'bad-value', /too long/],
      [() => readFileSync(join(dir, 'loop')), 'bad-value', /circle/],
      [() => mkdirSync(join(dir, 'dangling')), 'not-a-directory', /dangling is no folder/],
    ];
    for (const [attempt, code, says] of attempts) {
      const error = failureOf(attempt);
      expect(error).toMatchObject({ code, mend: expect.any(String) });
      expect(error.message).toMatch(says);
    }
  });

  it('of no file stays a defect, and a coded error stays as it is', () => {
    expect(asClearError(new TypeError('x'))).toMatchObject({ code: 'internal' });
    const coded = new DatameshError('timeout', { what: 'x' });
    expect(asClearError(coded)).toBe(coded);
  });
});

it('a place for a folder is below a folder, and nothing is made in finding out', () => {
  needFolderPlace(dir);
  needFolderPlace(join(dir, 'new/deep'));
  for (const path of ['file', 'file/x', 'file/x/y'])
    expect(() => needFolderPlace(join(dir, path))).toThrow(`${join(dir, 'file')} is a file, not a folder`);
  expect(readdirSync(dir)).toEqual(['file']);
});
