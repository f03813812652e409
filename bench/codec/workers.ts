/**
 * Worker threads: two against one, and how free they keep the event loop. Wall-clock time, so only a machine with idle cores tells the truth. What its cores
 * can do is measured in the same turns: two processes with the same work, which share nothing, against one.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism, loadavg } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createCodecPool } from '../../src/engine/codec/codec-pool.ts';
import type { Report } from '../support/rows.ts';
import { inTurns, type Turn } from './timing.ts';
import { type Direction, type Work, workOf } from './work.ts';

/** Stripes under way, as in a put. */
const WINDOW = 4;
const TURN_MS = 250;
const TURNS = 9;
const SETTLE_MS = 2;

export async function workerRows(report: Report, size: number): Promise<void> {
  const busy = loadavg()[0]!;
  if (availableParallelism() < 2) return report.note('one core: two workers cannot be compared with one');
  if (busy > 0.5)
    report.note(`the machine is busy (load ${busy.toFixed(1)}): scaling over cores is not to be trusted`);
  const pools = [0, 1, 2].map((workers) => createCodecPool({ workers }));
  const work = await Promise.all(pools.map((pool) => workOf(pool, size)));
  const processes = await Promise.all([startProcess(size), startProcess(size)]);
  try {
    for (const direction of ['put', 'get'] as const) {
      await directionRows(report, size, direction, work, processes);
    }
    const { one, two } = await inTurns(
      { one: receivedRate(size, work[1]!), two: receivedRate(size, work[2]!) },
      TURNS,
    );
    report.add(`get 4+2 with 2 lost, ${size / 2 ** 20} MiB, received in place, two workers`, two, 'GB/s', {
      name: 'one worker',
      values: one,
    });
  } finally {
    for (const child of processes) child.disconnect();
    for (const pool of pools) await pool.close();
  }
}

async function directionRows(
  report: Report,
  size: number,
  direction: Direction,
  work: Work[],
  processes: ChildProcess[],
): Promise<void> {
  const longest: number[][] = [[], [], []];
  const cpu: number[][] = [[], [], []];
  const turn = (workers: number): Turn => {
    const call = work[workers]![direction];
    return () => throughput(size, call, longest[workers]!, cpu[workers]!);
  };
  const together = (children: ChildProcess[]) => async () =>
    (await Promise.all(children.map((child) => rateOf(child, direction)))).reduce((sum, it) => sum + it, 0);
  const { none, one, two, alone, both } = await inTurns(
    {
      none: turn(0),
      one: turn(1),
      two: turn(2),
      alone: together(processes.slice(0, 1)),
      both: together(processes),
    },
    TURNS,
  );
  const what = `${direction === 'put' ? 'put' : 'get with 2 lost'} 4+2, ${size / 2 ** 20} MiB`;
  report.add(`${what}, two workers`, two, 'GB/s', { name: 'one worker', values: one });
  report.add(`${what}, two processes of one thread`, both, 'GB/s', { name: 'one process', values: alone });
  report.add(`${what}, one worker`, one, 'GB/s', { name: 'in this thread', values: none });
  // On free cores two workers do 2 / this ratio of what one does; a busy machine shows it too.
  report.add(`${what}, two workers: CPU time per stripe`, cpu[2]!.slice(1), 'ms', {
    name: 'one worker',
    values: cpu[1]!.slice(1),
  });
  report.add(`${what}, one worker: longest hold of the event loop`, longest[1]!.slice(1), 'ms', {
    name: 'in this thread',
    values: longest[0]!.slice(1),
  });
}

/** Stripes that lie in their landings, where a socket would have read them to, all decoded at once; how they got there is not counted. */
function receivedRate(size: number, work: Work): Turn {
  return async () => {
    let stripes = 0;
    let elapsedMs = 0;
    do {
      const received = await work.received();
      // Filling them kept the event loop busy for so long that the scheduler would now put this thread behind the workers.
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      const start = performance.now();
      await received.get();
      elapsedMs += performance.now() - start;
      stripes += received.stripes;
    } while (elapsedMs < TURN_MS);
    return (stripes * size) / elapsedMs / 1e6;
  };
}

async function startProcess(size: number): Promise<ChildProcess> {
  const child = fork(new URL('./alone-entry.ts', import.meta.url), [String(size)], {
    execArgv: process.execArgv,
  });
  await once(child, 'message');
  return child;
}

async function rateOf(child: ChildProcess, direction: Direction): Promise<number> {
  const answer = once(child, 'message');
  child.send({ direction, turnMs: TURN_MS });
  return (await answer)[0] as number;
}

/** GB/s of wall-clock time with WINDOW calls under way; the longest time that the event loop was held goes to `longest`. */
async function throughput(
  bytes: number,
  call: () => Promise<unknown>,
  longest: number[],
  cpu: number[],
): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const start = performance.now();
  const before = process.cpuUsage();
  let calls = 0;
  const lane = async () => {
    while (performance.now() - start < TURN_MS) {
      await call();
      calls++;
      // As a put does, which waits for its sends: timers and sockets get their turn.
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await Promise.all(Array.from({ length: WINDOW }, lane));
  delay.disable();
  longest.push(delay.max / 1e6);
  const used = process.cpuUsage(before);
  cpu.push((used.user + used.system) / 1000 / calls);
  return (calls * bytes) / (performance.now() - start) / 1e6;
}
