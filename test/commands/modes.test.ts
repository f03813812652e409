/** The commands of names, searching, sharing and limits print the same records whether they are typed at a shell, in the console or in a batch. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createFakeEngine } from '../support/fake-engine.ts';
import { runLine, testHost } from '../support/host.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'datamesh-modes-'));
  await writeFile(join(folder, 'f.txt'), 'x');
  await writeFile(join(folder, 'pass'), 'correct horse battery staple');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const PASS = ['--bundle-passphrase-file', 'pass'];
it.each<[string, ...string[]]>([
  ['versions', 'a'],
  ['delete', 'a', '--yes'],
  ['delete', 'a', '--purge', '--yes'],
  ['undelete', 'gone'],
  ['rename', 'a', 'c'],
  ['duplicate', 'a', 'c'],
  ['tag', 'a', '--add', 'x'],
  ['search', 'dir'],
  ['recent'],
  ['popular'],
  ['batch-put', '*.txt', '--prefix', 'p/'],
  ['batch-get', '**', 'out', '--preserve-structure', '--force', '--parallel', '1'],
  ['batch-tag', '**', '--tags', 'x'],
  ['shares', 'list'],
  ['shares', 'key'],
  ['share', 'a', '--link', '--dry-run'],
  ['quota', '--user', 'all', '--set', '1GiB'],
  ['export', 'x.bundle', '**', '--force', ...PASS],
  ['list', '--deleted'],
])('%s', async (...words) => {
  const seen = [];
  for (const mode of ['one-shot', 'repl', 'batch'] as const) {
    const objects = ['a', 'dir/b', 'gone'].map((name) => ({ name, content: name }));
    const engine = createFakeEngine({ objects });
    await engine.names.hide('gone');
    const host = testHost({ engine, cwd: folder, mode });
    const status = await runLine(host, ...words);
    seen.push({ status, records: host.seen.records });
  }
  expect(seen[0]!.status, words.join(' ')).toBe(0);
  expect(seen[0]!.records.length + Number(words[1] === 'list')).toBeGreaterThan(0);
  expect(seen[1]).toEqual(seen[0]);
  expect(seen[2]).toEqual(seen[0]);
});
