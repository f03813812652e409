/** A repository as version 1 wrote it: it is read for ever. `GOLDEN_WRITE=1` writes it anew, which is right only while no release has it. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NAMES } from '../../../src/engine/backup/object-door.ts';
import { decodeSnapshot } from '../../../src/engine/backup/snapshot-file.ts';
import { backup, MemoryObjects, restore, tempFolder } from './support.ts';

const FILE = new URL('../../golden/backup/repository-v1.json', import.meta.url);
/** Owners are left out of what is compared: whoever runs the test is another one. */
const AT = new Date(1_700_000_000_000);

function makeSource(folder: string): void {
  fs.mkdirSync(join(folder, 'sub'), { recursive: true });
  fs.writeFileSync(join(folder, 'empty'), '');
  fs.writeFileSync(join(folder, 'text'), 'the same line again\n'.repeat(200));
  fs.writeFileSync(
    join(folder, 'sub/bytes'),
    Buffer.from(Array.from({ length: 3000 }, (_, i) => (i * i) % 251)),
  );
  fs.writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0x20])]), 'no UTF-8');
  fs.linkSync(join(folder, 'text'), join(folder, 'text again'));
  fs.symlinkSync('../text', join(folder, 'sub/link'));
  const hollow = fs.openSync(join(folder, 'sub/hollow'), 'w');
  fs.ftruncateSync(hollow, 200_000);
  fs.closeSync(hollow);
  for (const name of ['empty', 'text', 'sub/bytes', 'sub/hollow']) fs.utimesSync(join(folder, name), AT, AT);
}

describe('a repository of version 1', () => {
  const folder = tempFolder();

  it('is still read', async () => {
    if (process.env.GOLDEN_WRITE === '1') {
      const source = join(folder, 'source');
      makeSource(source);
      const objects = new MemoryObjects();
      await backup(objects, source, { takenAtMs: AT.getTime(), compress: true });
      const written = Object.fromEntries(
        [...objects.objects].map(([name, it]) => [name, it.toString('base64')]),
      );
      fs.mkdirSync(new URL('.', FILE), { recursive: true });
      fs.writeFileSync(FILE, `${JSON.stringify(written, null, 1)}\n`);
    }
    const objects = new MemoryObjects();
    for (const [name, text] of Object.entries(
      JSON.parse(fs.readFileSync(FILE, 'utf8')) as Record<string, string>,
    ))
      objects.objects.set(name, Buffer.from(text, 'base64'));
    const [snapshot] = objects.named(NAMES.snapshot);
    expect(decodeSnapshot(snapshot!.bytes)).toMatchObject({
      ...{ takenAtMs: AT.getTime(), node: 'here', files: 5, directories: 2, links: 2, sizeBytes: 207_008 },
    });
    const to = join(folder, 'to');
    fs.mkdirSync(to);
    const done = await restore(objects, snapshot!.name.slice(NAMES.snapshot.length), to);
    expect(done.failed).toEqual([]);
    expect(fs.readFileSync(join(to, 'text again'), 'utf8')).toBe('the same line again\n'.repeat(200));
    expect(fs.readFileSync(join(to, 'sub/bytes')).every((byte, i) => byte === (i * i) % 251)).toBe(true);
    expect(fs.readFileSync(Buffer.from([...Buffer.from(`${to}/`), 0xff, 0x20]), 'utf8')).toBe('no UTF-8');
    expect(fs.readlinkSync(join(to, 'sub/link'))).toBe('../text');
    expect(fs.statSync(join(to, 'sub/hollow'))).toMatchObject({ size: 200_000, blocks: 0 });
    expect(fs.statSync(join(to, 'text'))).toMatchObject({ nlink: 2, mtimeMs: AT.getTime() });
    // Without the index it is found in the packs.
    for (const { name } of objects.named(NAMES.index)) objects.objects.delete(name);
    const again = join(folder, 'again');
    fs.mkdirSync(again);
    expect((await restore(objects, snapshot!.name.slice(NAMES.snapshot.length), again)).failed).toEqual([]);
  });
});
