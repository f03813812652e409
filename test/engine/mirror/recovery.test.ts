/** Catalogs in a mesh of real engines: written in the background, brought back from the 24 words, shared by two devices of one owner. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { realClock } from '../../../src/engine/effects/clock.ts';
import { realRandom } from '../../../src/engine/effects/random.ts';
import { realDisk } from '../../../src/engine/effects/real-disk.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import { openKeyring } from '../../../src/engine/keys/keyring.ts';
import { newPhrase } from '../../../src/engine/keys/phrase.ts';
import { openEngine } from '../../../src/engine/local.ts';
import { dataPaths, type EngineOptions } from '../../../src/engine/options.ts';
import { getBytes, putBytes } from '../../support/engine-mesh.ts';
import { until } from '../../support/until.ts';
import { pattern } from '../codec/reference.ts';

const CODE = { k: 2, m: 1 };
const opened: Engine[] = [];
let folder: string | undefined;

afterEach(async () => {
  await Promise.all(opened.splice(0).map((engine) => engine.close()));
  if (folder !== undefined) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  folder = undefined;
});

async function node(
  name: string,
  bootstrap: string[],
  phrase?: string,
  change: Partial<EngineOptions> = {},
): Promise<Engine> {
  folder ??= await mkdtemp(join(tmpdir(), 'dm-recover-'));
  const dataDir = join(folder, name);
  await mkdir(dataDir, { mode: 0o700 });
  if (phrase !== undefined) {
    const effects = { disk: realDisk(), random: realRandom(), clock: realClock() };
    await (await openKeyring(effects, dataPaths(dataDir).keyring)).add('main', phrase);
  }
  const engine = await openEngine({
    name,
    dataDir,
    role: 'regular',
    mode: 'service',
    network: { name: 'recover', preset: 'local', port: 0, bootstrap, zone: undefined, rack: undefined },
    // The owner's machine holds nothing itself: when it is lost, no shard is.
    storage: { quotaBytes: phrase === undefined ? 2 ** 30 : 0, reserveFraction: 0 },
    reads: { cacheBytes: 0, cacheTtlMs: 0 },
    code: CODE,
    access: { mode: 'open', allow: [], deny: [] },
    bandwidth: { upBytesPerSecond: undefined, downBytesPerSecond: undefined },
    mirrorsCatalog: true,
    passphrase: undefined,
    ...change,
  });
  opened.push(engine);
  return engine;
}

const addressOf = async (engine: Engine) => (await engine.status()).addresses[0]!;
const eligible = async (engine: Engine) => (await engine.peers()).filter((peer) => peer.eligible).length;
const mirrored = async (engine: Engine) => {
  const { mirror } = await engine.stats();
  return mirror!.sequence > 0 && mirror!.pendingChanges === 0;
};
const listed = async (engine: Engine) => (await engine.list()).objects;

it('names, versions, tags, pools and bytes come back from the words; what was deleted does not', async () => {
  const phrase = newPhrase(realRandom());
  const first = await node('a', []);
  const bootstrap = [await addressOf(first)];
  const others = await Promise.all(['b', 'c', 'd'].map((name) => node(name, bootstrap)));
  const owner = await node('owner', bootstrap, phrase);
  await until('the owner met all', async () => (await eligible(owner)) === 4);

  await owner.pools.create('twice', { code: { k: 1, m: 2 } });
  const contents = new Map<string, Uint8Array>();
  for (let i = 0; i < 20; i++) {
    const bytes = pattern(i % 3 === 0 ? 9_000 + i : 40 + i, i);
    const source = (async function* () {
      yield bytes;
    })();
    const name = `files/ü ${i}.bin`;
    await owner.put(source, { name, tags: [`t${i % 4}`], pool: i === 7 ? 'twice' : undefined });
    contents.set(name, bytes);
  }
  await putBytes(owner, 'files/ü 3.bin', pattern(500, 99));
  contents.set('files/ü 3.bin', pattern(500, 99));
  await owner.delete('files/ü 5.bin');
  contents.delete('files/ü 5.bin');
  await owner.names.rename('files/ü 8.bin', 'moved/8.bin');
  contents.set('moved/8.bin', contents.get('files/ü 8.bin')!);
  contents.delete('files/ü 8.bin');
  await owner.names.tag('files/ü 9.bin', { add: ['later'], remove: ['t1'] });
  await owner.names.duplicate('files/ü 9.bin', 'copy of 9');
  contents.set('copy of 9', contents.get('files/ü 9.bin')!);
  await owner.names.hide('files/ü 10.bin');
  const hidden = contents.get('files/ü 10.bin')!;
  contents.delete('files/ü 10.bin');
  await owner.pools.set('default', { keep: { versions: 7 } });
  await until('the catalog is mirrored', () => mirrored(owner));
  const before = await listed(owner);
  expect(before).toHaveLength(19);

  await opened.splice(opened.indexOf(owner), 1)[0]!.close();
  const dead = others[0]!;
  await opened.splice(opened.indexOf(dead), 1)[0]!.close();

  const blank = await node('blank', bootstrap, phrase);
  const report = await blank.recover();
  expect(report).toMatchObject({ objects: 19, versions: 21, added: 21, pools: 2, missingSegments: [] });
  expect(report.head!.agreed).toBeGreaterThanOrEqual(2);
  expect(await listed(blank)).toEqual(before);
  for (const [name, bytes] of contents) expect(Buffer.compare(await getBytes(blank, name), bytes)).toBe(0);
  expect((await blank.list({ deleted: true })).objects.map(({ name }) => name)).toEqual(['files/ü 10.bin']);
  await blank.names.undelete('files/ü 10.bin');
  expect(Buffer.compare(await getBytes(blank, 'files/ü 10.bin'), hidden)).toBe(0);
  expect((await blank.names.versions('files/ü 3.bin')).versions).toHaveLength(2);
  expect((await blank.pools.show('default')).keep).toEqual({ versions: 7 });
  expect((await blank.pools.show('twice')).code).toEqual({ k: 1, m: 2 });
}, 60_000);

it('a scan finds objects whose catalog nobody has, with the names and tags of their put', async () => {
  const phrase = newPhrase(realRandom());
  const first = await node('a', []);
  const bootstrap = [await addressOf(first)];
  await Promise.all(['b', 'c'].map((name) => node(name, bootstrap)));
  const owner = await node('owner', bootstrap, phrase, { mirrorsCatalog: false });
  await until('the owner met all', async () => (await eligible(owner)) === 3);
  for (let i = 0; i < 6; i++) await putBytes(owner, `n${i % 5}`, pattern(50 + 9_000 * (i % 2), i));
  const before = await listed(owner);
  // Orders reach the custodians within a second or two.
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  await opened.splice(opened.indexOf(owner), 1)[0]!.close();

  const blank = await node('blank', bootstrap, phrase);
  await expect(blank.recover()).rejects.toMatchObject({ code: 'not-found' });
  const report = await blank.recover({ scan: true });
  expect(report).toMatchObject({ head: undefined, objects: 5, versions: 6, scan: { added: 6, missing: [] } });
  const key = ({ name, objectId, version, sizeBytes, contentHash, tags }: (typeof before)[number]) => ({
    ...{ name, objectId, version, sizeBytes, contentHash, tags },
  });
  expect((await listed(blank)).map(key)).toEqual(before.map(key));
  expect(Buffer.compare(await getBytes(blank, 'n0'), pattern(9_050, 5))).toBe(0);
  // And from here on it is in the mesh.
  await until('the scanned catalog is mirrored', () => mirrored(blank));
}, 60_000);

it('two devices of one owner see what the other stored, and a name stored by both at once has both versions', async () => {
  const phrase = newPhrase(realRandom());
  const first = await node('a', []);
  const bootstrap = [await addressOf(first)];
  await Promise.all(['b', 'c'].map((name) => node(name, bootstrap)));
  const desk = await node('desk', bootstrap, phrase);
  const lap = await node('lap', bootstrap, phrase);
  for (const device of [desk, lap]) await until('met', async () => (await eligible(device)) >= 3);
  await Promise.all([
    putBytes(desk, 'both', pattern(100, 1)),
    putBytes(lap, 'both', pattern(100, 2)),
    putBytes(desk, 'of desk', pattern(100, 3)),
    putBytes(lap, 'of lap', pattern(100, 4)),
  ]);
  // Each writes its own within seconds; who asks gets the other's at once, else within half a minute.
  const same = async () => {
    for (const device of [desk, lap]) await device.recover().catch(() => undefined);
    const lists = [await listed(desk), await listed(lap)].map((all) => all.map(({ objectId }) => objectId));
    return lists[0]!.length === 3 && lists[0]!.join() === lists[1]!.join();
  };
  await until('both have the same', same, 40_000);
  for (const device of [desk, lap]) {
    const versions = await Promise.all(
      [1, 2].map(async (version) => (await device.info('both', { version })).objectId),
    );
    expect(new Set(versions).size).toBe(2);
    expect((await device.stats()).versions).toBe(4);
    expect(Buffer.compare(await getBytes(device, 'of lap'), pattern(100, 4))).toBe(0);
  }
}, 90_000);
