import { randomBytes } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cluster, startCluster } from '../support/cluster.ts';
import { randomFile, sha256 } from '../support/files.ts';
import { peakBytes, resetPeak } from '../support/process-memory.ts';

const MIB = 2 ** 20;

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster(6);
}, 60_000);
afterAll(() => cluster.close());

test.each([0, 1, 4095, 4096, 4097, 4 * MIB - 1, 4 * MIB, 4 * MIB + 1])('%i bytes', async (size) => {
  const file = join(cluster.folder, 'in');
  const data = randomBytes(size);
  await writeFile(file, data);
  const name = `size ${size}`;
  await cluster.ok(0, ['put', file, '--name', name]);
  const out = join(cluster.folder, 'out');
  await cluster.ok(0, ['get', name, out, '--force']);
  expect((await readFile(out)).equals(data)).toBe(true);
  const listed = await cluster.ok(0, ['info', name, '--json']);
  expect(JSON.parse(listed.stdout.split('\n')[0]!)).toMatchObject({ sizeBytes: size, state: 'ok' });
});

const NAMES = [
  'two  words ',
  `it's "quoted" \`here\``,
  'line one\nline two\ttabbed',
  'größe/日本語/🦆 e\u0301',
  '../../etc/passwd',
  '..',
  '-rf',
  '$(rm -rf ~); `id`',
  '\u001b[2J\u001b]0;owned\u0007',
  'a'.repeat(300),
];

test.each(NAMES)('the name %j is a key like any other, and writes nothing outside', async (name) => {
  const content = randomBytes(100);
  const inbox = join(cluster.folder, 'box', 'deep');
  await mkdir(inbox, { recursive: true });
  await cluster.ok(0, ['put', '-', `--name=${name}`], { input: content });
  await cluster
    .ok(0, ['get', '--', name, join(inbox, 'copy')])
    .then(() => expect(readFileSync(join(inbox, 'copy')).equals(content)).toBe(true));
  const listed = await cluster.ok(0, ['list', '--json', '--limit', '1000']);
  const names = listed.stdout
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { name: string }).name);
  expect(names).toContain(name);
  const table = await cluster.ok(0, ['list', '--limit', '1000']);
  expect(table.stdout.replaceAll('\n', '').replaceAll('\t', '')).not.toMatch(/[\u0000-\u001f\u007f]/);
  // Without a destination the file lands in the working folder or nowhere, never above it.
  const outside = statSync(cluster.folder).mtimeMs;
  const bare = await cluster.cli(0, ['get', '--', name], { cwd: inbox });
  expect([0, 2, 6], bare.stderr).toContain(bare.status);
  expect(statSync(cluster.folder).mtimeMs).toBe(outside);
  await cluster.ok(0, ['delete', '--purge', '--yes', '--', name]);
  writeFileSync(join(inbox, 'copy'), '');
  await import('node:fs/promises').then(({ rm }) => rm(join(cluster.folder, 'box'), { recursive: true }));
});

test('1 GiB goes through and the putting process needs no more memory than for 128 MiB', async () => {
  const peakMiB = async (size: number) => {
    const file = join(cluster.folder, 'big');
    await randomFile(file, size);
    const { pid } = cluster.nodes[0]!;
    resetPeak(pid);
    await cluster.ok(0, ['put', file, '--name', 'big'], { timeoutMs: 300_000 });
    const peak = peakBytes(pid) / MIB;
    const out = join(cluster.folder, 'big.out');
    await cluster.ok(0, ['get', 'big', out, '--force'], { timeoutMs: 300_000 });
    expect(await sha256(out)).toBe(await sha256(file));
    return peak;
  };
  const small = await peakMiB(128 * MIB);
  const large = await peakMiB(1024 * MIB);
  // Eight times the file: what is left is the garbage collector's mood, not the file.
  expect(large).toBeLessThan(small * 1.35 + 32);
}, 600_000);
