/** Files of the folder whose place others from the mesh take. */
import * as fs from 'node:fs';
import { expect, it, vi } from 'vitest';
import { openSides } from './support.ts';

const { at, write, read, both } = openSides();

it.each(['changed', 'new'])(
  'loses no change made while what replaces it goes to the disk: %s',
  async (kind) => {
    write('a/one', 'theirs');
    await both('a');
    if (kind === 'changed') {
      await both('b');
      write('a/one', 'theirs, changed');
      await both('a');
    }
    const file = await fs.promises.open(at('probe'), 'w');
    const handle = Object.getPrototypeOf(file) as typeof file;
    await file.close();
    const incoming = () => fs.readdirSync(at('b/.datamesh-sync')).join().includes('incoming');
    const synced = vi.spyOn(handle, 'sync').mockImplementation(async () => {
      if (incoming()) write('b/one', 'mine meanwhile');
    });
    const problem = expect.stringContaining('was changed while this ran');
    expect(await both('b')).toMatchObject({ status: 3, records: [{ action: 'download', problem }] });
    synced.mockRestore();
    expect(read('b/one')).toBe('mine meanwhile');
    expect(incoming()).toBe(false);
  },
);

it('leaves a file that it replaces as open to others as it was', async () => {
  write('a/key', 'old');
  await both('a');
  await both('b');
  write('a/key', 'newer');
  await both('a');
  fs.chmodSync(at('b/key'), 0o700);
  expect(await both('b')).toMatchObject({ status: 0, actions: ['download key'] });
  expect(read('b/key')).toBe('newer');
  expect(fs.statSync(at('b/key')).mode & 0o777).toBe(0o700);
});
