/** A restore into a folder where there is something already, or somebody else at work. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NAMES } from '../../../src/engine/backup/object-door.ts';
import { openWorkFolder, type TakeLock, type WorkFolder } from '../../../src/engine/backup/work-folder.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { acquireLock } from '../../../src/engine/effects/lock.ts';
import { realDisk } from '../../../src/engine/effects/real-disk.ts';
import { realTree } from '../../../src/engine/effects/real-tree.ts';
import type { FileTree, TreeStat } from '../../../src/engine/effects/tree.ts';
import { backup, holders, MemoryObjects, restore, tempFolder } from './support.ts';

const WORK = '.datamesh-restore';

/** Others run beside it. */
describe('a restore', { timeout: 30_000 }, () => {
  const folder = tempFolder();
  const fresh = (name: string, files: Record<string, string> = {}) => {
    const at = join(folder, name);
    fs.mkdirSync(at);
    for (const [path, content] of Object.entries(files)) {
      fs.mkdirSync(join(at, path, '..'), { recursive: true });
      fs.writeFileSync(join(at, path), content);
    }
    return at;
  };

  it('takes nothing of the user’s for its own, be it called as its folder is', async () => {
    const objects = new MemoryObjects();
    const { snapshotId } = await backup(objects, fresh('plain', { x: 'new' }));
    for (const path of [WORK, `${WORK}/1`, `${WORK}/mine`]) {
      const to = fresh(`own-${path.replace('/', '-')}`, { [path]: 'mine' });
      expect(await restore(objects, snapshotId, to, { overwrite: true })).toMatchObject({ failed: [] });
      expect(fs.readFileSync(join(to, path), 'utf8')).toBe('mine');
      expect(fs.readdirSync(to).sort()).toEqual([WORK, 'x']);
    }
  });

  it('brings back a folder that is called as its own is', async () => {
    const objects = new MemoryObjects();
    const from = fresh('named', { [`${WORK}/1`]: 'one', [`${WORK}/mine`]: 'mine', x: 'x' });
    const { snapshotId } = await backup(objects, from);
    for (const overwrite of [false, true]) {
      const to = fresh(`named-to-${overwrite}`);
      expect(await restore(objects, snapshotId, to, { overwrite })).toMatchObject({ failed: [], files: 3 });
      expect(fs.readdirSync(to).sort()).toEqual([WORK, 'x']);
      expect(fs.readFileSync(join(to, WORK, 'mine'), 'utf8')).toBe('mine');
    }
  });

  it('is the only one in its folder, by whatever path it came there', async () => {
    const objects = new MemoryObjects();
    const { snapshotId } = await backup(objects, fresh('one', { x: 'x' }));
    const to = fresh('once');
    fs.symlinkSync(to, join(folder, 'link'));
    const read = objects.read.bind(objects);
    let second: Promise<unknown> | undefined;
    objects.read = async (name, offset, lengthBytes) => {
      // The first one waits for its bytes.
      if (name.startsWith(NAMES.data) && second === undefined)
        await (second = restore(objects, snapshotId, join(folder, 'link'), { overwrite: true })).catch(
          () => {},
        );
      return await read(name, offset, lengthBytes);
    };
    expect(await restore(objects, snapshotId, to)).toMatchObject({ failed: [], files: 1 });
    await expect(second).rejects.toMatchObject({
      code: 'lock-held',
      message: `a restore into ${join(folder, 'link')} runs already, in process ${process.pid} on ${hostname()}`,
    });
    expect(fs.readdirSync(to)).toEqual(['x']);
    // And whoever comes later finds nobody.
    expect(await restore(objects, snapshotId, to, { overwrite: true })).toMatchObject({ kept: 1 });
  });

  it('is the only one, also where two begin in the same moment', async () => {
    const to = Buffer.from(fresh('moment'));
    const lock = (path: string) => acquireLock(realDisk(), path, realClock());
    const open = (takeLock: TakeLock) => openWorkFolder(realTree(), to, new Set(), takeLock, holders);
    let other: WorkFolder | undefined;
    // Another process has made it, and nothing in it yet.
    fs.mkdirSync(join(`${to}`, WORK), { mode: 0o700 });
    const late = open(async (path) => {
      expect(path).toBe(join(`${to}`, WORK, 'lock'));
      other = await open(lock);
      return await lock(path);
    });
    await expect(late).rejects.toMatchObject({ code: 'lock-held' });
    await other!.end();
    expect(fs.readdirSync(to)).toEqual([]);
    // The one before goes between the look and the lock.
    const next = open(async (path) => {
      if (other !== undefined) fs.rmdirSync(path.slice(0, path.lastIndexOf('/')));
      other = undefined;
      return await lock(path);
    });
    await (await next).end();
    expect(fs.readdirSync(to)).toEqual([]);
  });

  it('keeps its lock while a backup of the same process goes over its folder', async () => {
    const objects = new MemoryObjects();
    const { snapshotId } = await backup(objects, fresh('locked', { x: 'x' }));
    const to = fresh('locked-to');
    const read = objects.read.bind(objects);
    const others: string[] = [];
    let skipped: { path: string; why: string }[] | undefined;
    objects.read = async (name, offset, lengthBytes) => {
      if (name.startsWith(NAMES.data) && skipped === undefined) {
        skipped = [];
        ({ skipped } = await backup(new MemoryObjects(), to));
        others.push(lockElsewhere(join(to, WORK, 'lock')));
      }
      return await read(name, offset, lengthBytes);
    };
    expect(await restore(objects, snapshotId, to)).toMatchObject({ failed: [], files: 1 });
    expect(others).toEqual(['lock-held']);
    expect(skipped).toEqual([{ path: WORK, why: expect.stringContaining('a restore') }]);
  });

  it('is not disturbed by another where the file system has no locks, and takes no word for one', async () => {
    const to = Buffer.from(fresh('lockless'));
    const noLocks = [
      () => Promise.reject(new Error('ENOLCK')),
      async (path: string) => {
        fs.writeFileSync(`${path}.guard`, '');
        throw new Error('ENOLCK');
      },
    ];
    const works: WorkFolder[] = [];
    for (const takeLock of [...noLocks, ...noLocks])
      works.push(await openWorkFolder(realTree(), to, new Set(), takeLock, holders));
    const places = works.map((work) => `${work.next()}`);
    expect(new Set(places).size).toBe(4);
    for (const place of places) fs.writeFileSync(place, 'half');
    await works[3]!.end();
    expect(places.map((place) => fs.existsSync(place))).toEqual([true, true, true, false]);
    for (const work of works.slice(0, 3)) await work.end();
    expect(fs.readdirSync(to)).toEqual([]);
  });

  it('clears what killed ones of this machine left where the file system has no locks, and nobody else’s', async () => {
    const holder = (pid: number, host = hostname()) => JSON.stringify({ pid, host, startedAtMs: 1 });
    const nobody = 2 ** 30;
    const to = fresh('lockless-left', {
      [`${WORK}/lock.guard`]: '',
      [`${WORK}/lock`]: holder(nobody),
      [`${WORK}/0`]: 'half',
      [`${WORK}-2/lock.guard`]: '',
      [`${WORK}-2/lock`]: holder(nobody, 'elsewhere'),
      [`${WORK}-3/lock.guard`]: '',
      [`${WORK}-3/lock`]: holder(process.pid),
      [`${WORK}-4/lock`]: holder(nobody),
    });
    const noLocks = () => Promise.reject(new Error('ENOLCK'));
    const work = await openWorkFolder(realTree(), Buffer.from(to), new Set(), noLocks, holders);
    const left = [`${WORK}-2`, `${WORK}-3`, `${WORK}-4`];
    expect(fs.readdirSync(to).sort()).toEqual([...left, `${WORK}-5`]);
    await work.end();
    expect(fs.readdirSync(to).sort()).toEqual(left);
  });

  it('writes nothing into the data folder of its node, which a snapshot of another node may have', async () => {
    const objects = new MemoryObjects();
    const { snapshotId } = await backup(objects, fresh('home', { 'data/LOCK': 'theirs', x: 'x' }));
    const to = fresh('home-to', { 'data/LOCK': 'mine' });
    const own = { overwrite: true, skip: [Buffer.from(join(to, 'data'))] };
    expect(await restore(objects, snapshotId, to, own)).toMatchObject({
      files: 1,
      failed: [{ path: 'data', why: 'it is the data folder of this node' }, { path: 'data/LOCK' }],
    });
    for (const within of ['data', 'data/new'])
      await expect(restore(objects, snapshotId, join(to, within), own)).rejects.toMatchObject({
        code: 'bad-value',
      });
    expect(fs.readFileSync(join(to, 'data/LOCK'), 'utf8')).toBe('mine');
    expect(fs.readdirSync(join(to, 'data'))).toEqual(['LOCK']);
  });

  it('writes into file systems that are mounted within its folder, be one of them its own', async () => {
    const objects = new MemoryObjects();
    const files = { 'mnt/deep/x': 'x', [`mnt/${WORK}/1`]: 'one', 'ro/kept': 'kept', y: 'y' };
    const from = fresh('mounts', { ...files, 'bind/deep/z': 'z', 'bind/new/z': 'z' });
    fs.linkSync(join(from, 'mnt/deep/x'), join(from, 'mnt/further'));
    fs.symlinkSync('x', join(from, 'mnt/link'));
    const { snapshotId } = await backup(objects, from);
    const to = fresh('mounts-to', { 'mnt/deep/x': 'old', 'ro/kept': 'old', 'bind/deep/z': 'old' });
    const real = realTree();
    const nameOf = (path: Buffer) => /\/mounts-to\/(mnt|ro|bind)(?=\/|$)/.exec(`${path}`)?.[1] ?? '';
    const other = (code: string) => Object.assign(new Error(code), { code });
    const moved = (found: TreeStat, path: Buffer) => ({
      ...found,
      device: found.device + { '': 0n, bind: 0n, mnt: 1n, ro: 2n }[nameOf(path)]!,
    });
    const paths = new Map<number, Buffer>();
    const tree: FileTree = {
      ...real,
      stat(path) {
        const found = real.stat(path);
        return found && moved(found, path);
      },
      create(path) {
        const file = real.create(path);
        paths.set(file, path);
        return file;
      },
      statOpen: (file) => moved(real.statOpen(file), paths.get(file) ?? Buffer.from('')),
      makeDir(path, mode) {
        if (nameOf(path) === 'ro') throw other('EROFS');
        real.makeDir(path, mode);
      },
      rename(a, b) {
        if (nameOf(a) !== nameOf(b)) throw other('EXDEV');
        real.rename(a, b);
      },
      hardLink(a, b) {
        if (nameOf(a) !== nameOf(b)) throw other('EXDEV');
        real.hardLink(a, b);
      },
    };
    expect(await restore(objects, snapshotId, to, { overwrite: true }, tree)).toMatchObject({
      failed: [{ path: 'ro/kept', why: 'EROFS' }],
    });
    const bound = ['bind', 'bind/deep', 'bind/deep/z', 'bind/new', 'bind/new/z'];
    const all = [
      ...bound,
      'mnt',
      `mnt/${WORK}`,
      `mnt/${WORK}/1`,
      'mnt/deep',
      'mnt/deep/x',
      'mnt/further',
      'mnt/link',
    ];
    expect((fs.readdirSync(to, { recursive: true }) as string[]).sort()).toEqual(
      [...all, 'ro', 'ro/kept', 'y'].sort(),
    );
    for (const name of ['bind/deep/z', 'bind/new/z'])
      expect(fs.readFileSync(join(to, name), 'utf8')).toBe('z');
    expect(fs.readFileSync(join(to, 'mnt/further'), 'utf8')).toBe('x');
    expect(fs.statSync(join(to, 'mnt/further')).ino).toBe(fs.statSync(join(to, 'mnt/deep/x')).ino);
  });

  it('gives the folder its attributes, and not the link that it was named by', async () => {
    const objects = new MemoryObjects();
    const from = fresh('dated');
    fs.utimesSync(from, 1_000, 1_000);
    const { snapshotId } = await backup(objects, from);
    const to = fresh('dated-to');
    fs.symlinkSync(to, join(folder, 'dated-link'));
    expect(await restore(objects, snapshotId, join(folder, 'dated-link'))).toMatchObject({ unset: 0 });
    expect(fs.statSync(to).mtimeMs).toBe(1_000_000);
    expect(fs.lstatSync(join(folder, 'dated-link')).mtimeMs).not.toBe(1_000_000);
  });

  it('clears what a killed one left', async () => {
    const objects = new MemoryObjects();
    const { snapshotId } = await backup(objects, fresh('killed', { x: 'x' }));
    const to = fresh('killed-to', {
      [`${WORK}/lock.guard`]: '',
      [`${WORK}/lock`]: '{}',
      [`${WORK}/0`]: 'half',
    });
    await restore(objects, snapshotId, to, { overwrite: true });
    expect(fs.readdirSync(to)).toEqual(['x']);
  });

  it('parts names of one file that are two in the snapshot, and alters no other name of it', async () => {
    const objects = new MemoryObjects();
    const from = fresh('apart', { a: 'same', b: 'same', c: 'other', 'd/e': 'same' });
    for (const name of ['a', 'b', 'c', 'd/e']) fs.utimesSync(join(from, name), 1_000, 1_000);
    const { snapshotId } = await backup(objects, from);
    const to = fresh('apart-to', { a: 'same' });
    fs.mkdirSync(join(to, 'd'));
    fs.utimesSync(join(to, 'a'), 1_000, 1_000);
    for (const other of ['b', 'c', 'd/e', '../outside']) fs.linkSync(join(to, 'a'), join(to, other));
    fs.chmodSync(join(to, 'a'), 0o600);
    expect(await restore(objects, snapshotId, to, { overwrite: true })).toMatchObject({ failed: [] });
    for (const name of ['a', 'b', 'd/e']) expect(fs.readFileSync(join(to, name), 'utf8')).toBe('same');
    expect(fs.readFileSync(join(to, 'c'), 'utf8')).toBe('other');
    const inodes = ['a', 'b', 'c', 'd/e'].map((name) => fs.statSync(join(to, name)).ino);
    expect(new Set(inodes).size).toBe(4);
    expect(fs.readFileSync(join(folder, 'outside'), 'utf8')).toBe('same');
    expect(fs.statSync(join(folder, 'outside')).mode & 0o777).toBe(0o600);
  });
});

/** What another process gets that wants the lock. */
function lockElsewhere(path: string): string {
  const from = (name: string) =>
    JSON.stringify(new URL(`../../../src/engine/effects/${name}`, import.meta.url));
  const code = `
    const { acquireLock } = await import(${from('lock.ts')});
    const { realDisk } = await import(${from('real-disk.ts')});
    const { realClock } = await import(${from('clock.ts')});
    const [path] = process.argv.slice(-1);
    await acquireLock(realDisk(), path, realClock()).then(() => console.log('free'), (e) => console.log(e.code));`;
  const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', code, path];
  return execFileSync(process.execPath, flags, { encoding: 'utf8' }).trim();
}
