/**
 * `npm run fuzz -- [--inputs N] [--seed S] [--target NAME]`: N mutated inputs, 1,000,000 unless told, to EACH decoder of what comes over a wire, from a disk or from another program. The npm
 * script limits the heap to 64 MiB, so a decoder that needs more kills it. (`fuzz:codec` shares its million out; `fuzz:lang` makes texts that are nearly scripts of the command table.)
 */
import { parseArgs } from 'node:util';
import { allTargets } from './all-targets.ts';
import { fuzz } from './run.ts';

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    target: { type: 'string', multiple: true },
  },
});
const inputs = Number(values.inputs);
const all = await allTargets();
const chosen = all.filter(({ name }) => values.target === undefined || values.target.includes(name));
if (!(inputs > 0) || chosen.length === 0) {
  throw new Error(
    `no such number of inputs, or no such target; there are: ${all.map(({ name }) => name).join(', ')}`,
  );
}
const MIB = 1024 * 1024;
/**
 * Garbage included, and on a busy machine V8 comes late to it: a record of the catalog was once measured at 80 MiB. What a decoder holds at a time is bounded by the heap of 64 MiB that the script gives
 * it, and by the smoke in the tests, at 64 MiB garbage and all.
 */
const MAX_PEAK_BYTES = 256 * MIB;
let failures = 0;

for (const target of chosen) {
  const startMs = performance.now();
  const result = await fuzz(target, inputs, Number(values.seed)).catch((error: Error) => error);
  if (result instanceof Error) {
    failures++;
    process.stdout.write(`FAILED ${result.message}\n`);
    continue;
  }
  const seconds = (performance.now() - startMs) / 1000;
  process.stdout.write(
    `${result.target}: ${result.inputs} inputs in ${seconds.toFixed(1)} s, ${result.accepted} accepted, ` +
      `slowest ${result.slowestMs.toFixed(1)} ms, peak ${(result.peakBytes / MIB).toFixed(1)} MiB\n`,
  );
  if (result.peakBytes > MAX_PEAK_BYTES) {
    failures++;
    process.stdout.write(`FAILED ${result.target} took more than it may\n`);
  }
}
process.exitCode = failures > 0 ? 1 : 0;
