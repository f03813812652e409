/**
 * `npm run sim -- --seed N [--seeds COUNT] [--nodes N] [--steps N] [--jobs N] [--trace] [--cleanup] [--strict] [--plain]`: runs seeds one after the other and says what
 * came of each; with `--watch` in the console's panels; with `--jobs`, in that many processes. `--corpus` runs the seeds of fixed bugs instead.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runInJobs } from './jobs.ts';
import { runSeeds, type SeedToRun } from './run-seeds.ts';

/** Enough for several faults to meet, and half a second of a run. */
const DEFAULT_STEPS = 60;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    nodes: { type: 'string' },
    steps: { type: 'string', default: String(DEFAULT_STEPS) },
    jobs: { type: 'string', default: '1' },
    trace: { type: 'boolean', default: false },
    corpus: { type: 'boolean', default: false },
    /** Owners collect orphans and copies too many as well. */
    cleanup: { type: 'boolean', default: false },
    /** With the invariants that do not hold yet in every case. */
    strict: { type: 'boolean', default: false },
    /** Neither drains nor other versions. */
    plain: { type: 'boolean', default: false },
    /** Ends with the first violation. */
    'until-found': { type: 'boolean', default: false },
    watch: { type: 'boolean', default: false },
    /** Frames on standard output, one for each byte on standard input. */
    feed: { type: 'boolean', default: false },
    /** A JSON list of seeds: what one process hands to another. */
    list: { type: 'string' },
  },
});

function wanted(): SeedToRun[] {
  if (values.list !== undefined) return JSON.parse(values.list) as SeedToRun[];
  if (values.corpus) {
    const text = readFileSync(new URL('corpus.json', import.meta.url), 'utf8');
    return (JSON.parse(text) as { seeds: SeedToRun[] }).seeds;
  }
  return Array.from({ length: Number(values.seeds) }, (_, at) => ({
    seed: Number(values.seed) + at,
    nodes: values.nodes === undefined ? undefined : Number(values.nodes),
    steps: Number(values.steps),
    strict: values.strict,
    cleanup: values.cleanup,
    plain: values.plain,
  }));
}

async function run(): Promise<number> {
  if (values.watch) {
    // React and chalk look at these when they are loaded.
    process.env.NODE_ENV ??= 'production';
    const { watch } = await import('./watch.ts');
    return watch(process.argv.slice(2).filter((arg) => arg !== '--watch'));
  }
  const options = { trace: values.trace, untilFound: values['until-found'], feed: values.feed };
  const jobs = Number(values.jobs);
  const violations = jobs > 1 ? await runInJobs(wanted(), jobs, options) : await runSeeds(wanted(), options);
  return violations === 0 ? 0 : 1;
}

process.exitCode = await run();
