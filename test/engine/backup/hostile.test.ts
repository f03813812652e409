import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeIndex } from '../../../src/engine/backup/index-file.ts';
import { NAMES } from '../../../src/engine/backup/object-door.ts';
import { type PackedChunk, packEnd } from '../../../src/engine/backup/pack-table.ts';
import { encodeSnapshot } from '../../../src/engine/backup/snapshot-file.ts';
import type { TreeEntry } from '../../../src/engine/backup/tree-entry.ts';
import { TreeStream } from '../../../src/engine/backup/tree-stream.ts';
import { gearTable } from '../../../src/engine/codec/content-chunker.ts';
import { hashProvider } from '../../../src/engine/codec/hash.ts';
import { realTree } from '../../../src/engine/effects/real-tree.ts';
import type { FileTree } from '../../../src/engine/effects/tree.ts';
import { numbers } from '../../support/odd-tree.ts';
import { MemoryObjects, restore, SECRET, tempFolder } from './support.ts';

type Entry = Partial<Omit<TreeEntry, 'path' | 'target'>> & {
  path: string | Buffer;
  target?: string;
  content?: string;
};

/** A snapshot of these entries, as they are, behind a root. */
async function crafted(entries: readonly Entry[]): Promise<{ objects: MemoryObjects; id: string }> {
  const objects = new MemoryObjects();
  const table: PackedChunk[] = [];
  const bytes: Buffer[] = [];
  const store = (chunk: Buffer) => {
    const id = Buffer.from(hashProvider().keyed(SECRET, chunk));
    table.push({ id, storedBytes: chunk.length, rawBytes: chunk.length, method: 0 });
    bytes.push(Buffer.from(chunk));
    return { id, wait: undefined };
  };
  const stream = new TreeStream(gearTable(SECRET), store);
  for (const { path, target = '', content, ...own } of [
    { path: '', kind: 'directory' as const },
    ...entries,
  ] as Entry[]) {
    const text = Buffer.from(content ?? '');
    const segments = text.length === 0 ? [] : [{ id: store(text).id, lengthBytes: text.length }];
    await stream.add({
      ...{
        kind: 'file',
        mode: 0o644,
        uid: 0,
        gid: 0,
        mtimeNs: 0n,
        sizeBytes: text.length,
        sparse: false,
        segments,
      },
      ...own,
      path: Buffer.from(path),
      target: Buffer.from(target),
    });
  }
  const tree = await stream.end();
  const name = `${NAMES.data}pack`;
  objects.objects.set(name, Buffer.concat([...bytes, packEnd(table)]));
  objects.objects.set(`${NAMES.index}index`, encodeIndex([{ name, table }]));
  const counts = {
    files: 0,
    directories: 0,
    links: 0,
    sizeBytes: 0,
    addedBytes: 0,
    skipped: 0,
    durationMs: 0,
  };
  const about = { takenAtMs: 0, node: 'n', device: 'd', source: Buffer.from('/s'), tags: [], excludes: [] };
  objects.objects.set(`${NAMES.snapshot}id`, encodeSnapshot({ ...about, ...counts, tree }));
  return { objects, id: 'id' };
}

/** Everything in a folder but what is in `except`, with the content of files. */
function picture(folder: string, except: string): string[] {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .map((it) => join(it.parentPath, it.name))
    .filter((path) => path !== except && !path.startsWith(`${except}/`))
    .map((path) => (fs.lstatSync(path).isFile() ? `${path}=${fs.readFileSync(path)}` : path))
    .sort();
}

const NAME_PARTS = [
  '..',
  '.',
  '',
  '/',
  '\0',
  '../..',
  'a',
  'etc',
  '/etc',
  '~',
  '\\..\\',
  '..\\',
  'C:',
  'a\0b',
  '...',
  'x/..',
  './x',
  '%2e%2e',
];

/** At least 500 of them: parts put together at random, and all the short ones. */
function hostileNames(): string[] {
  const next = numbers(42);
  const found = new Set<string>();
  for (const a of NAME_PARTS) for (const b of NAME_PARTS) found.add(`${a}/${b}`);
  while (found.size < 600) {
    const parts = Array.from({ length: 1 + (next() % 6) }, () => NAME_PARTS[next() % NAME_PARTS.length]!);
    found.add(parts.join(next() % 4 === 0 ? '' : '/'));
  }
  return [...found];
}

/** Others run beside it. */
const SLOW_MS = 60_000;

describe('a hostile snapshot', { timeout: SLOW_MS }, () => {
  const folder = tempFolder();
  fs.mkdirSync(join(folder, 'outside'));
  fs.writeFileSync(join(folder, 'outside/victim'), 'untouched');
  let made = 0;
  const fresh = () => {
    const to = join(folder, 'jail', String(made++));
    fs.mkdirSync(to, { recursive: true });
    return to;
  };

  it('writes nothing outside for 600 names, as files, folders, links and further names', async () => {
    const names = hostileNames();
    expect(names.length).toBeGreaterThanOrEqual(500);
    let refused = 0;
    for (const [i, name] of names.entries()) {
      const to = fresh();
      const before = picture(folder, to);
      const kind = (['file', 'directory', 'link', 'hard-link'] as const)[i % 4]!;
      const { objects, id } = await crafted([
        { path: 'a', kind: 'directory' },
        { path: 'a/good', content: 'good' },
        {
          path: name,
          kind,
          content: kind === 'file' ? 'evil' : '',
          target: kind === 'link' ? '../outside' : 'a/good',
        },
      ]);
      try {
        await restore(objects, id, to);
      } catch (error) {
        expect(error).toMatchObject({ code: 'malformed-data' });
        // The whole tree is looked at before the first byte is written.
        expect(fs.readdirSync(to)).toEqual([]);
        refused++;
      }
      expect(picture(folder, to), JSON.stringify(name)).toEqual(before);
      fs.rmSync(to, { recursive: true });
    }
    // The others are odd, and lawful: "...", "C:", backslashes.
    expect(refused).toBeGreaterThan(450);
    expect(refused).toBeLessThan(names.length);
  });

  it.each([
    [
      'a file below a link',
      [
        { path: 'l', kind: 'link', target: '../../outside' },
        { path: 'l/victim', content: 'x' },
      ],
    ],
    [
      'a file below a file',
      [
        { path: 'f', content: 'x' },
        { path: 'f/g', content: 'x' },
      ],
    ],
    [
      'a path twice',
      [
        { path: 'l', kind: 'link', target: '../../outside/victim' },
        { path: 'l', content: 'x' },
      ],
    ],
    ['a folder that is missing', [{ path: 'no/x', content: 'x' }]],
    [
      'another order',
      [
        { path: 'b', content: 'x' },
        { path: 'a', content: 'x' },
      ],
    ],
    [
      'a further name of something outside',
      [{ path: 'h', kind: 'hard-link', target: '../../outside/victim' }],
    ],
    [
      'a further name of a link',
      [
        { path: 'a', kind: 'link', target: 'x' },
        { path: 'b', kind: 'hard-link', target: 'a' },
      ],
    ],
    ['a second root', [{ path: '', kind: 'directory' }]],
    ['a link to nothing', [{ path: 'l', kind: 'link', target: '' }]],
  ] as [string, Entry[]][])('is refused for %s, before anything is written', async (_what, entries) => {
    const to = fresh();
    const before = picture(folder, to);
    const { objects, id } = await crafted([...entries]);
    await expect(restore(objects, id, to)).rejects.toMatchObject({ code: 'malformed-data' });
    expect(fs.readdirSync(to)).toEqual([]);
    expect(picture(folder, to)).toEqual(before);
  });

  it('does not go through links that lie in the folder already', async () => {
    const to = fresh();
    fs.symlinkSync(join(folder, 'outside'), join(to, 'sub'));
    fs.symlinkSync(join(folder, 'outside/victim'), join(to, 'file'));
    const before = picture(folder, to);
    const { objects, id } = await crafted([
      { path: 'file', content: 'new' },
      { path: 'sub', kind: 'directory' },
      { path: 'sub/victim', content: 'x' },
    ]);
    const done = await restore(objects, id, to, { overwrite: true });
    expect(done.failed.map(({ path }) => path)).toEqual(['sub', 'sub/victim']);
    expect(fs.lstatSync(join(to, 'file')).isFile()).toBe(true);
    expect(picture(folder, to)).toEqual(before);
  });

  it('keeps one of two names that differ in case alone where the file system takes them for one', async () => {
    const { objects, id } = await crafted([
      { path: 'A', kind: 'directory' },
      { path: 'A/x', content: 'upper' },
      { path: 'README', content: 'one' },
      { path: 'a', kind: 'directory' },
      { path: 'a/x', content: 'lower' },
      { path: 'readme', content: 'two' },
    ]);
    for (const overwrite of [false, true]) {
      const to = fresh();
      const done = await restore(objects, id, to, { overwrite }, foldingTree(to));
      expect(done.failed.map(({ path }) => path).sort()).toEqual(['a', 'a/x', 'readme']);
      expect(fs.readFileSync(join(to, 'readme'), 'utf8')).toBe('one');
      expect(fs.readFileSync(join(to, 'a/x'), 'utf8')).toBe('upper');
    }
  });

  it('takes wrong bytes for none, and names the files', async () => {
    const { objects, id } = await crafted([
      { path: 'a', content: 'right' },
      { path: 'b', content: 'wrong' },
    ]);
    const pack = objects.objects.get(`${NAMES.data}pack`)!;
    pack[pack.indexOf('wrong')]! ^= 1;
    const to = fresh();
    const done = await restore(objects, id, to);
    expect(done.failed).toMatchObject([{ path: 'b' }]);
    expect(fs.readdirSync(to)).toEqual(['a']);
  });
});

/** A file system below `root` that takes upper case for lower. */
function foldingTree(root: string): FileTree {
  const real = realTree();
  const fold = (path: Buffer) => Buffer.from(root + path.toString().slice(root.length).toLowerCase());
  return {
    ...real,
    stat: (path) => real.stat(fold(path)),
    create: (path) => real.create(fold(path)),
    makeDir: (path) => real.makeDir(fold(path)),
    makeLink: (path, target) => real.makeLink(fold(path), target),
    hardLink: (path, of) => real.hardLink(fold(path), fold(of)),
    rename: (from, to) => real.rename(fold(from), fold(to)),
    remove: (path) => real.remove(fold(path)),
    removeDir: (path) => real.removeDir(fold(path)),
    list: (path) => real.list(fold(path)),
    setAttributes: (path, attributes, link) => real.setAttributes(fold(path), attributes, link),
  };
}
