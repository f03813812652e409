/** One contract for every Disk, and what only the model disk can show: what a crash leaves. */
import { describe, expect, it } from 'vitest';
import { writeFileAtomic } from '../../../src/engine/effects/atomic-write.ts';
import type { Disk } from '../../../src/engine/effects/disk.ts';
import { realDisk } from '../../../src/engine/effects/real-disk.ts';
import { ModelDisk } from '../../support/model-disk.ts';
import { tempDir } from '../shardstore/support.ts';

const BYTES = Uint8Array.from({ length: 5000 }, (_, at) => at % 251);

describe.each<[string, () => Disk, () => Promise<string>]>([
  ['the real disk', realDisk, tempDir],
  ['the model disk', () => new ModelDisk(), async () => '/tmp'],
])('%s', (_name, makeDisk, makeDir) => {
  async function setUp() {
    const disk = makeDisk();
    const dir = `${await makeDir()}/deep/folder`;
    await disk.makeDir(dir, 0o700);
    await disk.makeDir(dir, 0o700);
    return { disk, dir };
  }

  it('writes many buffers in one go, reads parts, and says how much there was', async () => {
    const { disk, dir } = await setUp();
    const file = await disk.open(`${dir}/a`, 'create', 0o600);
    // More buffers than one writev takes, some of them empty.
    const pieces = Array.from({ length: 2500 }, (_, at) =>
      BYTES.subarray(2 * at, 2 * at + (at % 7 === 0 ? 0 : 2)),
    );
    await file.write(pieces, 3);
    const expected = Buffer.concat([new Uint8Array(3), ...pieces]);
    expect(await file.sizeBytes()).toBe(expected.length);
    const buffer = new Uint8Array(expected.length + 10);
    expect(await file.read(buffer, 0)).toBe(expected.length);
    expect(Buffer.compare(buffer.subarray(0, expected.length), expected)).toBe(0);
    expect(await file.read(buffer, expected.length)).toBe(0);
    await file.datasync();
    await file.truncate(10);
    expect(await disk.stat(`${dir}/a`)).toMatchObject({ kind: 'file', sizeBytes: 10, mode: 0o600 });
    await file.close();
  });

  it('opens as asked: read needs the file, create needs none, update takes either', async () => {
    const { disk, dir } = await setUp();
    await expect(disk.open(`${dir}/b`, 'read')).rejects.toMatchObject({ code: 'ENOENT' });
    await (await disk.open(`${dir}/b`, 'update')).close();
    await expect(disk.open(`${dir}/b`, 'create')).rejects.toMatchObject({ code: 'EEXIST' });
    await (await disk.open(`${dir}/b`, 'read')).close();
    await expect(disk.open(`${dir}/none/b`, 'update')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('replaces a file whole, leaves nothing beside it, and reads it back within its bound', async () => {
    const { disk, dir } = await setUp();
    expect(await disk.readFile(`${dir}/c`, 100)).toBeUndefined();
    await disk.writeFileAtomic(`${dir}/c`, BYTES, 0o600);
    await disk.writeFileAtomic(`${dir}/c`, BYTES.subarray(0, 100), 0o600);
    expect(await disk.readFile(`${dir}/c`, 100)).toEqual(BYTES.subarray(0, 100));
    await expect(disk.readFile(`${dir}/c`, 99)).rejects.toThrow(RangeError);
    expect(await disk.list(dir)).toEqual(['c']);
  });

  it('renames, removes, lists and tells kinds apart', async () => {
    const { disk, dir } = await setUp();
    await disk.writeFileAtomic(`${dir}/d`, BYTES, 0o600);
    await disk.rename(`${dir}/d`, `${dir}/e`);
    expect(await disk.stat(`${dir}/d`)).toBeUndefined();
    expect(await disk.list(dir)).toEqual(['e']);
    expect(await disk.stat(dir)).toMatchObject({ kind: 'directory' });
    await disk.remove(`${dir}/e`);
    await expect(disk.remove(`${dir}/e`)).rejects.toMatchObject({ code: 'ENOENT' });
    await disk.syncDir(dir);
    const space = await disk.space(dir);
    expect(space.totalBytes).toBeGreaterThan(0);
    expect(space.freeBytes).toBeGreaterThan(0);
  });
});

describe('a file that is replaced', () => {
  it('is so beside what a process of the same number left, or is writing just now', async () => {
    const disk = realDisk();
    const path = `${await tempDir()}/f`;
    let theirs: string | undefined;
    const open: Disk['open'] = async (beside, mode, permissions) => {
      if (theirs === undefined) await (await disk.open(beside, 'create')).close();
      theirs ??= beside;
      return await disk.open(beside, mode, permissions);
    };
    await writeFileAtomic({ ...disk, open }, path, BYTES, 0o600);
    expect(await disk.readFile(path, 1e6)).toEqual(BYTES);
    expect(await disk.stat(theirs!)).toMatchObject({ sizeBytes: 0 });
  });
});

describe('a crash of the model disk', () => {
  const lost = { fraction: () => 0, mode: 'lost', sectorBytes: 512, keep: 0 } as const;

  it('loses bytes without datasync and names without syncDir, each for itself', async () => {
    const disk = new ModelDisk();
    await disk.makeDir('/d');
    const named = await disk.open('/d/named', 'create');
    await disk.syncDir('/d');
    await named.write([BYTES], 0);
    const unnamed = await disk.open('/d/unnamed', 'create');
    await unnamed.write([BYTES], 0);
    await unnamed.datasync();
    const after = disk.crash(lost);
    expect(await after.list('/d')).toEqual(['named']);
    expect(await after.readFile('/d/named', 10_000)).toEqual(new Uint8Array(0));
  });

  it('tears a write at sectors only', async () => {
    const disk = new ModelDisk();
    await disk.makeDir('/d');
    const file = await disk.open('/d/f', 'create');
    await disk.syncDir('/d');
    await file.write([new Uint8Array(2048).fill(1)], 0);
    await file.datasync();
    await file.write([new Uint8Array(1600).fill(2)], 100);
    let calls = 0;
    const after = disk.crash({
      fraction: () => (calls++ % 2 === 0 ? 0 : 0.99),
      mode: 'mixed',
      sectorBytes: 512,
      keep: 0.5,
    });
    const bytes = (await after.readFile('/d/f', 4096))!;
    const sectors = [0, 512, 1024, 1536].map((at) => bytes[at === 0 ? 200 : at + 50]);
    expect(new Set(sectors)).toEqual(new Set([1, 2]));
    expect(bytes.subarray(0, 100).every((byte) => byte === 1)).toBe(true);
  });

  it('never leaves a half-replaced file, at any effect', async () => {
    const whole = new ModelDisk();
    await whole.makeDir('/d');
    await whole.writeFileAtomic('/d/f', BYTES.subarray(0, 10), 0o600);
    for (let effects = 0; ; effects++) {
      const disk = whole.kill();
      disk.effectsLeft = effects;
      const done = await disk.writeFileAtomic('/d/f', BYTES, 0o600).then(
        () => true,
        () => false,
      );
      for (const mode of ['lost', 'kept', 'cut', 'mixed', 'holes'] as const) {
        let state = effects + 1;
        const fraction = () => (state = (state * 16807) % 2147483647) / 2147483647;
        const found = await disk.crash({ ...lost, fraction, mode, keep: 0.5 }).readFile('/d/f', 10_000);
        expect(found === undefined ? -1 : found.length).toBeOneOf(done ? [5000] : [10, 5000]);
        if (found?.length === 5000) expect(found).toEqual(BYTES);
      }
      if (done) break;
    }
  });
});
