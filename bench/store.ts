/**
 * `npm run bench:store`: durable puts beside what the disk and other stores do in the same minute on the same disk, in
 * turns; gets; a million records. BENCH_DIR names a folder on the disk to be measured (the system's temporary one).
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { freshShards, OWNER, openStore, type Shard, timed } from './store/common.ts';
import {
  ddMBPerSecond,
  fileRival,
  fioPerSecond,
  hasFio,
  lmdbRival,
  rawPerSecond,
  rivalPerSecond,
  sqliteRival,
} from './store/rivals.ts';
import { Report } from './support/rows.ts';

const ROUNDS = 5;
/** A round of small puts is a tenth of a second: the first three only warm up, and the median of eleven is one that comes again. */
const SMALL_WARM_ROUNDS = 3;
const SMALL_ROUNDS = 11;
const SMALL = 4096;
const SMALL_PUTS = 6400;
/** More than two and a half times what the index keeps in memory: its commits are part of the cost. */
const LASTING_PORTIONS = 10;
const LASTING_PUTS = 16_384;
/** Of one round: all of them and the rivals' come to a few seconds even on a slow disk. */
const BIG_BYTES = 128 * 2 ** 20;
const GETS = 20_000;
const MILLION = new URL('store/million.ts', import.meta.url).pathname;

const report = new Report('store');
const root = mkdtempSync(`${process.env.BENCH_DIR ?? tmpdir()}/datamesh-bench-`);
let folders = 0;
const folder = () => {
  const path = `${root}/${++folders}`;
  mkdirSync(path);
  return path;
};

async function smallPuts(): Promise<void> {
  const disk = hasFio ? fioPerSecond : rawPerSecond;
  const diskName = hasFio ? 'fio, fdatasync per 64' : 'raw writes, fdatasync per 64';
  if (!hasFio) report.note('fio is not installed (apt-get install fio): the limit is our own raw loop');
  const store = await openStore(`${folder()}/shards`);
  const rivals = [await lmdbRival(folder()), await sqliteRival(folder()), await fileRival(folder())];
  const ours: number[] = [];
  const limits: number[] = [];
  const theirs: number[][] = rivals.map(() => []);
  // Made beforehand: what making them leaves to the garbage collector is not the store's cost.
  const portions = Array.from({ length: SMALL_WARM_ROUNDS + SMALL_ROUNDS }, () =>
    freshShards(SMALL_PUTS, SMALL),
  );
  for (const [round, shards] of portions.entries()) {
    const seconds = await timed(shards, 64, (it) => store.put({ ...it, owner: OWNER }));
    const limit = disk(root, SMALL_PUTS);
    const others: number[] = [];
    for (const rival of rivals)
      others.push(
        await rivalPerSecond(rival, rival.name.startsWith('a file') ? shards.slice(0, 1280) : shards),
      );
    if (round < SMALL_WARM_ROUNDS) continue;
    ours.push(SMALL_PUTS / seconds);
    limits.push(limit);
    for (const [at, value] of others.entries()) theirs[at]!.push(value);
  }
  report.add('durable 4 KiB puts, 64 in flight', ours, 'put/s', { name: diskName, values: limits });
  for (const [at, rival] of rivals.entries())
    report.add('durable 4 KiB puts, 64 in flight', ours, 'put/s', { name: rival.name, values: theirs[at]! });
  await gets(store, portions.at(-1)!);
  for (const rival of rivals) await rival.close();
  await store.close();
}

async function gets(store: Awaited<ReturnType<typeof openStore>>, shards: readonly Shard[]): Promise<void> {
  const p50: number[] = [];
  const p99: number[] = [];
  for (let round = 0; round < 3; round++) {
    const times: number[] = [];
    for (let count = 0; count < GETS; count++) {
      const { id } = shards[Math.floor(Math.random() * shards.length)]!;
      const startedMs = performance.now();
      await store.get(id);
      times.push(performance.now() - startedMs);
    }
    times.sort((a, b) => a - b);
    p50.push(times[Math.floor(times.length / 2)]!);
    p99.push(times[Math.floor(times.length * 0.99)]!);
  }
  report.add('get of 4 KiB, warm, one at a time, p50', p50, 'ms');
  report.add('get of 4 KiB, warm, one at a time, p99', p99, 'ms');
}

/** What the rounds above are too short for: puts in a row, the store's commits of its index among them. */
async function lastingPuts(): Promise<void> {
  const store = await openStore(`${folder()}/shards`);
  const rival = await lmdbRival(folder());
  const seconds = { ours: 0, theirs: 0 };
  const delayMs = { p99: [] as number[], longest: [] as number[] };
  for (let portion = 0; portion < LASTING_PORTIONS; portion++) {
    const shards = freshShards(LASTING_PUTS, SMALL);
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    seconds.ours += await timed(shards, 64, (it) => store.put({ ...it, owner: OWNER }));
    delay.disable();
    delayMs.p99.push(delay.percentile(99) / 1e6);
    delayMs.longest.push(delay.max / 1e6);
    seconds.theirs += shards.length / (await rivalPerSecond(rival, shards));
  }
  await rival.close();
  await store.close();
  const puts = LASTING_PORTIONS * LASTING_PUTS;
  report.add(`${puts} durable 4 KiB puts in a row, index commits included`, [puts / seconds.ours], 'put/s', {
    name: rival.name,
    values: [puts / seconds.theirs],
  });
  report.add('event-loop delay during these puts, p99 of a portion', delayMs.p99, 'ms');
  report.add('event-loop delay during these puts, longest of all', [Math.max(...delayMs.longest)], 'ms');
}

async function bigPuts(lengthBytes: number, label: string): Promise<void> {
  const count = BIG_BYTES / lengthBytes;
  const ours: number[] = [];
  const limits: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const shards = freshShards(count, lengthBytes);
    const dir = folder();
    const store = await openStore(`${dir}/shards`);
    const seconds = await timed(shards, 32, (it) => store.put({ ...it, owner: OWNER }));
    await store.close();
    rmSync(dir, { recursive: true });
    const limit = ddMBPerSecond(root, lengthBytes, count);
    if (round === 0) continue;
    ours.push(BIG_BYTES / seconds / 1e6);
    limits.push(limit);
  }
  report.add(`durable ${label} puts, 32 in flight`, ours, 'MB/s', {
    name: 'dd conv=fdatasync',
    values: limits,
  });
}

function million(): void {
  const dir = `${folder()}/shards`;
  const run = (what: string) => {
    const result = spawnSync(process.execPath, [MILLION, what, dir], { encoding: 'utf8' });
    if (result.status !== 0) throw new Error(`${what}: ${result.stderr}`);
    return JSON.parse(result.stdout) as { ms: number; peakMiB: number };
  };
  run('make');
  const opened = Array.from({ length: 5 }, () => run('open'));
  report.add(
    'opening one million records',
    opened.map((it) => it.ms),
    'ms',
  );
  report.add(
    'peak memory of the process that opened them',
    opened.map((it) => it.peakMiB),
    'MiB',
  );
  const rebuilt = [run('rebuild')];
  report.add(
    'building their index anew from the segments',
    rebuilt.map((it) => it.ms),
    'ms',
  );
  report.add(
    'peak memory of that',
    rebuilt.map((it) => it.peakMiB),
    'MiB',
  );
}

try {
  report.note(`the disk under ${root}; better-sqlite3 is not a dependency: node:sqlite stands for SQLite`);
  const only = process.argv.slice(2).filter((word) => !word.startsWith('--'));
  const wanted = (name: string) => only.length === 0 || only.includes(name);
  if (wanted('small')) await smallPuts();
  if (wanted('lasting')) await lastingPuts();
  if (wanted('big')) {
    await bigPuts(256 * 1024, '256 KiB');
    await bigPuts(2 ** 20, '1 MiB');
  }
  if (wanted('million')) million();
} finally {
  rmSync(root, { recursive: true, force: true });
}
report.end();
