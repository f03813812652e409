import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type DirectoryOptions, openDirectory } from '../../../src/engine/backends/directory-backend.ts';
import { isFolderId } from '../../../src/engine/backends/folder-marker.ts';
import { blake3 } from '../../../src/engine/codec/hash.ts';
import { realRandom } from '../../../src/engine/effects/random.ts';
import { realDisk } from '../../../src/engine/effects/real-disk.ts';
import { type PeerId, type ShardId, shardIdOf } from '../../../src/engine/types.ts';
import { attesterOf } from '../../support/attester.ts';
import { randomShake } from '../../support/model-crash.ts';
import { ModelDisk } from '../../support/model-disk.ts';
import { OWNER_A, OWNER_B, seeded, shard } from '../shardstore/shards.ts';

const CALL = { timeoutMs: 5000 };
const NODE = '12D3KooWnode' as PeerId;
let base: string;
let path: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'datamesh-folder-'));
  path = join(base, 'shards');
});
afterEach(() => rm(base, { recursive: true, force: true }));

const open = (more: Partial<DirectoryOptions> = {}) =>
  openDirectory({
    disk: realDisk(),
    random: realRandom(),
    hash: blake3,
    path,
    node: NODE,
    create: true,
    adopt: false,
    reserveFraction: 0,
    quotaBytes: undefined,
    announce: () => {},
    attester: attesterOf('node'),
    ...more,
  });
const marker = () => join(path, 'datamesh-folder.json');

describe('whose a folder is', () => {
  test('its id is random, stays, and fits where a peer id stands', async () => {
    const first = await open();
    expect(isFolderId(first.id)).toBe(true);
    expect(first.id).toMatch(/^[1-9A-HJ-NP-Za-km-z]{1,128}$/);
    expect((await open()).id).toBe(first.id);
    await rm(path, { recursive: true });
    expect((await open()).id).not.toBe(first.id);
    expect(isFolderId('12D3KooWQWXkP7QeHCuq8Q1QkWPrMP5HhyfF4Mgr8sZz1DBFPDNv' as PeerId)).toBe(false);
  });

  test('what holds something else is refused and left as it is', async () => {
    await mkdir(path);
    await writeFile(join(path, 'photo.jpg'), 'x');
    await expect(open()).rejects.toMatchObject({ code: 'already-exists' });
    expect(await readdir(path)).toEqual(['photo.jpg']);
    await rm(path, { recursive: true });
    await writeFile(path, 'a file');
    await expect(open()).rejects.toMatchObject({ code: 'already-exists' });
  });

  test('a fresh file system is taken, a folder whose parent is missing is not made', async () => {
    await mkdir(join(path, 'lost+found'), { recursive: true });
    await expect(open()).resolves.toMatchObject({ kind: 'directory' });
    await expect(open({ path: join(base, 'not', 'there') })).rejects.toMatchObject({
      code: 'file-not-found',
    });
    await expect(open({ path: join(base, 'other'), create: false })).rejects.toMatchObject({
      code: 'file-not-found',
    });
    expect(await readdir(base)).toEqual(['shards']);
  });

  test('another node cannot use it unless it adopts it', async () => {
    const { id } = await open();
    const other = '12D3KooWother' as PeerId;
    await expect(open({ node: other })).rejects.toMatchObject({ code: 'already-exists' });
    expect((await open({ node: other, adopt: true })).id).toBe(id);
    await expect(open()).rejects.toMatchObject({ code: 'already-exists' });
  });

  test('a newer format and a damaged marker are told apart, and neither is overwritten', async () => {
    await open();
    const text = await readFile(marker(), 'utf8');
    for (const [content, code] of [
      [text.replace('"format":1', '"format":2'), 'format-too-new'],
      ['{', 'malformed-data'],
      ['null', 'malformed-data'],
      [text.replace('Dir', '12D'), 'malformed-data'],
      [text.replace('datamesh folder', 'other'), 'malformed-data'],
    ] as const) {
      await writeFile(marker(), content);
      await expect(open()).rejects.toMatchObject({ code });
      expect(await readFile(marker(), 'utf8')).toBe(content);
    }
  });
});

test('a shard that the disk does not give is not proved, and those beside it are', async () => {
  const real = realDisk();
  const [bad, good] = [shard(1, 100), shard(2, 100)];
  const readFile: typeof real.readFile = async (file, maxBytes) => {
    if (file.includes(bad.id)) throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' });
    return await real.readFile(file, maxBytes);
  };
  const backend = await open({ disk: { ...real, readFile } });
  await (await open()).put(bad.id, bad.bytes, OWNER_A, CALL);
  await backend.put(good.id, good.bytes, OWNER_A, CALL);
  const { answers } = await backend.prove([bad.id, good.id], new Uint8Array(32), CALL);
  expect(answers.map((answer) => answer !== undefined)).toEqual([false, true]);
});

describe('a disk that is away', () => {
  test('nothing is written below its mount point, and nothing is said to be missing', async () => {
    const backend = await open();
    const { id, bytes } = shard(1, 100);
    await backend.put(id, bytes, OWNER_A, CALL);
    await rename(path, join(base, 'away'));
    for (const call of [
      () => backend.put(id, bytes, OWNER_A, CALL),
      () => backend.get(id, CALL),
      () => backend.has([id], CALL),
      () => backend.delete(id, OWNER_A, CALL),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'peer-unreachable' });
    }
    await backend.refresh();
    expect(backend.freeBytes()).toBe(0);
    expect(await readdir(base)).toEqual(['away']);
    // An empty mount point looks like this.
    await mkdir(path);
    await expect(backend.put(id, bytes, OWNER_A, CALL)).rejects.toMatchObject({ code: 'peer-unreachable' });
    expect(await readdir(path)).toEqual([]);
    await rm(path, { recursive: true });
    await rename(join(base, 'away'), path);
    await backend.refresh();
    expect(backend.freeBytes()).toBeGreaterThan(0);
    expect(await backend.get(id, CALL)).toEqual(bytes);
  });

  test('while its mount hangs one look waits for it, nobody else does, and it has no room; then it is used again', async () => {
    const disk = realDisk();
    let waiting = 0;
    let goOn: (() => void) | undefined;
    let isHung = false;
    const answers = async () => {
      if (!isHung) return;
      waiting++;
      await new Promise<void>((resolve) => (goOn = resolve));
    };
    const folder = await open({
      disk: {
        ...disk,
        readFile: (...args) => answers().then(() => disk.readFile(...args)),
        stat: (...args) => answers().then(() => disk.stat(...args)),
      },
    });
    const { id, bytes } = shard(1, 100);
    await folder.put(id, bytes, OWNER_A, CALL);
    isHung = true;
    const looks = Array.from({ length: 10 }, () => folder.refresh());
    expect(waiting).toBe(1);
    expect(folder.freeBytes()).toBe(0);
    for (const call of [
      folder.has([id], CALL),
      folder.get(id, CALL),
      folder.put(id, bytes, OWNER_A, CALL),
      folder.lengthBytes(id),
      folder.list(OWNER_A, undefined, 10),
    ])
      await expect(call).rejects.toMatchObject({ code: 'peer-unreachable', message: /does not answer/ });
    expect(waiting).toBe(1);
    isHung = false;
    goOn?.();
    await Promise.all(looks);
    expect(folder.freeBytes()).toBeGreaterThan(0);
    expect(await folder.get(id, CALL)).toEqual(bytes);
  });

  test('another folder of datamesh in its place is not taken for it', async () => {
    const backend = await open();
    await rename(path, join(base, 'away'));
    await open();
    const { id, bytes } = shard(1, 100);
    await expect(backend.put(id, bytes, OWNER_A, CALL)).rejects.toMatchObject({
      why: 'another folder is in its place',
    });
  });
});

describe('room', () => {
  test('its quota is kept also by puts side by side, and counted again when it is opened', async () => {
    const backend = await open({ quotaBytes: 1000 });
    const many = Array.from({ length: 6 }, (_, i) => shard(i, 300));
    const results = await Promise.allSettled(
      many.map(({ id, bytes }) => backend.put(id, bytes, OWNER_A, CALL)),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'quota-full' });
    expect(backend.freeBytes()).toBe(100);
    const again = await open({ quotaBytes: 1000 });
    expect(again.freeBytes()).toBe(100);
    const kept = many[results.findIndex(({ status }) => status === 'fulfilled')]!;
    // What is there already needs no room; what is released gives it back.
    await again.put(kept.id, kept.bytes, OWNER_B, CALL);
    await again.delete(kept.id, OWNER_A, CALL);
    expect(again.freeBytes()).toBe(100);
    await again.delete(kept.id, OWNER_B, CALL);
    expect(again.freeBytes()).toBe(400);
  });

  test('the reserve of the file system stays free', async () => {
    const disk = new ModelDisk();
    await disk.makeDir('/mnt');
    disk.capacityBytes = 10_000;
    const backend = await open({ disk, path: '/mnt/shards', reserveFraction: 0.5 });
    const { id, bytes } = shard(1, 6000);
    await expect(backend.put(id, bytes, OWNER_A, CALL)).rejects.toMatchObject({ code: 'disk-full' });
    const small = shard(2, 3000);
    await backend.put(small.id, small.bytes, OWNER_A, CALL);
    expect(backend.freeBytes()).toBeLessThan(2000);
  });

  test('a full disk is told as such and leaves nothing behind', async () => {
    const disk = new ModelDisk();
    await disk.makeDir('/mnt');
    const backend = await open({ disk, path: '/mnt/shards' });
    const { id, bytes } = shard(1, 5000);
    disk.fault = (operation, file) => (operation === 'write' && file.includes(id) ? 'ENOSPC' : undefined);
    await expect(backend.put(id, bytes, OWNER_A, CALL)).rejects.toMatchObject({ code: 'disk-full' });
    disk.fault = undefined;
    expect(await backend.has([id], CALL)).toEqual([false]);
    expect(await disk.list(`/mnt/shards/${id.slice(0, 2)}`)).toEqual([]);
    disk.fault = (operation) => (operation === 'datasync' ? 'EIO' : undefined);
    await expect(backend.put(id, bytes, OWNER_A, CALL)).rejects.toMatchObject({ code: 'failed' });
    disk.fault = undefined;
    await backend.put(id, bytes, OWNER_A, CALL);
    expect(await backend.get(id, CALL)).toEqual(bytes);
  });
});

describe('what is on the disk', () => {
  test('a file per shard in a subfolder, its owners beside, for nobody else to read', async () => {
    const backend = await open();
    const { id, bytes } = shard(1, 100);
    await backend.put(id, bytes, OWNER_A, CALL);
    const file = join(path, id.slice(0, 2), id);
    expect(new Uint8Array(await readFile(file))).toEqual(bytes);
    expect(await readFile(`${file}.owners`, 'utf8')).toBe(`${OWNER_A}\n`);
    expect((await stat(file)).mode & 0o077).toBe(0);
    expect((await stat(path)).mode & 0o077).toBe(0);
    await backend.delete(id, OWNER_A, CALL);
    expect(await readdir(join(path, id.slice(0, 2)))).toEqual([]);
  });

  test('a shard that has rotted is given as it is, and mended by the next put, owners and all', async () => {
    const backend = await open();
    const { id, bytes } = shard(1, 100);
    await backend.put(id, bytes, OWNER_B, CALL);
    await writeFile(join(path, id.slice(0, 2), id), 'rotten');
    expect(Buffer.from((await backend.get(id, CALL))!).toString()).toBe('rotten');
    await backend.put(id, bytes, OWNER_A, CALL);
    expect(await backend.get(id, CALL)).toEqual(bytes);
    expect(await backend.delete(id, OWNER_A, CALL)).toBe(true);
    expect(await backend.get(id, CALL)).toEqual(bytes);
  });

  test('after a power cut at any moment, what was acknowledged stands and what stands is whole', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.array(fc.record({ shard: fc.nat(5), put: fc.boolean(), b: fc.boolean() }), { maxLength: 12 }),
        fc.integer({ min: 0, max: 150 }),
        async (seed, steps, effects) => {
          const disk = new ModelDisk();
          await disk.makeDir('/mnt');
          const options = { disk, path: '/mnt/s' };
          const backend = await open(options);
          disk.effectsLeft = effects;
          const sure = new Map<string, boolean>();
          for (const step of steps) {
            const { id, bytes } = shard(step.shard, 700 * (step.shard + 1));
            const owner = step.b ? OWNER_B : OWNER_A;
            const key = `${id} ${owner}`;
            const before = sure.get(key);
            sure.delete(key);
            try {
              if (step.put) await backend.put(id, bytes, owner, CALL);
              else await backend.delete(id, owner, CALL);
              sure.set(key, step.put);
            } catch {
              // The machine has stopped. A call that had nothing to change may not have come to it.
              if (before === step.put) sure.set(key, before);
              break;
            }
          }
          const after = await open({ ...options, disk: disk.crash(randomShake(seeded(seed))) });
          for (let number = 0; number <= 5; number++) {
            const { id } = shard(number, 700 * (number + 1));
            const held = await after.get(id, CALL);
            if (held !== undefined) expect(shardIdOf(blake3(held))).toBe(id);
            const claims = [OWNER_A, OWNER_B].map((owner) => sure.get(`${id} ${owner}`));
            if (claims.includes(true)) expect(held).toBeDefined();
            for (const [i, owner] of [OWNER_A, OWNER_B].entries()) {
              if (claims[i] === true) expect(await after.delete(id as ShardId, owner, CALL)).toBe(true);
            }
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
