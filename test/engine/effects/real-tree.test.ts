import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { realTree } from '../../../src/engine/effects/real-tree.ts';
import { tempDir } from '../shardstore/support.ts';

const USER = 1000;
const GROUP = 2000;
const OTHER = 3000;

/** A system on which `user` may give his files to GROUP, and root all files to all. */
function systemOf(user: number) {
  const given: string[] = [];
  const chown = (_at: unknown, uid: number, gid: number) => {
    if (user !== 0 && (uid !== user || gid !== GROUP)) throw new Error('EPERM');
    given.push(`${uid}:${gid}`);
  };
  return { given, tree: realTree({ lchownSync: chown, fchownSync: chown }, user) };
}

describe('attributes of a file that is restored', () => {
  it.each([
    ['root gives it to whom it was', 0, OTHER, OTHER, 0o6755, ['3000:3000']],
    ['a user gives it to a group of his', USER, USER, GROUP, 0o6755, ['1000:2000']],
    ['of another group it does not run as one of his', USER, USER, OTHER, 0o4755, []],
    ['of another user it does not run as one of him', USER, OTHER, GROUP, 0o755, []],
  ])('%s', async (_what, user, uid, gid, mode, given) => {
    const folder = await tempDir();
    const attributes = { mode: 0o6755, uid, gid, mtimeNs: 1_000_000_000n };
    for (const [name, set] of [
      [
        'open',
        (at: Buffer, tree: ReturnType<typeof realTree>) => {
          const file = tree.create(at);
          tree.setOpenAttributes(file, attributes);
          tree.close(file);
        },
      ],
      [
        'path',
        (at: Buffer, tree: ReturnType<typeof realTree>) => {
          tree.close(tree.create(at));
          tree.setAttributes(at, attributes, false);
        },
      ],
    ] as const) {
      const system = systemOf(user);
      set(Buffer.from(join(folder, name)), system.tree);
      expect(fs.statSync(join(folder, name)).mode & 0o7777).toBe(mode);
      expect(system.given).toEqual(given);
    }
  });
});
