/**
 * `npm run sim:mutants -- [NAME …] [--seeds N] [--jobs N]`: plants each bug of mutants/*.patch into a copy of the source and looks for it with the
 * simulator. One that is not found within the seeds is a hole in the invariants.
 */
import { spawn, spawnSync } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { say } from './run-seeds.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PATCHES = fileURLToPath(new URL('mutants', import.meta.url));
/** Each bug must show within so many seeds. */
const MAX_SEEDS = 500;
const COPIED = ['src', 'test/sim', 'test/support', 'package.json'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: 'string', default: String(MAX_SEEDS) },
    jobs: { type: 'string', default: '2' },
  },
});

/** The source with the patch in it; the folder goes when `use` has ended. */
async function withMutant<T>(patch: string, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'datamesh-mutant-'));
  try {
    for (const path of COPIED) await cp(join(ROOT, path), join(folder, path), { recursive: true });
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const applied = spawnSync('git', ['apply', '--recount', patch], { cwd: folder, encoding: 'utf8' });
    if (applied.status !== 0) throw new Error(`${patch} does not apply any more: ${applied.stderr}`);
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Bugs named so are in what only a cleanup does. */
const OF_CLEANUP = 'gc-';

function simulate(folder: string, name: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const args = ['test/sim/main.ts', '--seeds', values.seeds, '--jobs', values.jobs, '--until-found'];
    if (name.startsWith(OF_CLEANUP)) args.push('--cleanup');
    const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.on('error', reject);
    child.on('close', () => resolve(output));
  });
}

const names = (await readdir(PATCHES))
  .filter((name) => name.endsWith('.patch'))
  .map((name) => name.slice(0, -6));
const wanted = positionals.length === 0 ? names : positionals;
let missed = 0;
for (const name of wanted) {
  const path = join(PATCHES, `${name}.patch`);
  const [why] = (await readFile(path, 'utf8')).split('\n', 1);
  const output = await withMutant(path, (folder) => simulate(folder, name));
  const [, seed, rule] = /^seed (\d+) [^\n]*\n +VIOLATION ([^:]+):/m.exec(output) ?? [];
  if (rule === undefined) missed++;
  say(`${rule === undefined ? 'MISSED' : `seed ${seed}`.padEnd(8)} ${name}: ${rule ?? why}`);
}
say(`${wanted.length - missed} of ${wanted.length} planted bugs found within ${values.seeds} seeds each`);
process.exitCode = missed === 0 ? 0 : 1;
