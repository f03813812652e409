import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const patches = readdirSync(new URL('mutants', import.meta.url)).filter((name) => name.endsWith('.patch'));

// `npm run sim:mutants` plants them and takes an hour; here only that each still has its place in the source.
it.each(patches)('the planted bug %s can be planted', (name) => {
  const args = ['apply', '--check', '--recount', `test/sim/mutants/${name}`];
  const { status, stderr } = spawnSync('git', args, { cwd: ROOT, encoding: 'utf8' });
  expect(status, stderr).toBe(0);
});

it('there are as many as the simulator is held to, and more', () => {
  expect(patches.length).toBeGreaterThanOrEqual(10);
});
