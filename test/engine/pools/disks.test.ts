/** One machine with several disks as a pool: a real node, folders on temporary ground, one of them taken away. */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defaultConfig } from '../../../src/config/fields.ts';
import { toEngineOptions } from '../../../src/config/to-engine-options.ts';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { realRandom } from '../../../src/engine/effects/random.ts';
import { realDisk } from '../../../src/engine/effects/real-disk.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import { openKeyring } from '../../../src/engine/keys/keyring.ts';
import { openEngine } from '../../../src/engine/local.ts';
import { dataPaths } from '../../../src/engine/options.ts';
import { bytesOf, collect } from '../../support/memory-mesh.ts';

let base: string;
let dataDir: string;
let engine: Engine;
const open = () => {
  const config = defaultConfig({ name: 'alone', dataDir });
  return openEngine(
    toEngineOptions({ ...config, storage: { quotaBytes: 2 ** 30, reservePercent: 0 } }, { mode: 'embedded' }),
  );
};
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'datamesh-disks-'));
  dataDir = join(base, 'data');
  await mkdir(dataDir, { mode: 0o700 });
  const effects = { disk: realDisk(), random: realRandom(), clock: realClock() };
  await (await openKeyring(effects, dataPaths(dataDir).keyring)).create('main');
  engine = await open();
}, 30_000);
afterEach(async () => {
  await engine.close();
  await rm(base, { recursive: true, force: true });
});

const folders = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ path: join(base, `disk${i}`) }));
const put = (name: string, content: Uint8Array, pool: string, allowDegraded = false) =>
  engine.put(bytesOf(content), { name, pool, allowDegraded, sizeBytes: content.length });
const get = async (name: string) => collect((await engine.get(name)).body);

describe.each([
  { code: { k: 2, m: 1 }, count: 3 },
  { code: { k: 4, m: 2 }, count: 6 },
])('$code.k+$code.m over $count folders', ({ code, count }) => {
  test('put and get; a folder lost: the same bytes; all back after a restart', async () => {
    const pool = await engine.pools.create('disks', { code, folders: folders(count), separateDisks: true });
    expect(pool).toMatchObject({ domain: 'disk', nodes: [], code });
    expect(pool.now).toMatchObject({ holders: count, whole: true, accepted: true, arithmetic: undefined });
    expect(pool.now.survives).toEqual({ disk: code.m, node: 0, rack: 0, zone: 0 });

    const big = randomBytes(5_000_000);
    const receipt = await put('big', big, 'disks');
    const small = randomBytes(1000);
    await put('small', small, 'disks');
    expect(receipt).toMatchObject({
      degraded: false,
      domain: 'disk',
      spare: code.m,
      nodes: 1,
      object: { pool: 'disks' },
    });
    expect(receipt.survives).toMatchObject({ disk: code.m, node: 0 });
    expect(receipt.holders.map(({ name }) => name).sort()).toEqual(folders(count).map(({ path }) => path));
    expect(await get('big')).toEqual(big);

    const report = await engine.distribution({ pool: 'disks' });
    expect(report).toMatchObject({ objects: 2, stripesBroken: 0, silent: [], shardsUnknown: 0 });
    const stripes = receipt.object.stripes;
    expect(report.shards).toBe(stripes * count + 2 * (1 + code.m));
    const disks = report.rows.filter(({ level }) => level === 'disk');
    expect(disks.map(({ name }) => name).sort()).toEqual(folders(count).map(({ path }) => path));
    expect(disks.reduce((sum, row) => sum + row.shards, 0)).toBe(report.shards);
    expect(report.bytes).toBe((await engine.stats()).storedBytes);
    const listed = await engine.pools.list();
    expect(listed.map(({ name, usage }) => ({ name, ...usage }))).toEqual([
      { name: 'default', objects: 0, versions: 0, logicalBytes: 0, storedBytes: 0 },
      { name: 'disks', objects: 2, versions: 2, logicalBytes: 5_001_000, storedBytes: report.bytes },
    ]);
    expect((await engine.snapshot()).pools.map(({ usage }) => usage)).toEqual(
      listed.map(({ usage }) => usage),
    );

    await engine.close();
    await rm(join(base, 'disk1'), { recursive: true });
    engine = await open();
    expect(await get('big')).toEqual(big);
    expect(await get('small')).toEqual(small);
    const shown = await engine.pools.show('disks');
    expect(shown.folders.filter(({ freeBytes }) => freeBytes === undefined).map(({ path }) => path)).toEqual([
      join(base, 'disk1'),
    ]);
    expect(shown.now.whole).toBe(false);
    const health = await engine.health();
    expect(health).toMatchObject({ lost: 0, objects: 2 });
    expect(health.silentPeers).toHaveLength(1);
  }, 60_000);
});

test('a folder away while the node runs is read around, and put around when it may be', async () => {
  const code = { k: 4, m: 2 };
  await engine.pools.create('disks', { code, folders: folders(6), separateDisks: true });
  const content = randomBytes(3_000_000);
  await put('one', content, 'disks');
  await rename(join(base, 'disk2'), join(base, 'gone'));
  expect(await get('one')).toEqual(content);
  const receipt = await put('two', content, 'disks');
  expect(receipt).toMatchObject({ degraded: true, spare: 1 });
  expect(await readdir(base)).not.toContain('disk2');
  await rename(join(base, 'gone'), join(base, 'disk2'));
  expect((await engine.distribution({ ref: 'one' })).silent).toEqual([]);
}, 60_000);

test('a manifest of which no folder has a copy any more is in custody: not lost, and made anew by the owner’s repair', async () => {
  await engine.pools.create('disks', {
    code: { k: 2, m: 1 },
    folders: folders(3),
    separateDisks: true,
  });
  const content = randomBytes(300_000);
  const { objectId } = (await put('one', content, 'disks')).object;
  // Custodians hear of it a moment after the put.
  const kept = () => {
    const db = new DatabaseSync(dataPaths(dataDir).custody, { readOnly: true });
    const row = db
      .prepare('SELECT manifest_bytes FROM orders WHERE object_id = ?')
      .get(Buffer.from(objectId, 'hex'));
    db.close();
    return row?.manifest_bytes ?? 0;
  };
  await expect.poll(kept, { timeout: 10_000 }).toBeGreaterThan(0);
  await engine.close();
  const copies = (await readdir(base, { recursive: true })).filter((name) => name.endsWith(objectId));
  expect(copies).toHaveLength(2);
  for (const copy of copies) await rm(join(base, copy));
  engine = await open();
  for (const health of [await engine.health(), await engine.health({ depth: 'proved' })])
    expect(health).toMatchObject({ critical: 1, lost: 0, shardsLive: 3, stripes: { spare1: 1 } });
  expect(await engine.info('one')).toMatchObject({ state: 'critical', spare: 0, manifest: { spare: -1 } });
  expect(String(await collect((await engine.prove('one')).body))).toMatch(/^{"format":"datamesh-proof"/);
  expect(await get('one')).toEqual(content);
  expect(await engine.repair({})).toMatchObject({ stripesLost: 0, shardsMissing: 2 });
  expect(await engine.repair({ apply: true })).toMatchObject({ stripesLost: 0, shardsRebuilt: 2 });
  expect(await engine.health()).toMatchObject({ objects: 1, ok: 1 });
}, 60_000);

test('delete takes the shards off the disks', async () => {
  await engine.pools.create('disks', { code: { k: 2, m: 1 }, folders: folders(3), separateDisks: true });
  await put('one', randomBytes(500_000), 'disks');
  const files = async () =>
    (await readdir(join(base, 'disk0'), { recursive: true })).filter((name) => /[0-9a-f]{64}/.test(name));
  expect(await files()).not.toEqual([]);
  const { unreachable } = await engine.delete('one');
  expect(unreachable).toEqual([]);
  expect(await files()).toEqual([]);
});

test('folders of one file system are one disk unless told otherwise: refused with the arithmetic', async () => {
  const settings = { code: { k: 2, m: 1 }, folders: folders(3) };
  await expect(engine.pools.create('disks', settings)).rejects.toMatchObject({
    code: 'too-few-nodes',
    message: '2+1 over disks needs ≥ 3 disks with 1 shard at most in each: 3/1; this mesh has 1 disk',
    mend: 'put the folders on different disks, or count them so with --separate-disks (`datamesh pool`)',
  });
  expect((await engine.pools.list()).map(({ name }) => name)).toEqual(['default']);
  const degraded = await engine.pools.create('disks', { ...settings, allowDegraded: true });
  expect(degraded.now).toMatchObject({ accepted: false, at: { disk: 1, node: 1, rack: 1, zone: 1 } });
  const content = randomBytes(100_000);
  await expect(put('x', content, 'disks')).rejects.toMatchObject({ code: 'too-few-nodes' });
  const receipt = await put('x', content, 'disks', true);
  expect(receipt).toMatchObject({
    degraded: true,
    survives: { disk: 0 },
    shardsDurable: receipt.shardsWanted,
  });
  expect(await engine.distribution({})).toMatchObject({ stripesBroken: 2 });
  // The rule is the pool's as it is now.
  await engine.pools.set('disks', { separateDisks: true });
  expect(await engine.distribution({})).toMatchObject({ stripesBroken: 0 });
});

test('a pool mixes this node and folders, and finds both again', async () => {
  const pool = await engine.pools.create('mixed', {
    code: { k: 2, m: 1 },
    domain: 'disk',
    nodes: ['alone'],
    folders: folders(2),
    separateDisks: true,
  });
  const { peerId } = await engine.status();
  expect(pool.nodes).toEqual([peerId]);
  expect(pool.now.holders).toBe(3);
  const content = randomBytes(1_000_000);
  const receipt = await put('x', content, 'mixed');
  expect(receipt.holders.map((holder) => holder.peerId)).toContain(peerId);
  await engine.close();
  await rm(join(base, 'disk0'), { recursive: true });
  engine = await open();
  expect(await get('x')).toEqual(content);
});

test('what a pool cannot be is one clear error, and nothing is stored of it', async () => {
  const [a] = folders(1);
  const separate = { code: { k: 1, m: 1 }, separateDisks: true };
  await writeFile(join(base, 'file'), 'x');
  for (const [name, settings, code] of [
    ['Upper', {}, 'bad-name'],
    ['default', {}, 'already-exists'],
    ['p', { code: { k: 4, m: 0 }, domain: 'node' }, 'bad-value'],
    ['p', { code: { k: 200, m: 100 } }, 'bad-value'],
    ['p', { code: { k: 10, m: 4 }, domain: 'zone' }, 'too-few-nodes'],
    ['p', { ...separate, folders: [a!, a!] }, 'bad-value'],
    ['p', { ...separate, folders: [a!, { path: `${a!.path}/in` }] }, 'bad-value'],
    ['p', { ...separate, folders: [{ path: `${dataDir}/x` }] }, 'bad-value'],
    ['p', { ...separate, folders: [{ path: 'relative' }] }, 'bad-value'],
    ['p', { ...separate, folders: [{ path: join(base, 'file') }] }, 'already-exists'],
    ['p', { ...separate, nodes: ['nobody'] }, 'not-found'],
  ] as const) {
    await expect(engine.pools.create(name, settings as never), `${name} ${code}`).rejects.toMatchObject({
      code,
    });
  }
  expect(await engine.pools.list()).toHaveLength(1);
  await expect(engine.pools.show('p')).rejects.toMatchObject({ code: 'not-found' });
  await expect(engine.pools.set('default', { compress: true })).rejects.toMatchObject({ code: 'bad-value' });
  await expect(put('x', Buffer.from('x'), 'p')).rejects.toMatchObject({ code: 'not-found' });
});

test('a pool that promises nothing stores on one node, and says so; compression follows the pool', async () => {
  await engine.pools.create('none', { code: { k: 2, m: 1 }, domain: 'none' });
  const text = Buffer.from('the same again and again. '.repeat(60_000));
  const plain = await put('plain', text, 'none');
  expect(plain).toMatchObject({ degraded: false, domain: 'none', survives: { node: 0, zone: 0 } });
  expect(await get('plain')).toEqual(text);
  const before = (await engine.stats()).storedBytes;
  await engine.pools.set('none', { compress: true });
  await put('packed', text, 'none');
  expect((await engine.stats()).storedBytes - before).toBeLessThan(before / 4);
  expect(await get('packed')).toEqual(text);
});

test('two changes of a pool at once: both hold; two of one name: one is refused', async () => {
  const [first, second, third] = folders(3).map((folder) => [folder]);
  const relaxed = { allowDegraded: true, separateDisks: true };
  const made = ['disks', 'disks'].map((name) =>
    engine.pools.create(name, { folders: first, ...relaxed }).then(
      () => 'made',
      ({ code }: { code: string }) => code,
    ),
  );
  expect(await Promise.all(made)).toEqual(['made', 'already-exists']);
  await Promise.all([second, third].map((more) => engine.pools.set('disks', { folders: more, ...relaxed })));
  expect((await engine.pools.show('disks')).folders.map(({ path }) => path).sort()).toEqual(
    folders(3).map(({ path }) => path),
  );
});
