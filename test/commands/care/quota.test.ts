/** quota: shows and sets limits, and refuses what is none. */
import { expect, it } from 'vitest';
import { createFakeEngine } from '../../support/fake-engine.ts';
import { runLine, testHost } from '../../support/host.ts';

it('shows, sets and takes away', async () => {
  const engine = createFakeEngine();
  const run = async (...words: string[]) => {
    const host = testHost({ engine });
    return { status: await runLine(host, 'quota', ...words), ...host.seen };
  };
  const owner = 'ab'.repeat(32);
  expect((await run()).notes).toHaveLength(1);
  expect((await run('--user', owner, '--set', '2KB')).records).toMatchObject([
    { owner, limitBytes: 2000, usedBytes: 1000, share: 0.5, ownLimit: true },
  ]);
  await run('--user', 'all', '--set', '1GiB', '--dry-run');
  expect((await run()).records).toHaveLength(1);
  await run('--user', owner, '--set', 'none');
  expect((await run()).records).toEqual([]);
  expect((await run('--set', '1GiB')).status).toBe(2);
  expect((await run('--user', owner, '--set', 'much')).status).toBe(2);
});

it('tells what is stored in all when there is no limit for all', async () => {
  const engine = createFakeEngine();
  const notes = async (...words: string[]) => {
    const host = testHost({ engine });
    await runLine(host, 'quota', ...words);
    return host.seen.notes;
  };
  expect(await notes('--user', 'all', '--set', 'none')).toEqual([
    'nobody stores anything here, and no limit is set',
  ]);
  for (const owner of ['ab', 'cd']) await engine.quotas.set(owner.repeat(32), 5000);
  expect(await notes('--user', 'all', '--set', 'none')).toEqual([
    expect.stringMatching(/^no limit for all; 1.95 KiB of 2 owners are stored/),
  ]);
});
