import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSource } from '../../src/commands/files/source-file.ts';
import { DatameshError } from '../../src/errors.ts';
import { createFakeEngine } from '../support/fake-engine.ts';
import { runLine, testHost } from '../support/host.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'datamesh-files-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const text = (parts: Uint8Array[]) => Buffer.concat(parts).toString();

describe('put', () => {
  it('leaves no open stream behind when it is given up before the engine reads', async () => {
    await writeFile(join(folder, 'a.txt'), 'hello');
    const giveUp = new AbortController();
    giveUp.abort();
    const pieces = (await openSource('a.txt', folder)).read(giveUp.signal);
    // A stream's own abort, heard by nobody, would end the process here.
    await new Promise((resolve) => setTimeout(resolve, 20));
    await expect(pieces[Symbol.asyncIterator]().next()).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('stores a file under its own name and gives the receipt', async () => {
    const engine = createFakeEngine();
    await writeFile(join(folder, 'a.txt'), 'hello');
    const host = testHost({ engine, cwd: folder });
    expect(await runLine(host, 'put', 'a.txt', '--tags', 'x, y', '--tags', 'y,z')).toBe(0);
    expect(host.seen.records).toMatchObject([
      {
        name: 'a.txt',
        sizeBytes: 5,
        tags: ['x', 'y', 'z'],
        mimeType: 'text/plain',
        degraded: false,
        version: 1,
      },
    ]);
    expect((await engine.list()).objects).toHaveLength(1);
  });

  it('gives a rate of what it stored itself, and none of a put that found stripes of an earlier one', async () => {
    const engine = createFakeEngine();
    await writeFile(join(folder, 'a.txt'), 'hello, world');
    const rateOf = async (stripesResumed: number) => {
      const put: typeof engine.put = async (...args) => ({ ...(await engine.put(...args)), stripesResumed });
      const host = testHost({ engine: { ...engine, put }, cwd: folder });
      expect(await runLine(host, 'put', 'a.txt')).toBe(0);
      return host.seen.records[0]!.bytesPerSecond;
    };
    expect([await rateOf(0), await rateOf(1)]).toEqual([10, undefined]);
  });

  it.each([
    ['put', 'a.txt'],
    ['batch-put', 'a.txt'],
  ])('says so when %s reads a file that is written meanwhile', async (...line) => {
    const engine = createFakeEngine();
    const path = join(folder, 'a.txt');
    await writeFile(path, 'hello');
    const writing: typeof engine = {
      ...engine,
      async put(source, options, call) {
        await writeFile(path, 'hello, world');
        return await engine.put(source, options, call);
      },
    };
    const host = testHost({ engine: writing, cwd: folder });
    expect(await runLine(host, ...line)).toBe(0);
    expect(host.seen.warnings.join()).toContain('was changed while it was read');
    const still = testHost({ engine, cwd: folder });
    expect(await runLine(still, ...line)).toBe(0);
    expect(still.seen.warnings).toEqual([]);
  });

  it.each([
    ['spaces and "quotes"'],
    ['new\nline'],
    ['../../etc/passwd'],
    ['日本 😀'],
    ['x'.repeat(1024)],
    ['-dash'],
    ['.'],
  ])('takes the name %j', async (name) => {
    const engine = createFakeEngine();
    await writeFile(join(folder, 'a'), 'x');
    expect(await runLine(testHost({ engine, cwd: folder }), 'put', 'a', `--name=${name}`)).toBe(0);
    expect((await engine.list()).objects[0]?.name).toBe(name);
  });

  it.each([[''], ['x'.repeat(1025)], ['é'.repeat(513)], ['a\0b'], ['\ud800']])(
    'refuses the name %j',
    async (name) => {
      await writeFile(join(folder, 'a'), 'x');
      const host = testHost({ engine: createFakeEngine(), cwd: folder });
      expect(await runLine(host, 'put', 'a', `--name=${name}`)).toBe(2);
      expect(host.seen.errors[0]?.code).toBe('bad-name');
    },
  );

  it('says what is wrong with the file, and asks the engine for nothing', async () => {
    const engine = createFakeEngine();
    await mkdir(join(folder, 'sub'));
    for (const [file, code, status] of [
      ['sub', 'is-a-directory', 2],
      ['missing', 'file-not-found', 8],
      ['sub/x/y', 'file-not-found', 8],
    ] as const) {
      const host = testHost({ engine, cwd: folder });
      expect(await runLine(host, 'put', file), file).toBe(status);
      expect(host.seen.errors[0]?.code).toBe(code);
    }
    expect(engine.calls).toEqual([]);
  });

  it.skipIf(process.getuid?.() === 0)('says that a file cannot be read', async () => {
    await writeFile(join(folder, 'a'), 'x');
    await chmod(join(folder, 'a'), 0);
    const host = testHost({ engine: createFakeEngine(), cwd: folder });
    expect(await runLine(host, 'put', 'a')).toBe(9);
  });

  it('reads standard input, which needs a name', async () => {
    async function* stdin() {
      yield Buffer.from('from ');
      yield Buffer.from('a pipe');
    }
    const engine = createFakeEngine();
    const nameless = testHost({ engine, stdin: stdin() });
    expect(await runLine(nameless, 'put', '-')).toBe(2);
    expect(nameless.seen.errors[0]?.mend).toMatch(/--name/);
    const host = testHost({ engine, stdin: stdin() });
    expect(await runLine(host, 'put', '-', '--name', 'piped')).toBe(0);
    expect(host.seen.records[0]).toMatchObject({ name: 'piped', sizeBytes: 11 });
    expect(host.seen.warnings).toEqual([]);
    const nothing = testHost({ engine, stdin: (async function* () {})() });
    expect(await runLine(nothing, 'put', '-', '--name', 'piped')).toBe(0);
    expect(nothing.seen.warnings).toEqual(['standard input gave nothing: "piped" is empty']);
  });

  it('ends with 3 and a warning when the receipt is degraded', async () => {
    await writeFile(join(folder, 'a'), 'x');
    const host = testHost({ engine: createFakeEngine({ degraded: true }), cwd: folder });
    expect(await runLine(host, 'put', 'a', '--allow-degraded')).toBe(3);
    expect(host.seen.records[0]).toMatchObject({ degraded: true });
    expect(host.seen.warnings[0]).toMatch(/degraded/);
  });

  it('refuses a second one with --if-absent', async () => {
    const engine = createFakeEngine({ objects: [{ name: 'a', content: 'old' }] });
    await writeFile(join(folder, 'a'), 'x');
    const host = testHost({ engine, cwd: folder });
    expect(await runLine(host, 'put', 'a', '--if-absent')).toBe(6);
  });

  it('stores nothing with --dry-run', async () => {
    const engine = createFakeEngine();
    await writeFile(join(folder, 'a'), 'x');
    const host = testHost({ engine, cwd: folder });
    expect(await runLine(host, 'put', 'a', '--dry-run')).toBe(0);
    expect(host.seen.records[0]).toMatchObject({ dryRun: true, name: 'a', sizeBytes: 1 });
    expect(engine.calls).not.toContain('put');
  });
});

describe('get', () => {
  const objects = [
    { name: 'work/a.txt', content: 'hello mesh' },
    { name: 'evil/..', content: 'x' },
    { name: 'dir/', content: 'x' },
    { name: 'new\nline\x1b[31m', content: 'esc' },
  ];

  it('writes to the last part of the name, or where it is told', async () => {
    const host = testHost({ engine: createFakeEngine({ objects }), cwd: folder });
    await mkdir(join(folder, 'sub'));
    expect(await runLine(host, 'get', 'work/a.txt')).toBe(0);
    expect(await runLine(host, 'get', 'work/a.txt', 'b.txt')).toBe(0);
    expect(await runLine(host, 'get', 'work/a.txt', 'sub')).toBe(0);
    for (const file of ['a.txt', 'b.txt', 'sub/a.txt']) {
      expect(await readFile(join(folder, file), 'utf8')).toBe('hello mesh');
    }
    expect(host.seen.records[0]).toMatchObject({
      name: 'work/a.txt',
      file: join(folder, 'a.txt'),
      bytes: 10,
    });
  });

  it('never leaves the folder, whatever an object is called', async () => {
    const host = testHost({ engine: createFakeEngine({ objects }), cwd: folder });
    expect(await runLine(host, 'get', 'evil/..')).toBe(2);
    expect(await runLine(host, 'get', 'dir/')).toBe(2);
    expect(await runLine(host, 'get', 'new\nline\x1b[31m')).toBe(0);
    expect(await readdir(folder)).toEqual(['new_nline_e[31m']);
  });

  it('does not replace a file unless forced', async () => {
    const host = testHost({ engine: createFakeEngine({ objects }), cwd: folder });
    await writeFile(join(folder, 'a.txt'), 'mine');
    expect(await runLine(host, 'get', 'work/a.txt')).toBe(6);
    expect(await readFile(join(folder, 'a.txt'), 'utf8')).toBe('mine');
    expect(await runLine(host, 'get', 'work/a.txt', '--force')).toBe(0);
    expect(await readFile(join(folder, 'a.txt'), 'utf8')).toBe('hello mesh');
    expect(await readdir(folder)).toEqual(['a.txt']);
  });

  it('leaves nothing when shards are missing half-way, and the old file as it was', async () => {
    const big = { name: 'big', content: Buffer.alloc(300_000, 7) };
    const host = testHost({
      engine: createFakeEngine({ objects: [big], failGetAfterBytes: 100_000 }),
      cwd: folder,
    });
    expect(await runLine(host, 'get', 'big')).toBe(7);
    expect(await readdir(folder)).toEqual([]);
    await writeFile(join(folder, 'big'), 'old');
    expect(await runLine(host, 'get', 'big', '--force')).toBe(7);
    expect(await readFile(join(folder, 'big'), 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['big']);
  });

  it('leaves nothing when it is interrupted', async () => {
    const stop = new AbortController();
    const engine = createFakeEngine({
      objects: [{ name: 'big', content: Buffer.alloc(500_000) }],
      delayMs: 20,
    });
    const host = testHost({ engine, cwd: folder, signal: stop.signal });
    setTimeout(() => stop.abort(), 70);
    expect(await runLine(host, 'get', 'big')).toBe(130);
    expect(await readdir(folder)).toEqual([]);
  });

  it('reports a full disk with 10', async () => {
    const host = testHost({
      engine: createFakeEngine({ objects: [{ name: 'big', content: Buffer.alloc(100_000) }] }),
      cwd: folder,
    });
    expect(await runLine(host, 'get', 'big', '/dev/full', '--force')).toBe(10);
    expect(host.seen.errors[0]?.code).toBe('disk-full');
  });

  it('says what is wrong with the destination', async () => {
    const host = testHost({ engine: createFakeEngine({ objects }), cwd: folder });
    expect(await runLine(host, 'get', 'work/a.txt', 'none/b')).toBe(8);
    expect(await runLine(host, 'get', 'work/a.txt', 'none/')).toBe(8);
    expect(await runLine(host, 'get', 'nothing-like-it')).toBe(8);
    await symlink('nowhere', join(folder, 'link'));
    expect(await runLine(host, 'get', 'work/a.txt', 'link')).toBe(6);
  });

  it('reads a range and a version', async () => {
    const host = testHost({
      engine: createFakeEngine({
        objects: [
          { name: 'a', content: 'old one' },
          { name: 'a', content: 'new one' },
        ],
      }),
      cwd: folder,
    });
    expect(await runLine(host, 'get', 'a', '--version', '1', '--offset', '0', '--length', '3')).toBe(0);
    expect(await readFile(join(folder, 'a'), 'utf8')).toBe('old');
  });

  it('writes to standard output, but not to a terminal', async () => {
    const engine = createFakeEngine({ objects });
    const piped = testHost({ engine });
    expect(await runLine(piped, 'get', 'work/a.txt', '-')).toBe(0);
    expect(text(piped.seen.bytes)).toBe('hello mesh');
    expect(piped.seen.records).toEqual([]);
    const screen = testHost({ engine, interactive: true });
    expect(await runLine(screen, 'cat', 'work/a.txt')).toBe(2);
    expect(screen.seen.errors[0]?.code).toBe('not-a-terminal');
    expect(await runLine(screen, 'cat', 'work/a.txt', '-f')).toBe(0);
  });
});

describe('cat, list, info, stats', () => {
  const objects = [
    { name: 'b', content: 'bb', tags: ['x'] },
    { name: 'a', content: 'a', tags: ['x', 'y'] },
    { name: 'c/d', content: 'dddd' },
  ];

  it('joins objects', async () => {
    const host = testHost({ engine: createFakeEngine({ objects }) });
    expect(await runLine(host, 'cat', 'a', 'b')).toBe(0);
    expect(text(host.seen.bytes)).toBe('abb');
  });

  it.each([
    [[], ['a', 'b', 'c/d']],
    [['c'], ['c/d']],
    [
      ['--sort', 'size', '--reverse'],
      ['c/d', 'b', 'a'],
    ],
    [
      ['--tags', 'x'],
      ['a', 'b'],
    ],
    [['--tags', 'x,y'], ['a']],
    [
      ['--limit', '2'],
      ['a', 'b'],
    ],
  ])('list %j', async (argv, names) => {
    const host = testHost({ engine: createFakeEngine({ objects }) });
    expect(await runLine(host, 'list', ...argv)).toBe(0);
    expect(host.seen.records.map((record) => record.name)).toEqual(names);
  });

  it('goes on where a limited list ended, and gets all of more than a page', async () => {
    const many = Array.from({ length: 1203 }, (_, i) => ({
      name: `n${String(i).padStart(4, '0')}`,
      content: 'x',
    }));
    const engine = createFakeEngine({ objects: many });
    const all = testHost({ engine });
    await runLine(all, 'list');
    expect(all.seen.records.map((record) => record.name)).toEqual(many.map(({ name }) => name));
    const first = testHost({ engine });
    await runLine(first, 'list', '--limit', '700');
    expect(first.seen.records).toHaveLength(700);
    const second = testHost({ engine });
    await runLine(second, 'list', '--cursor', String(first.seen.records.at(-1)?.cursor));
    expect(second.seen.records).toHaveLength(503);
    expect(second.seen.records.at(-1)).not.toHaveProperty('cursor');
  });

  it('shows one object, with its shards when asked', async () => {
    const host = testHost({ engine: createFakeEngine({ objects }) });
    expect(await runLine(host, 'info', 'a', '--shards')).toBe(0);
    expect(host.seen.records[0]).toMatchObject({ name: 'a', sizeBytes: 1, state: 'ok', code: '4+2' });
    expect(host.seen.notes.join('\n')).toMatch(/manifest: shards[\s\S]*\nstripe 1: shards/);
    expect(await runLine(host, 'stats')).toBe(0);
    expect(host.seen.records[1]).toMatchObject({ objects: 3, logicalBytes: 7 });
  });
});

describe('delete', () => {
  const objects = [
    { name: 'a', content: 'a' },
    { name: 'ab', content: 'ab' },
  ];

  it('asks, and does nothing after no', async () => {
    const engine = createFakeEngine({ objects });
    const host = testHost({ engine, answer: false });
    expect(await runLine(host, 'delete', 'a')).toBe(130);
    expect(host.questions[0]).toMatch(/'a'/);
    expect((await engine.list()).objects).toHaveLength(2);
  });

  it('deletes exactly what was named', async () => {
    const engine = createFakeEngine({ objects });
    expect(await runLine(testHost({ engine, answer: true }), 'delete', 'a')).toBe(0);
    expect((await engine.list()).objects.map(({ name }) => name)).toEqual(['ab']);
    expect(await runLine(testHost({ engine }), 'rm', 'ab', '--yes')).toBe(0);
    expect((await engine.list()).objects).toEqual([]);
  });

  it('looks names up without asking the holders of every shard', async () => {
    const engine = createFakeEngine({ objects });
    await runLine(testHost({ engine }), 'delete', 'a', 'ab', '--yes');
    expect(engine.calls).toEqual(['find', 'find', 'names', 'names']);
  });

  it('deletes nothing when one of several is missing, or with --dry-run', async () => {
    const engine = createFakeEngine({ objects });
    expect(await runLine(testHost({ engine }), 'delete', 'a', 'nope', '--yes')).toBe(8);
    const dry = testHost({ engine });
    expect(await runLine(dry, 'delete', 'a', 'ab', '--dry-run')).toBe(0);
    expect(dry.seen.records).toHaveLength(2);
    expect((await engine.list()).objects).toHaveLength(2);
  });

  it('ends with 3 when some could not be deleted', async () => {
    const engine = createFakeEngine({
      objects,
      fail: { delete: new DatameshError('no-peers', { what: 'no peers' }) },
    });
    const host = testHost({ engine });
    expect(await runLine(host, 'delete', 'a', 'ab', '--purge', '--yes')).toBe(3);
    expect(host.seen.warnings).toHaveLength(2);
    expect(await runLine(testHost({ engine }), 'delete', 'a', '--purge', '--yes')).toBe(5);
  });
});
