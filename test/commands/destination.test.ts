import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
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

  it.skipIf(process.getuid?.() !== 0)(
    'leaves a file that root replaces with its owner and group',
    async () => {
      const host = testHost({ engine: createFakeEngine({ objects }), cwd: folder });
      await writeFile(join(folder, 'theirs'), 'x', { mode: 0o640 });
      await chown(join(folder, 'theirs'), 1234, 4321);
      expect(await runLine(host, 'get', 'work/a.txt', 'theirs', '--force')).toBe(0);
      const { uid, gid, mode } = await stat(join(folder, 'theirs'));
      expect([uid, gid, mode & 0o777]).toEqual([1234, 4321, 0o640]);
    },
  );

  it('is the one that a named link points to; a link that only the name of the object meets is replaced', async () => {
    const host = testHost({ engine: createFakeEngine({ objects }), cwd: folder });
    await mkdir(join(folder, 'disk'));
    const [kept, link] = [join(folder, 'disk', 'kept'), join(folder, 'a.txt')];
    const begin = async () => {
      await rm(link, { force: true });
      await writeFile(kept, 'old');
      await symlink(kept, link);
    };
    await begin();
    expect(await runLine(host, 'get', 'work/a.txt', 'a.txt')).toBe(6);
    expect(await readFile(kept, 'utf8')).toBe('old');
    expect(await runLine(host, 'get', 'work/a.txt', 'a.txt', '--force')).toBe(0);
    expect((await lstat(link)).isSymbolicLink()).toBe(true);
    expect(await readFile(kept, 'utf8')).toBe('hello mesh');
    for (const words of [[], ['.']]) {
      await begin();
      expect(await runLine(host, 'get', 'work/a.txt', ...words, '--force')).toBe(0);
      expect(await readFile(kept, 'utf8')).toBe('old');
      expect((await lstat(link)).isFile()).toBe(true);
    }
  });

  it.skipIf(process.getuid?.() === 0)('needs a folder that may be written, and says so', async () => {
    const host = testHost({ engine: createFakeEngine({ objects }), cwd: folder });
    await writeFile(join(folder, 'mine'), 'x');
    await chmod(folder, 0o500);
    expect(await runLine(host, 'get', 'work/a.txt', 'mine', '--force')).toBe(9);
    await chmod(folder, 0o700);
    expect(host.seen.errors[0]?.message).toContain(`no file can be made in ${folder}`);
    expect(await readFile(join(folder, 'mine'), 'utf8')).toBe('x');
  });
});
