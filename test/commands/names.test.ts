/** Versions, undelete, rename, duplicate and tag: what each prints, changes and refuses. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFakeEngine, type FakeEngine } from '../support/fake-engine.ts';
import { runLine, testHost } from '../support/host.ts';

let folder: string;
let engine: FakeEngine;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'datamesh-names-'));
  engine = createFakeEngine({ objects: [{ name: 'a', content: 'one', tags: ['t'] }] });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const run = async (...words: string[]) => {
  const host = testHost({ engine, cwd: folder });
  return { status: await runLine(host, ...words), ...host.seen };
};
const names = async () => (await engine.list()).objects.map(({ name }) => name);

async function secondVersion() {
  await writeFile(join(folder, 'f'), 'second');
  expect((await run('put', 'f', '--name', 'a')).status).toBe(0);
}

describe('versions', () => {
  it('are listed newest first and read one by one', async () => {
    await secondVersion();
    const { records } = await run('versions', 'a');
    expect(records).toMatchObject([
      { version: 2, state: 'current', sizeBytes: 6 },
      { version: 1, state: 'old', sizeBytes: 3 },
    ]);
    const old = await run('cat', 'a', '--version', '1');
    expect(Buffer.concat(old.bytes).toString()).toBe('one');
    expect((await run('versions', 'none')).status).toBe(8);
  });
});

describe('delete and undelete', () => {
  it('a deleted name is listed as such and comes back with its versions', async () => {
    await secondVersion();
    expect(await run('delete', 'a', '--yes')).toMatchObject({
      status: 0,
      records: [{ name: 'a', purged: false, shardsReleased: 0 }],
    });
    expect(await names()).toEqual([]);
    expect((await run('list', '--deleted')).records).toMatchObject([{ name: 'a', version: 2 }]);
    expect((await run('versions', 'a')).records[0]).toMatchObject({ state: 'deleted' });
    expect((await run('undelete', 'a', '--dry-run')).records).toMatchObject([{ dryRun: true, version: 2 }]);
    expect(await names()).toEqual([]);
    expect(await run('undelete', 'a')).toMatchObject({ status: 0, records: [{ name: 'a', version: 2 }] });
    expect(await names()).toEqual(['a']);
    expect((await run('undelete', 'a')).status).toBe(6);
    expect((await run('undelete', 'b')).status).toBe(8);
  });

  it('list says whether nothing was ever stored, or all of it deleted', async () => {
    await run('delete', 'a', '--yes');
    expect((await run('list')).notes).toEqual([
      expect.stringContaining("nothing is left; 'datamesh list --deleted'"),
    ]);
    engine = createFakeEngine();
    expect((await run('list')).notes).toEqual([expect.stringContaining('nothing is stored')]);
  });

  it('--purge is for good, of all versions, deleted or not, or of one', async () => {
    await secondVersion();
    expect((await run('delete', 'a', '--version', '1', '--yes')).status).toBe(2);
    expect((await run('delete', 'a', '--version', '7', '--purge', '--yes')).status).toBe(8);
    expect((await run('delete', 'a', '--version', '1', '--purge', '--yes')).records).toMatchObject([
      { purged: true, versions: 1 },
    ]);
    expect((await run('versions', 'a')).records).toHaveLength(1);
    await run('delete', 'a', '--yes');
    expect((await run('delete', 'a', '--purge', '--yes')).records).toMatchObject([
      { name: 'a', purged: true, versions: 1 },
    ]);
    expect((await run('undelete', 'a')).status).toBe(8);
  });
});

describe('rename, duplicate and tag', () => {
  it('rename moves a name, and refuses one that is taken or cannot be', async () => {
    await run('duplicate', 'a', 'b');
    expect((await run('rename', 'a', 'b')).status).toBe(6);
    expect((await run('rename', 'none', 'c')).status).toBe(8);
    expect((await run('mv', 'a', '')).status).toBe(2);
    expect((await run('mv', 'a', 'dir/c', '--dry-run')).records).toMatchObject([
      { dryRun: true, name: 'dir/c' },
    ]);
    expect(await names()).toEqual(['a', 'b']);
    expect((await run('mv', 'a', 'dir/c')).records).toMatchObject([
      { name: 'dir/c', from: 'a', versions: 1 },
    ]);
    expect(await names()).toEqual(['b', 'dir/c']);
  });

  it('a copy is the same object under another name', async () => {
    const { records } = await run('cp', 'a', 'b');
    expect(records).toMatchObject([{ name: 'b', from: 'a', version: 1, replacedVersion: null }]);
    const [first, second] = (await engine.list()).objects;
    expect(second!.objectId).toBe(first!.objectId);
    expect((await run('cp', 'a', 'b', '--if-absent')).status).toBe(6);
    expect((await run('cp', 'a', 'b')).records).toMatchObject([{ version: 2, replacedVersion: 1 }]);
    expect((await run('cp', 'a', 'c', '--dry-run')).status).toBe(0);
    expect((await run('cp', 'a', 'c', '--version', '9', '--dry-run')).status).toBe(8);
    expect(await names()).toEqual(['a', 'b']);
  });

  it('a dry run refuses a name that is taken where the real run would', async () => {
    await run('duplicate', 'a', 'b');
    await writeFile(join(folder, 'f'), 'second');
    for (const words of [
      ['rename', 'a', 'b'],
      ['duplicate', 'a', 'b', '--if-absent'],
      ['put', 'f', '--name', 'b', '--if-absent'],
    ]) {
      const dry = await run(...words, '--dry-run');
      const real = await run(...words);
      expect(dry.status, words.join(' ')).toBe(6);
      expect(real.status, words.join(' ')).toBe(6);
    }
    expect((await run('duplicate', 'a', 'b', '--dry-run')).status).toBe(0);
    expect((await run('put', 'f', '--name', 'c', '--if-absent', '--dry-run')).status).toBe(0);
  });

  it('tags are shown, added and removed', async () => {
    expect((await run('tag', 'a')).records).toMatchObject([{ name: 'a', tags: ['t'] }]);
    expect((await run('tag', 'a', '--add', 'x,y', '--remove', 't', '--dry-run')).records).toMatchObject([
      { dryRun: true, tags: ['x', 'y'] },
    ]);
    expect((await run('tag', 'a', '--add', 'x,y', '--remove', 't')).records).toMatchObject([
      { tags: ['x', 'y'] },
    ]);
    expect((await run('list', '--tags', 'x')).records).toHaveLength(1);
    expect((await run('tag', 'a', '--add', 'x', '--remove', 'x')).status).toBe(2);
    const long = await run('tag', 'a', '--add', 'x'.repeat(129));
    expect(long).toMatchObject({ status: 2, errors: [{ message: 'a tag is empty or too long' }] });
    expect((await run('tag', 'none', '--add', 'x')).status).toBe(8);
  });
});

it.each([
  ['rename', ['a', ''], 'datamesh rename OBJECT NAME'],
  ['duplicate', ['a', ''], 'datamesh duplicate OBJECT NAME'],
  ['put', ['f', '--name', ''], '--name'],
])('%s says how an empty name is mended there', async (command, words, mend) => {
  const { status, errors } = await run(command, ...words);
  expect(status).toBe(2);
  expect(errors).toMatchObject([{ code: 'bad-name', mend: expect.stringContaining(mend) }]);
});
