import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NAMES } from '../../../src/engine/backup/object-door.ts';
import { realTree } from '../../../src/engine/effects/real-tree.ts';
import type { FileTree } from '../../../src/engine/effects/tree.ts';
import { makeOddTree } from '../../support/odd-tree.ts';
import { differences } from '../../support/same-tree.ts';
import { backup, list, MemoryObjects, restore, tempFolder } from './support.ts';

/** Others run beside it. */
const SLOW_MS = 60_000;

describe('backup and restore', { timeout: SLOW_MS }, () => {
  const folder = tempFolder();
  const source = join(folder, 'source');
  makeOddTree(source, { files: 120, averageBytes: 20_000 });

  it('give back the same tree by the eyes of diff and rsync, holes and links included', async () => {
    const objects = new MemoryObjects();
    const taken = await backup(objects, source);
    expect(taken.skipped).toEqual([]);
    const to = join(folder, 'restored');
    fs.mkdirSync(to);
    const back = await restore(objects, taken.snapshotId, to);
    expect(back.failed).toEqual([]);
    expect(back.unset).toBe(0);
    expect(differences(source, to)).toBe('');
    expect(back.files + back.links).toBe(taken.snapshot.files + taken.snapshot.links);
    const stat = (name: string) => fs.statSync(join(to, 'odd', name));
    expect(stat('sparse').blocks * 512).toBeLessThan(200_000);
    expect(stat('only a hole').blocks).toBe(0);
    expect(stat('large').nlink).toBe(3);
    expect(stat('large').ino).toBe(stat('large again').ino);
    expect(fs.lstatSync(join(to, 'odd/-rf')).mtimeMs).toBe(1000);
  });

  it('tell how much there is to read before half of it is read, and no total where only changes are', async () => {
    const told: [number, number | undefined][] = [];
    const tell = (done: number, total: number | undefined) => void told.push([done, total]);
    const objects = new MemoryObjects();
    const first = await backup(objects, source, { takenAtMs: Date.now() + 1000 }, realTree(), tell);
    const totals = new Set(told.map(([, total]) => total).filter((total) => total !== undefined));
    expect([...totals]).toEqual([first.snapshot.sizeBytes]);
    const known = told.find(([, total]) => total !== undefined)!;
    expect(known[0]).toBeLessThan(first.snapshot.sizeBytes / 2);
    expect(told.at(-1)![0]).toBeLessThanOrEqual(first.snapshot.sizeBytes);
    told.length = 0;
    await backup(objects, source, { state: first.state }, realTree(), tell);
    expect(told.every(([, total]) => total === undefined)).toBe(true);
  });

  it('sends next to nothing for the same tree, reading no file, and few bytes where few changed', async () => {
    const objects = new MemoryObjects();
    const first = await backup(objects, source, { takenAtMs: Date.now() + 1000 });
    const bytes = objects.sizeBytes;
    const [record] = objects.named(NAMES.snapshot);
    expect(first.snapshot.addedBytes).toBe(bytes - record!.bytes.length);
    const again = await backup(objects, source, { state: first.state, takenAtMs: Date.now() + 1000 });
    expect(again.filesRead).toBe(0);
    expect(again.chunksNew).toBe(0);
    expect(objects.sizeBytes - bytes).toBeLessThan(bytes / 1000);
    expect(again.snapshot.files).toBe(first.snapshot.files);
    expect(again.snapshot.sizeBytes).toBe(first.snapshot.sizeBytes);

    // Without the cache everything is read, and nothing sent either.
    const unsure = await backup(objects, source);
    expect(unsure.filesRead).toBe(first.filesRead);
    expect(unsure.chunksNew).toBe(0);

    const changed = join(source, 'group-0/folder-1/file-50.bin');
    const before = fs.readFileSync(changed);
    fs.appendFileSync(changed, 'more');
    const third = await backup(objects, source, { state: again.state });
    expect(third.filesRead).toBe(1);
    expect(third.snapshot.addedBytes).toBeLessThan(before.length + 200_000);
    const to = join(folder, 'restored-third');
    fs.mkdirSync(to);
    await restore(objects, third.snapshotId, to);
    expect(differences(source, to)).toBe('');
    fs.writeFileSync(changed, before);
  });

  it('takes a damaged or foreign cache for none', async () => {
    const objects = new MemoryObjects();
    const first = await backup(objects, source, { takenAtMs: Date.now() + 1000 });
    const damaged = Buffer.from(first.state);
    damaged[damaged.length >> 1]! ^= 1;
    for (const state of [damaged, Buffer.alloc(0), Buffer.alloc(200)]) {
      expect((await backup(objects, source, { state })).filesRead).toBe(first.filesRead);
    }
  });

  it('shrinks what shrinks with --compress, and gives it back', async () => {
    const text = join(folder, 'text');
    fs.mkdirSync(text);
    fs.writeFileSync(join(text, 'a'), 'the same words again and again\n'.repeat(100_000));
    const objects = new MemoryObjects();
    const taken = await backup(objects, text, { compress: true });
    expect(objects.sizeBytes).toBeLessThan(100_000);
    const to = join(folder, 'text-restored');
    fs.mkdirSync(to);
    await restore(objects, taken.snapshotId, to);
    expect(differences(text, to)).toBe('');
  });

  it('leaves out what patterns name', async () => {
    const objects = new MemoryObjects();
    const taken = await backup(objects, source, { patterns: ['*.bin', '!file-7.bin', '/odd/deep/'] });
    const to = join(folder, 'excluded');
    fs.mkdirSync(to);
    await restore(objects, taken.snapshotId, to);
    expect(fs.readdirSync(join(to, 'group-0/folder-0'))).toEqual(['file-7.bin']);
    expect(fs.existsSync(join(to, 'odd/deep'))).toBe(false);
    expect(fs.existsSync(join(to, 'odd/large'))).toBe(true);
  });

  it('finds the packs of a run that was broken off, and stores the rest', async () => {
    const objects = new MemoryObjects();
    const large = join(folder, 'packs');
    fs.mkdirSync(large);
    // More than a pack holds.
    for (let i = 0; i < 20; i++) fs.writeFileSync(join(large, `${i}`), randomBytes(2_000_000));
    objects.putsLeft = 1;
    await expect(backup(objects, large)).rejects.toThrow('the mesh is gone');
    expect(objects.packs.length).toBe(1);
    objects.putsLeft = Number.POSITIVE_INFINITY;
    const taken = await backup(objects, large);
    expect(taken.packsAdopted).toBe(1);
    expect(taken.chunksKnown).toBeGreaterThan(10);
    const to = join(folder, 'packs-restored');
    fs.mkdirSync(to);
    await restore(objects, taken.snapshotId, to);
    expect(differences(large, to)).toBe('');
    // The index names the adopted pack now: nobody asks it again.
    objects.reads = 0;
    await backup(objects, large);
    expect(objects.reads).toBe(0);
  });

  it('leaves nothing but whole files when it is cancelled', async () => {
    const objects = new MemoryObjects();
    const from = join(folder, 'to-cancel');
    fs.mkdirSync(from);
    const content = randomBytes(80 * 1024 * 1024);
    fs.writeFileSync(join(from, 'large'), content);
    const { snapshotId } = await backup(objects, from);
    const to = join(folder, 'cancelled');
    fs.mkdirSync(to);
    let looks = 0;
    await expect(restore(objects, snapshotId, to, {}, realTree(), () => ++looks > 1)).rejects.toMatchObject({
      code: 'cancelled',
    });
    expect(looks).toBe(2);
    expect(fs.readdirSync(to)).toEqual([]);
  });

  it('restores parts, with the content of files of which only a further name is meant', async () => {
    const objects = new MemoryObjects();
    const taken = await backup(objects, source);
    const to = join(folder, 'part');
    fs.mkdirSync(to);
    fs.chmodSync(to, 0o711);
    await restore(objects, taken.snapshotId, to, {
      paths: ['odd/large again', 'odd/large', `${source}/group-0/folder-2/`],
    });
    expect(fs.readdirSync(join(to, 'odd')).sort()).toEqual(['large', 'large again']);
    expect(fs.readdirSync(join(to, 'group-0'))).toEqual(['folder-2']);
    // The folder itself was not asked for; what had to be made on the way is as it was.
    expect(fs.statSync(to).mode & 0o777).toBe(0o711);
    const way = (root: string) => fs.statSync(join(root, 'group-0')).mtimeMs;
    expect(way(to)).toBeCloseTo(way(source), 2);
    expect(fs.readFileSync(join(to, 'odd/large again'))).toEqual(fs.readFileSync(join(source, 'odd/large')));
    expect(fs.statSync(join(to, 'odd/large')).nlink).toBe(2);
    await expect(restore(objects, taken.snapshotId, to, { paths: ['../x'] })).rejects.toThrow(
      'cannot be a path',
    );
    await expect(restore(objects, taken.snapshotId, to, { paths: ['no such'] })).rejects.toThrow(
      'nothing in',
    );
  });

  it('lists parts, an empty folder too, and refuses a path where nothing is', async () => {
    const objects = new MemoryObjects();
    const from = join(folder, 'to-list');
    fs.mkdirSync(join(from, 'bare'), { recursive: true });
    const { snapshotId } = await backup(objects, from);
    const paths = async (...wanted: string[]) =>
      (await list(objects, snapshotId, wanted)).entries.map(({ path }) => path);
    expect(await paths('bare')).toEqual(['bare']);
    expect(await paths(from)).toEqual(['bare']);
    // Another folder whose name begins the same is not below it.
    await expect(paths(`${from}bare`)).rejects.toMatchObject({ code: 'not-found' });
    await expect(paths('bare/no such')).rejects.toMatchObject({
      code: 'not-found',
      message: 'nothing in the snapshot is at "bare/no such"',
    });
    // As a shell's bytes come through argv, and as they are shown.
    fs.writeFileSync(Buffer.concat([Buffer.from(`${from}/bare/`), Buffer.from([0x63, 0xe9])]), 'odd');
    const { snapshotId: odd } = await backup(objects, from);
    expect((await list(objects, odd, ['bare'])).entries.at(-1)?.path).toBe('bare/c\u00e9');
    for (const path of ['bare/c\ufffd', 'bare/c\u00e9'])
      for (const asked of [
        list(objects, odd, [path]),
        restore(objects, odd, join(folder, 'odd-to'), { paths: [path] }),
      ])
        await expect(asked).rejects.toMatchObject({
          code: 'not-found',
          why: expect.stringContaining('UTF-8'),
          mend: expect.stringContaining('the folder that holds it'),
        });
    fs.rmSync(join(from, 'bare'), { recursive: true });
    const { snapshotId: empty } = await backup(objects, from);
    expect((await list(objects, empty, [])).entries).toEqual([]);
    expect((await list(objects, empty, ['.'])).entries).toEqual([]);
  });

  it('overwrites on request, keeps what is right, and says what is in the way otherwise', async () => {
    const objects = new MemoryObjects();
    const taken = await backup(objects, source);
    const to = join(folder, 'over');
    fs.mkdirSync(to);
    await restore(objects, taken.snapshotId, to);
    const refused = await restore(objects, taken.snapshotId, to);
    expect(refused).toMatchObject({ files: 0, bytes: 0 });
    expect(refused.failedCount).toBeGreaterThan(100);
    fs.rmSync(join(to, 'odd/link'));
    fs.writeFileSync(join(to, 'odd/large'), 'damaged');
    fs.symlinkSync('/tmp', join(to, 'odd/link'));
    const over = await restore(objects, taken.snapshotId, to, { overwrite: true });
    expect(over.failed).toEqual([]);
    expect(over).toMatchObject({ files: 1, bytes: fs.statSync(join(to, 'odd/large')).size });
    expect(over.kept).toBeGreaterThan(100);
    expect(differences(source, to)).toBe('');
  });

  it('looks into what is there before it says that it is as it should be', async () => {
    const objects = new MemoryObjects();
    const from = join(folder, 'looked');
    fs.mkdirSync(from);
    for (const name of ['same', 'rotten', 'mode', 'first'])
      fs.writeFileSync(join(from, name), `it is ${name}`);
    fs.writeFileSync(join(from, 'holes'), 'x');
    fs.truncateSync(join(from, 'holes'), 3_000_000);
    fs.linkSync(join(from, 'first'), join(from, 'second'));
    fs.symlinkSync('same', join(from, 'zlink'));
    const taken = await backup(objects, from);
    const to = join(folder, 'looked-to');
    fs.mkdirSync(to);
    await restore(objects, taken.snapshotId, to);
    const damage = (name: string, at: number) => {
      const { atime, mtime } = fs.statSync(join(to, name));
      const bytes = fs.readFileSync(join(to, name));
      bytes[at]! ^= 1;
      fs.writeFileSync(join(to, name), bytes);
      fs.utimesSync(join(to, name), atime, mtime);
    };
    damage('rotten', 3);
    damage('holes', 2_000_000);
    fs.chmodSync(join(to, 'mode'), 0o777);
    const over = await restore(objects, taken.snapshotId, to, { overwrite: true });
    expect(over).toMatchObject({ failed: [], unset: 0 });
    expect(differences(from, to)).toBe('');
    expect(fs.statSync(join(to, 'mode')).mode & 0o777).toBe(fs.statSync(join(from, 'mode')).mode & 0o777);

    // What cannot be made takes nothing away, and no name is given to another file.
    fs.rmSync(join(to, 'second'));
    for (const name of ['first', 'second']) fs.writeFileSync(join(to, name), `old ${name}`);
    fs.rmSync(join(to, 'zlink'));
    fs.writeFileSync(join(to, 'zlink'), 'old zlink');
    const real = realTree();
    const failing = (change: Partial<FileTree>) =>
      restore(objects, taken.snapshotId, to, { overwrite: true }, { ...real, ...change });
    const full = () => {
      throw new Error('ENOSPC');
    };
    const created: FileTree['create'] = (path) =>
      path.toString().endsWith('/0') ? full() : real.create(path);
    const none = await failing({ create: created, makeLink: full });
    expect(none.failed.map(({ path }) => path)).toEqual(['first', 'second', 'zlink']);
    for (const name of ['first', 'second', 'zlink'])
      expect(fs.readFileSync(join(to, name), 'utf8')).toBe(`old ${name}`);
    const unlinked = await failing({ hardLink: full });
    expect(unlinked.failed.map(({ path }) => path)).toEqual(['second']);
    expect(fs.readFileSync(join(to, 'second'), 'utf8')).toBe('old second');
    expect((await restore(objects, taken.snapshotId, to, { overwrite: true })).failed).toEqual([]);
    expect(differences(from, to)).toBe('');
  });
});
