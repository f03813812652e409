/** What a backup does when the folder does not hold still. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { realTree } from '../../../src/engine/effects/real-tree.ts';
import type { FileTree } from '../../../src/engine/effects/tree.ts';
import { backup, MemoryObjects, restore, tempFolder } from './support.ts';

const real = realTree();
const refused = (path: Buffer): Error =>
  Object.assign(new Error(`EACCES: ${path}`), { code: 'EACCES', syscall: 'open' });
const fail = (path: Buffer): never => {
  throw refused(path);
};

describe('a backup', () => {
  const folder = tempFolder();
  const source = join(folder, 'source');
  fs.mkdirSync(join(source, 'own/shards'), { recursive: true });
  for (const name of ['a', 'b', 'own/shards/x']) fs.writeFileSync(join(source, name), name);
  let restored = 0;
  const filesOf = async (objects: MemoryObjects, id: string) => {
    const to = join(folder, `to-${restored++}`);
    fs.mkdirSync(to);
    await restore(objects, id, to);
    return fs.readdirSync(to, { recursive: true }).sort();
  };
  /** Runs it on a tree that differs from the real one; none of the files counts as sure at the next run otherwise. */
  const on = async (tree: Partial<FileTree>) => {
    const objects = new MemoryObjects();
    const taken = await backup(objects, source, { takenAtMs: Date.now() + 1000 }, { ...real, ...tree });
    return { objects, taken };
  };

  it('names what it may not read, and keeps the rest', async () => {
    const { objects, taken } = await on({
      open(path) {
        if (path.toString().endsWith('/a')) throw refused(path);
        return real.open(path);
      },
      list(path) {
        if (path.toString().endsWith('/own')) throw refused(path);
        return real.list(path);
      },
    });
    expect(taken.skipped).toEqual([
      { path: 'a', why: 'this user may not read it' },
      { path: 'own', why: 'this user may not read it' },
    ]);
    expect(taken.snapshot.skipped).toBe(2);
    expect(await filesOf(objects, taken.snapshotId)).toEqual(['b', 'own']);
  });

  it('leaves out in silence what is gone when it comes to it', async () => {
    const { objects, taken } = await on({
      open(path) {
        if (path.toString().endsWith('/a'))
          throw Object.assign(new Error('gone'), { code: 'ENOENT', syscall: 'open' });
        return real.open(path);
      },
      stat: (path) => (path.toString().endsWith('/b') ? undefined : real.stat(path)),
    });
    expect(taken.skipped).toEqual([]);
    expect(await filesOf(objects, taken.snapshotId)).toEqual(['own', 'own/shards', 'own/shards/x']);
  });

  it('says which file was written while it was read, and reads it again next time', async () => {
    let moved = 0n;
    const { objects, taken } = await on({
      statOpen: (file) => ({ ...real.statOpen(file), mtimeNs: moved++ }),
    });
    expect(taken.skipped.map(({ path }) => path)).toEqual(['a', 'b', 'own/shards/x']);
    const again = await backup(objects, source, { state: taken.state, takenAtMs: Date.now() + 1000 });
    expect(again.filesRead).toBe(3);
    expect((await backup(objects, source, { state: again.state })).filesRead).toBe(0);
  });

  it('takes what grows while it is read as it is at its end', async () => {
    const objects = new MemoryObjects();
    fs.writeFileSync(join(source, 'grows'), 'short');
    const grow: FileTree = {
      ...real,
      open(path) {
        if (path.toString().endsWith('/grows')) fs.appendFileSync(path, ' and longer');
        return real.open(path);
      },
    };
    const taken = await backup(objects, source, {}, grow);
    expect(taken.skipped.map(({ path }) => path)).toEqual(['grows']);
    const to = join(folder, 'grown');
    fs.mkdirSync(to);
    await restore(objects, taken.snapshotId, to);
    expect(fs.readFileSync(join(to, 'grows'), 'utf8')).toBe('short and longer');
    fs.rmSync(join(source, 'grows'));
  });

  it('does not trust the cache for what has changed a moment before', async () => {
    const objects = new MemoryObjects();
    fs.writeFileSync(join(source, 'fresh'), '1');
    const first = await backup(objects, source, { takenAtMs: Date.now() });
    expect((await backup(objects, source, { state: first.state })).filesRead).toBeGreaterThanOrEqual(1);
    fs.rmSync(join(source, 'fresh'));
  });

  it('does not read the cache for chunks that are gone', async () => {
    const objects = new MemoryObjects();
    const first = await backup(objects, source, { takenAtMs: Date.now() + 1000 });
    objects.objects.clear();
    const second = await backup(objects, source, { state: first.state });
    expect(second.filesRead).toBe(first.filesRead);
    expect(await filesOf(objects, second.snapshotId)).toContain('own/shards/x');
  });

  it('never looks into the node’s own data folder, and not into a file', async () => {
    const objects = new MemoryObjects();
    const taken = await backup(objects, source, { skip: [Buffer.from(join(source, 'own'))] });
    const own = [{ path: 'own', why: 'it is the data folder of this node' }];
    expect(taken.skipped).toEqual(own);
    // By another path it is the same, and what is locked in it would be let go of.
    const link = join(folder, 'link');
    fs.symlinkSync(join(source, 'own'), link);
    expect((await backup(objects, source, { skip: [Buffer.from(link)] })).skipped).toEqual(own);
    for (const within of ['own', 'own/shards'])
      await expect(
        backup(objects, join(source, within), { skip: [Buffer.from(link)] }),
      ).rejects.toMatchObject({
        code: 'bad-value',
        message: expect.stringContaining('data folder of this node'),
      });
    await expect(backup(objects, join(source, 'a'))).rejects.toMatchObject({ code: 'file-not-found' });
    await expect(backup(objects, join(source, 'none'))).rejects.toMatchObject({ code: 'file-not-found' });
  });

  it('is no snapshot of a folder that may not be read, or is none when it comes to it', async () => {
    const objects = new MemoryObjects();
    let looks = 0;
    const trees: [string, Partial<FileTree>][] = [
      ['EACCES', { list: (path) => (path.toString() === source ? fail(path) : real.list(path)) }],
      ['is no folder', { stat: (path) => (looks++ === 0 ? real.stat(path) : undefined) }],
    ];
    for (const [why, tree] of trees)
      await expect(backup(objects, source, {}, { ...real, ...tree })).rejects.toThrow(why);
    expect(objects.objects.size).toBe(0);
  });

  it('is no snapshot when the mesh fails, whatever was stored', async () => {
    const snapshots = (objects: MemoryObjects) => objects.named('.datamesh/backup/snapshot/').length;
    // A pack of files, one of the tree, the index, the snapshot.
    for (let puts = 0; puts < 4; puts++) {
      const objects = new MemoryObjects();
      objects.putsLeft = puts;
      await expect(backup(objects, source)).rejects.toThrow('the mesh is gone');
      expect(snapshots(objects)).toBe(0);
      // What was stored is found again.
      objects.putsLeft = Number.POSITIVE_INFINITY;
      await backup(objects, source);
      expect(snapshots(objects)).toBe(1);
      expect(objects.objects.size).toBe(4);
    }
  });
});
