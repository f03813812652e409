/** export and import of bundles: there and back, what is refused, and that no name in one leads out of the folder it is written to. */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { realRandom } from '../../../src/engine/effects/random.ts';
import { sealBundle } from '../../../src/engine/sharing/bundle.ts';
import { createFakeEngine, type FakeEngine } from '../../support/fake-engine.ts';
import { runLine, testHost } from '../../support/host.ts';
import { HOSTILE_NAMES } from '../../support/hostile-names.ts';

let folder: string;
let engine: FakeEngine;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'datamesh-bundle-'));
  await writeFile(join(folder, 'pass'), 'correct horse battery staple\n');
  engine = createFakeEngine({
    objects: [
      { name: 'a.txt', content: 'hello', tags: ['t'] },
      { name: 'dir/b.bin', content: Buffer.alloc(300_000, 'b') },
      { name: 'other', content: '' },
    ],
  });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const run = async (...words: string[]) => {
  const host = testHost({ engine, cwd: folder });
  return { status: await runLine(host, ...words), ...host.seen };
};
async function* oneByte(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('x');
}
const PASS = ['--bundle-passphrase-file', 'pass'];

it('goes there and back, with tags and folders', async () => {
  expect((await run('export', 'x.bundle', 'a.txt', 'dir/**', ...PASS)).records).toMatchObject([
    { name: 'a.txt', file: join(folder, 'x.bundle') },
    { name: 'dir/b.bin' },
  ]);
  expect((await run('export', 'x.bundle', 'a.txt', ...PASS)).status).toBe(6);
  engine = createFakeEngine();
  expect((await run('import', 'x.bundle', ...PASS, '--dry-run')).records).toHaveLength(2);
  expect((await engine.list()).objects).toEqual([]);
  expect((await run('import', 'x.bundle', ...PASS)).records).toMatchObject([
    { name: 'a.txt', tags: ['t'], sizeBytes: 5 },
    { name: 'dir/b.bin', sizeBytes: 300_000 },
  ]);
  expect(await run('import', 'x.bundle', ...PASS)).toMatchObject({
    status: 3,
    errors: [{ code: 'some-failed', mend: 'add --force to add versions to names that exist' }],
  });
  expect((await run('import', 'x.bundle', ...PASS, '--force')).status).toBe(0);
  expect((await run('import', 'x.bundle', ...PASS, '--output', 'out')).status).toBe(0);
  expect(await readFile(join(folder, 'out/dir/b.bin'))).toEqual(Buffer.alloc(300_000, 'b'));
});

it('is refused where it should be', async () => {
  expect((await run('export', 'x', 'none*', ...PASS)).status).toBe(8);
  expect((await run('export', 'x', '**', '--dry-run')).records).toHaveLength(3);
  await writeFile(join(folder, 'weak'), '1234');
  expect((await run('export', 'x', '**', '--bundle-passphrase-file', 'weak')).status).toBe(2);
  expect(await readdir(folder)).not.toContain('x');
  await run('export', 'x', '**', ...PASS);
  await writeFile(join(folder, 'wrong'), 'another horse battery staple');
  expect((await run('import', 'x', '--bundle-passphrase-file', 'wrong')).status).toBe(9);
  for (const more of [[], ['--name', 'y']])
    expect(await run('import', 'none', ...more, ...PASS)).toMatchObject({
      status: 8,
      errors: [{ message: "'none' is neither a link nor a file" }],
    });
  expect((await run('import', 'x', '--name', 'y', ...PASS)).status).toBe(2);
  const intoFile = await run('import', 'x', ...PASS, '--output', 'weak/y');
  expect(intoFile).toMatchObject({ status: 2, warnings: [], errors: [{ code: 'not-a-directory' }] });
  await writeFile(join(folder, 'half'), (await readFile(join(folder, 'x'))).subarray(0, 200_000));
  expect((await run('import', 'half', ...PASS)).status).toBe(7);
});

it('an empty passphrase is called so, and none says where to give one', async () => {
  for (const [secret, what, mend] of [
    ['', 'the passphrase is empty', /five or more words/],
    [undefined, 'a passphrase is needed and none was given', /run on a terminal/],
  ] as const) {
    const host = { ...testHost({ engine, cwd: folder }), secret: async () => secret };
    expect(await runLine(host, 'export', 'q.bundle', 'a.txt')).toBe(2);
    expect(host.seen.errors).toMatchObject([{ message: what, mend: expect.stringMatching(mend) }]);
  }
});

it('500 hostile names: nothing is written outside the folder, and no link is followed', async () => {
  expect(HOSTILE_NAMES.length).toBeGreaterThanOrEqual(500);
  const entry = { sizeBytes: 1, mimeType: '', tags: [], createdAtMs: 0 };
  const objects = (async function* () {
    for (const name of HOSTILE_NAMES) yield { ...entry, name, body: oneByte() };
  })();
  const passphrase = 'correct horse battery staple';
  const parts: Uint8Array[] = [];
  for await (const part of sealBundle(objects, passphrase, realRandom())) parts.push(part);
  await writeFile(join(folder, 'bad.bundle'), Buffer.concat(parts));
  await mkdir(join(folder, 'a/b/c'), { recursive: true });
  await mkdir(join(folder, 'elsewhere'));
  await symlink(join(folder, 'elsewhere'), join(folder, 'a/b/c/x'));
  await symlink(join(folder, 'elsewhere/y'), join(folder, 'a/b/c/d'));
  const before = (await readdir(folder, { recursive: true }))
    .filter((path) => !path.startsWith('a/b/c'))
    .sort();
  const { records, status, notes } = await run(
    'import',
    'bad.bundle',
    '--output',
    'a/b/c',
    '--force',
    ...PASS,
  );
  expect(status).toBe(3);
  expect(records.length).toBeGreaterThan(50);
  expect(notes.at(-1)).toContain(`of ${HOSTILE_NAMES.length} taken over`);
  const after = (await readdir(folder, { recursive: true }))
    .filter((path) => !path.startsWith('a/b/c'))
    .sort();
  expect(after).toEqual(before);
  for (const { file } of records) expect((await stat(file as string)).size).toBe(1);
}, 30_000);
