/** Seeds shared out among processes: each owns its event loop. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type RunSeedsOptions, type SeedToRun, SUMS, type Sums, say, sentence } from './run-seeds.ts';

/** Seeds handed to a process at a time: one start of it for many, and yet nobody waits long for the last. */
const SHARE = 10;

/** Says only what went wrong, and the sums. Returns the number of violations. */
export async function runInJobs(
  seeds: readonly SeedToRun[],
  jobs: number,
  options: RunSeedsOptions,
): Promise<number> {
  const startedMs = performance.now();
  const left = [...seeds];
  const all: Sums = { seeds: 0, violations: 0, virtualMs: 0, cpuMs: 0, tookMs: 0 };
  const work = async () => {
    while (left.length > 0 && !(options.untilFound && all.violations > 0)) {
      const sums = await runShare(left.splice(0, SHARE), options);
      all.seeds += sums.seeds;
      all.violations += sums.violations;
      all.virtualMs += sums.virtualMs;
      all.cpuMs += sums.cpuMs;
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  all.tookMs = performance.now() - startedMs;
  say(sentence(all));
  return all.violations;
}

function runShare(seeds: readonly SeedToRun[], { untilFound }: RunSeedsOptions): Promise<Sums> {
  return new Promise((resolve, reject) => {
    const main = fileURLToPath(new URL('main.ts', import.meta.url));
    const args = [main, '--list', JSON.stringify(seeds), ...(untilFound ? ['--until-found'] : [])];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let sums: Sums | undefined;
    let last = '';
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith(SUMS)) sums = JSON.parse(line.slice(SUMS.length)) as Sums;
      else if (line.startsWith('seed ')) last = line;
      else if (line.startsWith('  VIOLATION')) say(`${last}\n${line}`);
      else if (sums === undefined) say(line);
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (sums === undefined)
        reject(new Error(`a process of the simulator ended with ${code} at seed ${JSON.stringify(seeds)}`));
      else resolve(sums);
    });
  });
}
