/**
 * A whole data folder as each release left it, opened and used by the present code: test/golden/release/folder-VERSION.gz, with what must be found in it beside it. GOLDEN_WRITE=1 writes those of
 * the present version; those of releases are never written again.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/engine/engine.ts';
import { type OpenOptions, openEngine } from '../../../src/engine/library.ts';
import { VERSION } from '../../../src/version.ts';
import { packFolder, unpackFolder } from '../../support/folder-archive.ts';
import { pattern } from '../codec/reference.ts';

const GOLDEN = fileURLToPath(new URL('../../golden/release/', import.meta.url));
/** Of one run alone, or made anew; ballast is 8 MiB of zeros. */
const LEAVE_OUT = /^LOCK|\.sock$|BALLAST$|-shm$|^peers\.json$|\.bak$/;

interface Found {
  version: string;
  objects: { name: string; versions: { version: number; state: string; sha256: string }[]; tags: string[] }[];
  pools: string[];
  deleted: string[];
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dm-golden-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

const options = (): OpenOptions => ({
  dataDir: join(folder, 'data'),
  name: 'golden',
  code: { k: 1, m: 0 },
  storage: { quotaBytes: 2 ** 28, reserveFraction: 0 },
});

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** Something of everything: inline, of one stripe, of several, compressed, versions, tags, a pool, a deleted name, a renamed one. */
async function fill(engine: Engine): Promise<void> {
  const put = (name: string, bytes: Uint8Array, more = {}) =>
    engine.put(once(bytes), { name, sizeBytes: bytes.length, ...more });
  await put('inline', Buffer.from('hello, mesh'), { tags: ['greeting'], mimeType: 'text/plain' });
  await put('stripe', pattern(40_000, 1));
  await put('stripe', pattern(50_000, 2));
  await put('text', Buffer.from('datamesh keeps your files. '.repeat(20_000)), { compress: true });
  await engine.pools.create('kept', { code: { k: 1, m: 0 }, domain: 'none', keep: { versions: 3 } });
  await put('größe/ü.bin', pattern(9_000, 3), { pool: 'kept' });
  await put('gone', pattern(5_000, 4));
  await engine.names.hide('gone');
  await put('before', pattern(6_000, 5));
  await engine.names.rename('before', 'after');
}

async function found(engine: Engine): Promise<Found> {
  const { objects } = await engine.list();
  const read = async (name: string, version: number) => {
    const hash = createHash('sha256');
    for await (const piece of (await engine.get(name, { version })).body) hash.update(piece);
    return hash.digest('hex');
  };
  return {
    version: VERSION,
    objects: await Promise.all(
      objects.map(async ({ name, tags }) => ({
        name,
        tags,
        versions: await Promise.all(
          (await engine.names.versions(name)).versions.map(async ({ version, state }) => ({
            ...{ version, state, sha256: await read(name, version) },
          })),
        ),
      })),
    ),
    pools: (await engine.pools.list()).map(({ name }) => name),
    deleted: (await engine.list({ deleted: true })).objects.map(({ name }) => name),
  };
}

const paths = (version: string) => ({
  folder: `${GOLDEN}folder-${version}.gz`,
  found: `${GOLDEN}folder-${version}.json`,
});

describe('a data folder', () => {
  it.runIf(process.env.GOLDEN_WRITE === '1')('of this version is written', async () => {
    const engine = await openEngine({ ...options(), onNewOwner: () => undefined });
    await fill(engine);
    const all = await found(engine);
    await engine.close();
    writeFileSync(paths(VERSION).folder, packFolder(options().dataDir, LEAVE_OUT));
    writeFileSync(paths(VERSION).found, `${JSON.stringify(all, null, 1)}\n`);
  });

  it('of this version is among those that are kept', () => {
    expect(existsSync(paths(VERSION).folder)).toBe(true);
  });

  const kept = readdirSync(GOLDEN).flatMap((name) => /^folder-(.+)\.gz$/.exec(name)?.[1] ?? []);
  it.each(kept)('of release %s opens, reads byte for byte, and takes more', async (version) => {
    unpackFolder(readFileSync(paths(version).folder), options().dataDir);
    const wanted = JSON.parse(readFileSync(paths(version).found, 'utf8')) as Found;
    const engine = await openEngine(options());
    try {
      expect(await found(engine)).toEqual({ ...wanted, version: VERSION });
      const health = await engine.health({ depth: 'proved' });
      expect(health.ok).toBe(health.objects);
      await engine.names.undelete('gone');
      await engine.put(once(pattern(70_000, 9)), { name: 'stripe', sizeBytes: 70_000 });
      expect((await engine.names.versions('stripe')).versions).toHaveLength(3);
    } finally {
      await engine.close();
    }
  });
});
