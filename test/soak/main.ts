/**
 * `npm run soak -- [--minutes 120] [--rate 20] [--json]`: six processes on this machine under mixed load, 4+2, and what they come to: memory, descriptors, the event loop. Bars, for each process: RSS rises by less
 * than 5 MB an hour, descriptors by none but what connections take, the event loop's delay p99 below 50 ms; no operation fails, no byte differs. Exit 1 when one is missed.
 *
 * The slope is Theil and Sen's over the samples after a tenth of the run (at least two minutes), with the 95 % band that Kendall's tau gives it. Below an hour
 * collections make more of it than any leak (three minutes on a busy machine: 260 → 220 MB, and a median slope of 400 MB/h), so it is then printed and not judged. Beside it stand the slope of the second half,
 * which tells a leak from what is used for the first time, and the mean of the processes for each tenth of the run. With --json rows of a
 * benchmark come out, and nothing is judged (`npm run bench:report -- soak`).
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Report } from '../../bench/support/rows.ts';
import { startCluster } from '../support/cluster.ts';
import { residentBytes } from '../support/process-memory.ts';
import { MixedLoad } from './mixed-load.ts';
import { theilSen } from './slope.ts';

const MAX_SLOPE_MB_PER_HOUR = 5;
const MAX_LOOP_P99_MS = 50;
/** Connections come and go: each of five peers has one of libp2p and two of the bulk plane; files of a compaction. */
const MAX_MORE_DESCRIPTORS = 20;
const SAMPLE_MS = 5_000;
const LONG_MINUTES = 60;
const MB = 1e6;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '120' },
    rate: { type: 'string', default: '20' },
    json: { type: 'boolean', default: false },
  },
});
const minutes = Number(values.minutes);
const rate = Number(values.rate);
if (!(minutes > 0) || !(rate > 0)) throw new Error('--minutes and --rate are positive numbers');

interface Sample {
  hours: number;
  rssMB: number;
  descriptors: number;
}

const delays = mkdtempSync(join(tmpdir(), 'dm-soak-'));
const preload = fileURLToPath(new URL('../support/loop-delay.mjs', import.meta.url));
/** Beside rows of a report, where whoever runs it reads. */
const say = (text: string) => (values.json ? process.stderr : process.stdout).write(`${text}\n`);

const cluster = await startCluster(6, { k: 4, m: 2 }, undefined, {
  NODE_OPTIONS: `--import=${preload}`,
  LOOP_DELAY_DIR: delays,
});
let missed = 0;
try {
  const load = new MixedLoad(
    cluster.nodes.map(({ engine }) => engine),
    rate,
  );
  const running = load.run();
  const startMs = performance.now();
  const samples = cluster.nodes.map((): Sample[] => []);
  while (performance.now() - startMs < minutes * 60_000) {
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
    const hours = (performance.now() - startMs) / 3_600_000;
    for (const [i, { pid }] of cluster.nodes.entries()) samples[i]!.push({ hours, ...lookAt(pid) });
  }
  load.stop();
  await running;
  const warmHours = Math.max(minutes / 600, Math.min(2 / 60, minutes / 120));
  const rows = cluster.nodes.map(({ name, pid }, i) =>
    judge(
      name,
      pid,
      samples[i]!.filter((it) => it.hours > warmHours),
    ),
  );
  const { done, failed } = load.figures();
  if (failed.length > 0) missed++;
  if (values.json) tellRows(rows, Object.values(done), failed.length);
  say(
    `${minutes} minutes, ${JSON.stringify(done)}; ${failed.length} failed${failed.length > 0 ? `: ${failed.slice(0, 5).join('; ')}` : ''}`,
  );
  for (const row of rows) say(row.text);
  say(`mean RSS in each tenth, MB: ${tenths(samples).join(', ')}`);
  missed += rows.filter((row) => row.missed.length > 0).length;
} finally {
  await cluster.close();
  rmSync(delays, { recursive: true, force: true });
}
process.exit(missed > 0 && !values.json ? 1 : 0);

function tenths(samples: readonly (readonly Sample[])[]): string[] {
  const all = samples.flat();
  return Array.from({ length: 10 }, (_, tenth) => {
    const here = all.filter(({ hours }) => Math.floor((hours * 600) / minutes) === tenth);
    return (here.reduce((sum, { rssMB }) => sum + rssMB, 0) / here.length).toFixed(1);
  });
}

function tellRows(rows: readonly ReturnType<typeof judge>[], done: readonly number[], failed: number): void {
  const report = new Report('soak');
  const slopes = rows.map(({ slope }) => slope);
  const later = rows.map(({ laterSlope }) => laterSlope);
  report.add('length', [minutes], 'min');
  report.add('operations', [done.reduce((sum, count) => sum + count, 0)], 'operations');
  report.add('of these failed', [failed], 'operations');
  report.add('RSS slope, median of the processes', slopes, 'MB/h');
  report.add('RSS slope, of the worst', [Math.max(...slopes)], 'MB/h');
  report.add('RSS slope of the second half, median of the processes', later, 'MB/h');
  report.add('RSS slope of the second half, of the worst', [Math.max(...later)], 'MB/h');
  report.add(
    'RSS after a tenth of the time',
    rows.map(({ rssMB }) => rssMB[0]!),
    'MB',
  );
  report.add(
    'RSS at the end',
    rows.map(({ rssMB }) => rssMB[1]!),
    'MB',
  );
  report.add('descriptors more at the end, the worst', [Math.max(...rows.map(({ more }) => more))], '');
  report.add('event loop p99, the worst', [Math.max(...rows.map(({ p99 }) => p99))], 'ms');
}

function lookAt(pid: number): Omit<Sample, 'hours'> {
  return { rssMB: residentBytes(pid) / MB, descriptors: readdirSync(`/proc/${pid}/fd`).length };
}

function judge(name: string, pid: number, samples: readonly Sample[]) {
  const slopeOf = (part: readonly Sample[]) => theilSen(part.map(({ hours, rssMB }) => [hours, rssMB]));
  const { slope, low, high } = slopeOf(samples);
  const laterSlope = slopeOf(samples.filter(({ hours }) => hours > minutes / 120)).slope;
  const loop = JSON.parse(readFileSync(join(delays, `${pid}.json`), 'utf8')) as {
    p50: number;
    p99: number;
    max: number;
  };
  const [first, last] = [samples[0]!, samples.at(-1)!];
  const peak = Math.max(...samples.map(({ rssMB }) => rssMB));
  const rises = minutes >= LONG_MINUTES && slope > MAX_SLOPE_MB_PER_HOUR;
  const missedHere = [
    ...(rises ? ['memory'] : []),
    ...(last.descriptors - first.descriptors > MAX_MORE_DESCRIPTORS ? ['descriptors'] : []),
    ...(loop.p99 > MAX_LOOP_P99_MS ? ['event loop'] : []),
  ];
  const text =
    `${name}: RSS ${first.rssMB.toFixed(0)} → ${last.rssMB.toFixed(0)} MB, peak ${peak.toFixed(0)}, slope ${slope.toFixed(1)} MB/h (${low.toFixed(1)} to ${high.toFixed(1)}${minutes < LONG_MINUTES ? ', not judged' : ''}), ${laterSlope.toFixed(1)} in the second half; ` +
    `descriptors ${first.descriptors} → ${last.descriptors}; event loop p50 ${loop.p50.toFixed(1)}, p99 ${loop.p99.toFixed(1)}, max ${loop.max.toFixed(0)} ms` +
    (missedHere.length > 0 ? `; MISSED: ${missedHere.join(', ')}` : '');
  return {
    slope,
    laterSlope,
    p99: loop.p99,
    rssMB: [first.rssMB, last.rssMB],
    more: last.descriptors - first.descriptors,
    missed: missedHere,
    text,
  };
}
