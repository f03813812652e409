/** Many at once: patterns of files and names, several at a time, and nothing outside the folder whatever the names say. */
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFakeEngine, type FakeEngine } from '../../support/fake-engine.ts';
import { runLine, testHost } from '../../support/host.ts';
import { HOSTILE_NAMES } from '../../support/hostile-names.ts';

let folder: string;
let engine: FakeEngine;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'datamesh-many-'));
  engine = createFakeEngine();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const run = async (...words: string[]) => {
  const host = testHost({ engine, cwd: folder });
  return { status: await runLine(host, ...words), ...host.seen };
};
const names = async () => (await engine.list()).objects.map(({ name }) => name);
const files = async (paths: string[]) => {
  for (const path of paths) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), path);
  }
};
const tree = async (at = folder) =>
  (await readdir(at, { recursive: true, withFileTypes: true })).filter((it) => it.isFile()).length;

describe('batch-put', () => {
  it('stores what patterns, files and folders mean, with their folders if asked', async () => {
    await files(['a.txt', 'b.txt', 'c.md', 'deep/d.txt', 'deep/er/e.txt']);
    expect(await run('batch-put', '*.txt', '--tags', 'x')).toMatchObject({ status: 0 });
    expect(await names()).toEqual(['a.txt', 'b.txt']);
    expect((await engine.list({ tag: 'x' })).objects).toHaveLength(2);
    await run('batch-put', '**/*.{txt,md}', '--preserve-structure', '--prefix', 'all/', '--parallel', '3');
    expect(await names()).toEqual([
      'a.txt',
      'all/a.txt',
      'all/b.txt',
      'all/c.md',
      'all/deep/d.txt',
      'all/deep/er/e.txt',
      'b.txt',
    ]);
    expect((await run('batch-put', 'deep')).status).toBe(2);
    expect((await run('batch-put', 'deep', '--recursive', '--preserve-structure')).records).toHaveLength(2);
    expect(await names()).toContain('deep/er/e.txt');
  });

  it('refuses before it stores anything, and shows what it would do', async () => {
    await files(['a.txt', 'deep/a.txt']);
    expect((await run('batch-put', 'none.txt')).status).toBe(8);
    expect((await run('batch-put', '*.none')).status).toBe(8);
    expect((await run('batch-put', '**/a.txt')).status).toBe(2);
    expect((await run('batch-put', 'a.txt', '--dry-run')).records).toMatchObject([
      { dryRun: true, sizeBytes: 5 },
    ]);
    expect(await names()).toEqual([]);
  });

  it('passes over names that are no UTF-8, says which, and ends with 3', async () => {
    await files(['src/a.txt', 'src/deep/b.txt']);
    const bad = (name: string) =>
      writeFile(Buffer.concat([Buffer.from(`${folder}/src/deep/`), Buffer.from(name, 'latin1')]), 'x');
    try {
      await bad('ca\xe9.txt');
    } catch {
      // Some file systems take UTF-8 only: there is nothing to pass over there.
      return;
    }
    const told = { status: 3, warnings: [expect.stringContaining("deep/ca\\xe9.txt' is skipped")] };
    expect(await run('batch-put', 'src/**', '--dry-run')).toMatchObject(told);
    expect(await run('batch-put', 'src/**')).toMatchObject(told);
    expect(await names()).toEqual(['a.txt', 'b.txt']);
    expect(await run('batch-put', 'src', '--recursive')).toMatchObject(told);
    // It is not among what these mean.
    expect(await run('batch-put', 'src/**/*.md', 'src/a.txt')).toMatchObject({ status: 0, warnings: [] });
    expect(await run('batch-put', 'src/deep/ca*')).toMatchObject({ ...told, records: [] });
  });

  it('stores the others when some cannot be, and ends with 3', async () => {
    await files(['a', 'b', 'c']);
    await run('batch-put', 'b');
    const again = await run('batch-put', 'a', 'b', 'c', '--if-absent');
    expect(again).toMatchObject({ status: 3, warnings: [expect.stringContaining("'b'")] });
    expect(again.records.map(({ name }) => name).sort()).toEqual(['a', 'c']);
  });
});

describe('batch-get', () => {
  beforeEach(() => {
    engine = createFakeEngine({
      objects: ['x.txt', 'dir/y.txt', 'dir/deep/z.txt', 'other/x.txt'].map((name) => ({
        name,
        content: name,
      })),
    });
  });

  it('writes what fits, with folders or without', async () => {
    expect((await run('batch-get', 'dir/**', 'out', '--preserve-structure')).records).toHaveLength(2);
    expect(await readFile(join(folder, 'out/dir/deep/z.txt'), 'utf8')).toBe('dir/deep/z.txt');
    expect((await run('batch-get', 'dir/**', 'out', '--preserve-structure')).status).toBe(3);
    expect((await run('batch-get', 'dir/**', 'out', '--preserve-structure', '--force')).status).toBe(0);
    expect((await run('batch-get', '*', 'flat')).records).toHaveLength(1);
    const two = await run('batch-get', '**/x.txt', 'flat2');
    expect(two).toMatchObject({ status: 3 });
    expect(two.records).toHaveLength(1);
    expect((await run('batch-get', '*.none', 'flat3')).status).toBe(8);
    expect((await run('batch-get', '**', 'dry', '--preserve-structure', '--dry-run')).records).toHaveLength(
      4,
    );
    expect(await readdir(folder)).not.toContain('dry');
  });

  it('says once that the folder is a file, before it reads anything', async () => {
    await files(['file']);
    for (const at of ['file', 'file/deep']) {
      for (const more of [[], ['--dry-run']]) {
        const refused = await run('batch-get', '**', at, '--preserve-structure', ...more);
        expect(refused).toMatchObject({ status: 2, records: [], warnings: [] });
        expect(refused.errors).toMatchObject([{ code: 'not-a-directory' }]);
      }
    }
  });

  it('names what stands in the way of one object, and writes the others', async () => {
    await files(['out/dir/deep']);
    const some = await run('batch-get', 'dir/**', 'out', '--preserve-structure');
    expect(some).toMatchObject({ status: 3, records: [{ name: 'dir/y.txt' }] });
    expect(some.warnings.join()).not.toContain('unexpected');
  });

  it('follows no link out of the folder', async () => {
    await mkdir(join(folder, 'out'));
    await mkdir(join(folder, 'elsewhere'));
    await symlink(join(folder, 'elsewhere'), join(folder, 'out/dir'));
    expect((await run('batch-get', 'dir/**', 'out', '--preserve-structure')).status).toBe(3);
    expect(await readdir(join(folder, 'elsewhere'))).toEqual([]);
  });

  it('writes nothing outside the folder for 500 hostile names', async () => {
    expect(HOSTILE_NAMES.length).toBeGreaterThanOrEqual(500);
    engine = createFakeEngine({ objects: HOSTILE_NAMES.map((name) => ({ name, content: 'x' })) });
    await mkdir(join(folder, 'a/b/c'), { recursive: true });
    for (const options of [[], ['--preserve-structure']]) {
      const { records } = await run('batch-get', '**', 'a/b/c', '--force', ...options);
      expect(records.length).toBeGreaterThan(0);
      expect(await tree()).toBe(await tree(join(folder, 'a/b/c')));
    }
  });
});

it('batch-tag adds and removes, and says which', async () => {
  engine = createFakeEngine({ objects: ['a/1', 'a/2', 'b/1'].map((name) => ({ name, content: name })) });
  expect((await run('batch-tag', 'a/*', '--tags', 'x,y')).records).toMatchObject([
    { name: 'a/1', tags: ['x', 'y'] },
    { name: 'a/2', tags: ['x', 'y'] },
  ]);
  expect((await run('batch-tag', '**', '--remove', 'x', '--dry-run')).records).toHaveLength(3);
  await run('batch-tag', '**', '--remove', 'x');
  expect((await engine.list({ tag: 'x' })).objects).toEqual([]);
  expect((await run('batch-tag', 'a/*')).status).toBe(2);
  expect((await run('batch-tag', 'none*', '--tags', 'x')).status).toBe(8);
});
