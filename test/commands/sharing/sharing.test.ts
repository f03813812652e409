/** share, import and shares: what they print, change and refuse, and that a link stays a secret. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { sharingKeyOf } from '../../../src/engine/sharing/link.ts';
import { createFakeEngine, type FakeEngine } from '../../support/fake-engine.ts';
import { runLine, testHost } from '../../support/host.ts';
import { realRegistry } from '../../support/registry.ts';

let folder: string;
let engine: FakeEngine;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'datamesh-share-'));
  engine = createFakeEngine({ objects: [{ name: 'a.txt', content: 'hello', tags: ['t'] }] });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const run = async (...words: string[]) => {
  const host = testHost({ engine, cwd: folder });
  return { status: await runLine(host, ...words), ...host.seen };
};
const linkOf = async (...words: string[]) =>
  (await run('share', 'a.txt', ...words)).records[0]!.link as string;
const key = sharingKeyOf(new Uint8Array(32).fill(9));

it('shares by link and by key, and asks whom to share with', async () => {
  expect(await linkOf('--link')).toMatch(/^datamesh:\/\/[0-9a-f]{64}#k=/);
  expect(await linkOf('--to', key)).toMatch(/#to=/);
  expect(await linkOf('--link', '--expires', '7d', '--read-once-hint')).toMatch(/until=\d+&once=1$/);
  expect((await run('share', 'a.txt')).status).toBe(2);
  expect((await run('share', 'a.txt', '--link', '--to', key)).status).toBe(2);
  expect((await run('share', 'a.txt', '--to', 'dmk-1')).status).toBe(2);
  expect(await run('share', 'a.txt', '--link', '--expires', 'soon')).toMatchObject({
    status: 2,
    errors: [{ mend: expect.stringMatching(/for how long/) }],
  });
  expect((await run('share', 'none', '--link')).status).toBe(8);
  const before = (await run('shares', 'list')).records.length;
  expect((await run('share', 'a.txt', '--link', '--dry-run')).records).toMatchObject([
    { dryRun: true, link: null },
  ]);
  for (const line of [
    ['--link', '--version', '9'],
    ['--to', 'dmk-1'],
  ])
    expect((await run('share', 'a.txt', ...line, '--dry-run')).status).toBe(line[0] === '--link' ? 8 : 2);
  expect((await run('shares', 'list')).records).toHaveLength(before);
  expect((await run('shares', 'key')).records).toEqual([{ sharingKey: key }]);
  const quiet = await run('shares', 'key', '--quiet');
  expect({ records: quiet.records, text: Buffer.concat(quiet.bytes).toString() }).toEqual({
    records: [],
    text: `${key}\n`,
  });
  expect((await run('shares', 'key', '--quiet', '--json')).records).toEqual([{ sharingKey: key }]);
});

it('imports as an object or to a file, from an argument or standard input', async () => {
  const link = await linkOf('--link', '--read-once-hint');
  expect((await run('import', link)).status).toBe(6);
  const taken = await run('import', link, '--name', 'mine/a.txt', '--tags', 'x');
  expect(taken.records).toMatchObject([{ name: 'mine/a.txt', tags: ['x'], sizeBytes: 5 }]);
  expect(taken.notes.join()).toMatch(/once/);
  expect((await run('import', link, '--output', '.')).records).toMatchObject([
    { file: join(folder, 'a.txt') },
  ]);
  expect(await readFile(join(folder, 'a.txt'), 'utf8')).toBe('hello');
  expect((await run('import', link, '--output', '.')).status).toBe(6);
  const stdin = (async function* () {
    yield Buffer.from(`${link}\n`);
  })();
  const host = testHost({ engine, cwd: folder, stdin });
  expect(await runLine(host, 'import', '-', '--name', 'b')).toBe(0);
  expect((await run('import', link, '--name', 'c', '--dry-run')).status).toBe(0);
  expect((await engine.list()).objects.map(({ name }) => name)).toEqual(['a.txt', 'b', 'mine/a.txt']);
  expect((await run('import', link, '--name', 'b')).errors).toMatchObject([
    { code: 'already-exists', mend: expect.stringMatching(/--force/) },
  ]);
  expect((await run('import', 'datamesh://x')).status).toBe(2);
});

it('a link is in no history, and no error repeats it', async () => {
  const link = await linkOf('--link');
  expect(realRegistry().find(['import'])!.command.sensitive).toBe(true);
  const { errors } = await run('import', link.slice(0, -3));
  expect(JSON.stringify(errors.map((error) => error.toRecord()))).not.toContain(link.slice(80, 100));
});

it('revokes what is listed, after a question', async () => {
  await linkOf('--link');
  const { id } = (await run('shares', 'list')).records[0]!;
  expect((await run('shares', 'revoke', id as string, '--dry-run')).records).toMatchObject([
    { dryRun: true },
  ]);
  expect(await runLine(testHost({ engine, answer: false }), 'shares', 'revoke', id as string)).toBe(130);
  expect((await run('shares', 'revoke', id as string, '--rekey', '--yes')).records).toMatchObject([
    { id, link: null },
  ]);
  expect((await run('shares', 'list')).records[0]!.revokedAtMs).not.toBeNull();
  expect((await run('shares', 'revoke', 'none', '--yes')).status).toBe(8);
});
