/**
 * `datamesh demo` from its start to its end, as a newcomer runs it: eight nodes on this machine, a file of 64 MiB stored, two nodes killed, the file read and compared, all of it healed.
 *
 *   npm run bench:demo [-- --json] [--runs 5]
 */
import { numberOption } from './support/options.ts';
import { timed } from './support/process.ts';
import { Report } from './support/rows.ts';

const LAUNCHER = new URL('../bin/datamesh', import.meta.url).pathname;
const STEPS = { start: 'the nodes run', meet: 'all have met', put: 'put', get: 'get', heal: 'healed' };

interface Step {
  step: string;
  ms: number;
  identical?: boolean;
}

const report = new Report('demo');
const runs = Array.from({ length: numberOption('runs', 5) }, () => {
  const { status, stdout, stderr, seconds } = timed(process.execPath, [LAUNCHER, 'demo', '--json']);
  const steps = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Step);
  if (status !== 0 || !steps.some(({ identical }) => identical === true))
    throw new Error(`demo ended with ${status}: ${stderr}`);
  return { steps, seconds };
});
for (const [step, name] of Object.entries(STEPS)) {
  const took = runs.map(({ steps }) => steps.find((one) => one.step === step)!.ms / 1000);
  report.add(name, took, 's');
}
report.add(
  'all of it',
  runs.map(({ seconds }) => seconds),
  's',
);
report.end();
