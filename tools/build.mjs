// Compiles src/ beside dist/, bundles what the console loads first, and swaps the two: a command that runs meanwhile finds a whole build, old or new, and a
// file that left src/ does not live on.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleConsole } from './bundle-console.mjs';
import { bundleInk } from './bundle-ink.mjs';

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const fresh = at(`.dist-${process.pid}`);
const old = at(`.dist-${process.pid}-old`);

const tsc = at('node_modules/typescript/bin/tsc');
/** Comments are for whoever reads the sources and the declarations: in the scripts they would be a tenth of the package. */
const PARTS = [['--removeComments', '--declaration', 'false'], ['--emitDeclarationOnly']];

let status;
try {
  const codes = await Promise.all(PARTS.map(compile));
  status = Math.max(...codes);
  if (status === 0) {
    await bundleInk(fresh);
    await bundleConsole(fresh);
    if (existsSync(at('dist'))) renameSync(at('dist'), old);
    renameSync(fresh, at('dist'));
  }
} finally {
  for (const path of [fresh, old]) rmSync(path, { recursive: true, force: true });
}
process.exit(status ?? 1);

/** tsc's exit code. */
async function compile(options) {
  const args = [tsc, '-p', at('tsconfig.build.json'), '--outDir', fresh, ...options];
  const [code] = await once(spawn(process.execPath, args, { stdio: 'inherit' }), 'exit');
  return code ?? 1;
}
