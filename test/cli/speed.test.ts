/** How soon a one-shot command is there. Processor time, the least of some runs: the wall clock of a busy machine measures the others. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliSetup, cliSetup } from '../support/cli.ts';

/** Of the issue, for a quiet machine. */
const VERSION_MS = 80;
const STATUS_MS = 200;
/** What node alone takes there, to begin and end (N24, measured): where that takes longer, so may everything. */
const BARE_MS = 25;
const RUNS = 7;

let cli: CliSetup;
beforeAll(async () => {
  cli = await cliSetup({ objects: [{ name: 'a', content: 'a' }] });
});
afterAll(() => cli.close());

/** User and system, of the whole process. */
async function leastCpuMs(argv: readonly string[] | undefined): Promise<number> {
  const tell = `data:text/javascript,process.on('exit',()=>{const{user,system}=process.cpuUsage();process.stderr.write('cpu '+(user+system)/1000)})`;
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < RUNS; run++) {
    const node = ['--import', tell, ...(argv === undefined ? ['-e', ''] : [])];
    const { status, stderr } = await cli.run(argv ?? [], { node });
    expect(status).toBe(0);
    least = Math.min(least, Number(/cpu ([\d.]+)/.exec(stderr)?.[1]));
  }
  return least;
}

describe('a one-shot command', { timeout: 60_000 }, () => {
  it.each([
    ['--version', VERSION_MS],
    ['status', STATUS_MS],
    ['list', STATUS_MS],
  ])('%s takes at most %d ms', async (line, mostMs) => {
    const bareMs = await leastCpuMs(undefined);
    const tookMs = await leastCpuMs(line.split(' '));
    process.stdout.write(
      `${line}: ${tookMs.toFixed(0)} ms of processor time, node alone ${bareMs.toFixed(0)} ms, the least of ${RUNS} runs each\n`,
    );
    expect(tookMs).toBeLessThanOrEqual(mostMs * Math.max(1, bareMs / BARE_MS));
  });
});
