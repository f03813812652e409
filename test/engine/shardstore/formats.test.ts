/** Stores written by this datamesh and those before it, kept under test/golden/store; and by ones to come. */
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { STORE_FORMAT } from '../../../src/engine/shardstore/segment.ts';
import { GOLDEN, GOLDEN_OWNERS, GOLDEN_TIME_MS, goldenShard, writeGolden } from './golden-support.ts';
import { OWNER_A, shard } from './shards.ts';
import { openStore, tempDir } from './support.ts';

async function goldenCopy(name: string): Promise<string> {
  const dir = `${await tempDir()}/shards`;
  await cp(`${GOLDEN}${name}`, dir, { recursive: true });
  return dir;
}

async function contentsOf(dir: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    const path = `${entry.parentPath}/${entry.name}`;
    if (entry.isFile()) files[path.slice(dir.length)] = (await readFile(path)).toString('hex');
  }
  return files;
}

const FORMATS = Array.from({ length: STORE_FORMAT }, (_, at) => at + 1);

describe.each(FORMATS)('a store of format %i', (format) => {
  it.each([false, true])('is read whole, with its index and without (rebuilt: %s)', async (rebuildIndex) => {
    const dir = await goldenCopy(`format-${format}`);
    for (const again of [false, true]) {
      const store = await openStore(dir, again ? {} : { rebuildIndex });
      for (const number of [0, 1, 2, 3, 4, 5, 6, 7]) {
        const { id, bytes } = goldenShard(number);
        const owners = GOLDEN_OWNERS.get(number);
        expect(store.stat(id)?.owners).toEqual(owners);
        expect(await store.get(id)).toEqual(owners === undefined ? undefined : bytes);
        if (owners !== undefined) expect(store.stat(id)?.writtenAtMs).toBe(GOLDEN_TIME_MS);
      }
      expect(store.stat(goldenShard(5).id)?.pool).toBe(format === 1 ? '' : 'home');
      expect(store.usage().shards).toBe(GOLDEN_OWNERS.size + (again ? 1 : 0));
      // An index of an older format is built anew, today's is taken as it is.
      const rebuilt = !again && (rebuildIndex || format < STORE_FORMAT);
      expect(store.recovery).toMatchObject({ rebuilt, damaged: 0, tornBytes: 0 });
      // It goes on in today's format, and both are read together.
      if (!again) await store.put({ ...shard(1, 300), owner: OWNER_A, pool: 'new' });
      else expect(store.stat(shard(1, 300).id)?.pool).toBe('new');
      await store.close();
    }
    expect(JSON.parse(await readFile(`${dir}/FORMAT`, 'utf8')).format).toBe(STORE_FORMAT);
  });
});

describe('today’s format', () => {
  it('is written byte for byte as the golden store has it', async () => {
    const dir = `${await tempDir()}/shards`;
    const store = await writeGolden(dir);
    const written = await contentsOf(dir);
    await store.close();
    const golden = await contentsOf(`${GOLDEN}format-${STORE_FORMAT}`);
    const log = (files: Record<string, string>) =>
      Object.fromEntries(Object.entries(files).filter(([path]) => !path.startsWith('/index')));
    expect(log(written)).toEqual(log(golden));
  });
});

describe('a format of the future', () => {
  it('is refused with both numbers and what to do, and nothing is touched', async () => {
    const dir = await goldenCopy('format-from-the-future');
    const before = await contentsOf(dir);
    const refusal = {
      code: 'format-too-new',
      exit: 4,
      message: expect.stringMatching(new RegExp(`format 99; .*up to ${STORE_FORMAT}$`)),
      mend: expect.stringContaining('newer datamesh'),
    };
    await expect(openStore(dir)).rejects.toMatchObject(refusal);
    await expect(openStore(dir, { rebuildIndex: true })).rejects.toMatchObject(refusal);
    expect(await contentsOf(dir)).toEqual(before);
  });

  it('is known by its segments, too, when FORMAT is lost', async () => {
    const dir = await goldenCopy('format-from-the-future');
    const { rm } = await import('node:fs/promises');
    await rm(`${dir}/FORMAT`);
    const before = await contentsOf(dir);
    await expect(openStore(dir)).rejects.toMatchObject({ code: 'format-too-new' });
    expect(await contentsOf(dir)).toEqual(before);
  });
});

describe('an index that LMDB cannot open', () => {
  it('is built anew from the segments', async () => {
    const dir = await goldenCopy(`format-${STORE_FORMAT}`);
    await writeFile(`${dir}/index/data.mdb`, Buffer.alloc(40_960, 0x5a));
    const store = await openStore(dir);
    expect(store.recovery.rebuilt).toBe(true);
    expect(store.usage().shards).toBe(GOLDEN_OWNERS.size);
    await store.close();
  });
});
