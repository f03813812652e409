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
