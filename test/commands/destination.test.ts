import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFakeEngine } from '../support/fake-engine.ts';
import { runLine, testHost } from '../support/host.ts';

const objects = [{ name: 'work/a.txt', content: 'hello mesh' }];
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dm-destination-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('the file that a get writes', () => {
  it('writes under a name as long as a file may have', async () => {
    const host = testHost({ engine: createFakeEngine({ objects }), cwd: folder });
    for (const name of ['漢'.repeat(85), '😀'.repeat(63), 'a'.repeat(255)]) {
      expect(await runLine(host, 'get', 'work/a.txt', name)).toBe(0);
      expect(await readFile(join(folder, name), 'utf8')).toBe('hello mesh');
    }
  });

  it('leaves a file that it replaces as open to others as it was', async () => {
    const host = testHost({ engine: createFakeEngine({ objects }), cwd: folder });
    for (const mode of [0o600, 0o750]) {
      await writeFile(join(folder, 'mine'), 'x');
      await chmod(join(folder, 'mine'), mode);
      expect(await runLine(host, 'get', 'work/a.txt', 'mine', '--force')).toBe(0);
      expect((await stat(join(folder, 'mine'))).mode & 0o777).toBe(mode);
    }
  });
});
