/** `npm run check`: types, lint and format, dead code, house rules. Prints what fails; exits with 1 if anything does. */
import { spawn } from 'node:child_process';

const root = new URL('..', import.meta.url).pathname;
const modules = `${root}node_modules`;
const CHECKS = [
  { name: 'types', script: `${modules}/typescript/bin/tsc`, args: ['-p', 'tsconfig.json'] },
  {
    name: 'lint',
    script: `${modules}/@biomejs/biome/bin/biome`,
    args: ['check', '--error-on-warnings', '--max-diagnostics=200', '.'],
  },
  { name: 'dead code', script: `${modules}/knip/bin/knip.js`, args: ['--no-progress'] },
  { name: 'tidy', script: `${root}tools/tidy.mjs`, args: [] },
];

const only = process.argv.slice(2);
const wanted = only.length === 0 ? CHECKS : CHECKS.filter((check) => only.includes(check.name.split(' ')[0]));
if (wanted.length === 0) {
  console.error(`no such check: ${only.join(' ')}; there are: types, lint, dead, tidy`);
  process.exit(2);
}

function run({ name, script, args }) {
  const startedMs = performance.now();
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [script, ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => (output += error.message));
    child.on('close', (code, signal) => {
      const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
      const ok = code === 0;
      console.log(`${ok ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)${ok ? '' : ` exit ${code ?? signal}`}`);
      const warnings = name === 'tidy' && output.includes(': warning [');
      if ((!ok || warnings) && output.trim() !== '') console.log(output.trimEnd().replace(/^/gm, '     '));
      resolve(ok);
    });
  });
}

const results = await Promise.all(wanted.map(run));
process.exitCode = results.every(Boolean) ? 0 : 1;
