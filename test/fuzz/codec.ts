/**
 * `npm run fuzz:codec -- [--inputs N] [--seed S] [--target NAME]`: mutated manifests, shard records, frames and requests. N inputs are shared out, half of them to
 * manifests; 1,000,000 unless told. The npm script limits the heap to 64 MiB, so a decoder that needs more kills it.
 */
import { parseArgs } from 'node:util';
import { fuzz } from './run.ts';
import { targets } from './targets.ts';

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    target: { type: 'string' },
  },
});
const total = Number(values.inputs);
const chosen = targets.filter((it) => values.target === undefined || it.name === values.target);
if (!(total > 0) || chosen.length === 0) throw new Error('no such number of inputs, or no such target');
const MIB = 1024 * 1024;
const MAX_PEAK_BYTES = 64 * MIB;

for (const target of chosen) {
  const share = chosen.length === 1 ? 1 : target.name === 'manifest' ? 0.5 : 0.5 / (chosen.length - 1);
  const startMs = performance.now();
  const result = await fuzz(target, Math.ceil(total * share), Number(values.seed));
  const seconds = (performance.now() - startMs) / 1000;
  process.stdout.write(
    `${result.target}: ${result.inputs} inputs in ${seconds.toFixed(1)} s, ${result.accepted} accepted, ` +
      `slowest ${result.slowestMs.toFixed(1)} ms, peak ${(result.peakBytes / MIB).toFixed(1)} MiB\n`,
  );
  if (result.peakBytes > MAX_PEAK_BYTES) throw new Error(`${result.target} took more than 64 MiB`);
}
