/** What a sync leaves alone: what a pattern names, and the node's own data folder. */
import * as fs from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { runLine, testHost } from '../../../support/host.ts';
import { openSides } from './support.ts';

const sides = openSides();
const { at, write, files, stored, sync, both } = sides;

/** Others run beside it. */
const SLOW_MS = 30_000;

describe('a sync', { timeout: SLOW_MS }, () => {
  it('takes patterns from the ignore file and the command line', async () => {
    write('a/.datameshignore', '*.tmp\n/private/\n');
    for (const path of ['x.tmp', 'private/key', 'keep', 'sub/private/ok', 'no.log']) write(`a/${path}`, path);
    await sync('a', ['--exclude', '*.log']);
    expect(await stored()).toEqual(['.datameshignore', 'keep', 'sub/private/ok']);
    // A file that is left out from now on is not gone.
    expect((await sync('a', ['--exclude', 'keep'])).actions).toEqual(['upload no.log']);
    expect(await stored()).toContain('keep');
  });

  it('leaves the data folder of the node alone, whose locks whoever reads it would let go of', async () => {
    write('a/one', '1');
    write('a/own/LOCK.guard', '');
    const status = await sides.engine.status();
    vi.spyOn(sides.engine, 'status').mockResolvedValue({ ...status, dataDir: at('a/own') });
    expect(await sync('a')).toMatchObject({ status: 0, actions: ['upload one'] });
    expect(await stored()).toEqual(['one']);
    expect(await sync('a/own')).toMatchObject({ status: 2, errors: [{ code: 'bad-value' }] });
  });

  it('leaves the notes alone of a folder within it that is synced by itself', async () => {
    const inner = async (side: string) => {
      const host = testHost({ engine: sides.engine });
      expect(await runLine(host, 'sync', at(`${side}/inner`), '--to', 'in', '--bidirectional')).toBe(0);
      return host.seen.records.map(({ action, path }) => `${action} ${path}`);
    };
    for (const name of ['one', 'two']) write(`a/inner/${name}`, name);
    await inner('a');
    expect((await both('a')).actions).toEqual(['upload inner/one', 'upload inner/two']);
    await both('b', ['--exclude', 'two']);
    expect(fs.existsSync(at('b/inner/.datamesh-sync'))).toBe(false);
    // Its own are the first there, so what was never there is no deletion.
    expect(await inner('b')).toEqual(['download two']);
  });

  it.each(['build', 'build/', '/build/'])(
    'leaves alone on both sides what is in a folder that %s leaves out',
    async (pattern) => {
      write('a/build/out', '1');
      write('a/keep', '1');
      await both('a');
      write('a/.datameshignore', pattern);
      expect(await both('a')).toMatchObject({ status: 0, actions: ['upload .datameshignore'] });
      expect(await stored()).toContain('build/out');
      // Nor is it brought, only to be taken for deleted at the next look.
      for (let pass = 0; pass < 2; pass++) await both('b', ['--exclude', pattern]);
      expect(files('b')).toEqual(['.datameshignore', 'keep']);
      expect(await stored()).toContain('build/out');
    },
  );
});
