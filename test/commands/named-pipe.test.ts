import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openSource } from '../../src/commands/files/source-file.ts';
import { createFakeEngine } from '../support/fake-engine.ts';
import { runLine, testHost } from '../support/host.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'datamesh-pipe-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it('reads a named pipe to its end, and its writer is not broken off', async () => {
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  const writer = spawn('sh', ['-c', 'head -c 300000 /dev/zero > pipe'], { cwd: folder });
  const ended = once(writer, 'exit');
  const host = testHost({ engine: createFakeEngine(), cwd: folder });
  expect(await runLine(host, 'put', 'pipe')).toBe(0);
  expect(host.seen.records).toMatchObject([{ name: 'pipe', sizeBytes: 300_000 }]);
  expect(await ended).toEqual([0, null]);
});

it.each(['exec sleep 60 < /dev/null', 'exec sleep 60 > pipe'])(
  'gives up a named pipe that says nothing: %s',
  async (script) => {
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    const writer = spawn('sh', ['-c', script], { cwd: folder });
    const signal = AbortSignal.timeout(300);
    const pieces = (await openSource('pipe', folder)).read(signal);
    await expect(pieces[Symbol.asyncIterator]().next()).rejects.toThrow();
    expect(signal.aborted).toBe(true);
    writer.kill();
  },
);

/** Larger than what a pipe takes without a reader. */
const content = 'x'.repeat(300_000);
const objects = [{ name: 'a.txt', content }];

it('writes to a named pipe whatever its reader takes, and waits for him', async () => {
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  const reader = spawn('sh', ['-c', 'sleep 0.2; exec wc -c < pipe'], { cwd: folder });
  const read = once(reader.stdout, 'data');
  const host = testHost({ engine: createFakeEngine({ objects }), cwd: folder });
  expect(await runLine(host, 'get', 'a.txt', 'pipe')).toBe(0);
  expect(String((await read)[0]).trim()).toBe('300000');
});

it.each(['exec sleep 60 > /dev/null', 'exec sleep 60 < pipe'])(
  'gives up a named pipe that nobody reads from: %s',
  async (script) => {
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    const reader = spawn('sh', ['-c', script], { cwd: folder });
    const signal = AbortSignal.timeout(500);
    const host = testHost({ engine: createFakeEngine({ objects }), cwd: folder, signal });
    expect(await runLine(host, 'get', 'a.txt', 'pipe')).toBe(130);
    reader.kill();
  },
);

it('tells of a reader that went away', async () => {
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  spawn('sh', ['-c', 'head -c 1 < pipe'], { cwd: folder });
  const host = testHost({ engine: createFakeEngine({ objects }), cwd: folder });
  expect(await runLine(host, 'get', 'a.txt', 'pipe')).toBe(1);
  expect(host.seen.errors).toMatchObject([{ why: 'who read from it went away' }]);
});
