/** Worker threads: two against one, and how free they keep the event loop. Wall-clock time, so only a machine with idle cores tells the truth. */
import { availableParallelism, loadavg } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Codec } from '../../src/engine/codec/codec.ts';
import { createCodecPool } from '../../src/engine/codec/codec-pool.ts';
import type { Report } from '../support/rows.ts';
import { inTurns, noise, type Turn } from './timing.ts';

const CODE = { k: 4, m: 2 };
/** Stripes under way, as in a put. */
const WINDOW = 4;
const TURN_MS = 250;
const fileKey = new Uint8Array(32).fill(9);

export async function workerRows(report: Report, size: number): Promise<void> {
  const busy = loadavg()[0]!;
  if (availableParallelism() < 2) return report.note('one core: two workers cannot be compared with one');
  if (busy > 0.5)
    report.note(`the machine is busy (load ${busy.toFixed(1)}): scaling over cores is not to be trusted`);
  const pools = {
    none: createCodecPool({ workers: 0 }),
    one: createCodecPool({ workers: 1 }),
    two: createCodecPool({ workers: 2 }),
  };
  const plaintext = noise(size);
  const encode = (codec: Codec) => async () =>
    (await codec.encode({ code: CODE, fileKey, chunkIndex: 0, last: false, plaintext })).release();
  const stripe = await pools.none.encode({ code: CODE, fileKey, chunkIndex: 0, last: false, plaintext });
  const shards = new Map([2, 3, 4, 5].map((index) => [index, Uint8Array.from(stripe.shards[index]!)]));
  const { shardBytes } = stripe;
  stripe.release();
  const decode = (codec: Codec) => async () =>
    (
      await codec.decode({
        code: CODE,
        fileKey,
        chunkIndex: 0,
        last: false,
        plaintextBytes: size,
        shardBytes,
        shards,
      })
    ).release();
  const mib = `${size / 2 ** 20} MiB`;
  for (const [what, call] of [
    ['put', encode],
    ['get with 2 lost (decode and open)', decode],
  ] as const) {
    const longest = { none: [] as number[], one: [] as number[], two: [] as number[] };
    const cpu = { none: [] as number[], one: [] as number[], two: [] as number[] };
    const turn =
      (name: keyof typeof pools): Turn =>
      () =>
        throughput(size, call(pools[name]), longest[name], cpu[name]);
    const figures = await inTurns({ none: turn('none'), one: turn('one'), two: turn('two') }, 9);
    report.add(`${what} 4+2, ${mib}, two workers`, figures.two, 'GB/s', {
      name: 'one worker',
      values: figures.one,
    });
    report.add(`${what} 4+2, ${mib}, one worker`, figures.one, 'GB/s', {
      name: 'in this thread',
      values: figures.none,
    });
    // On free cores two workers do 2 / this ratio of what one does; a busy machine shows it too.
    report.add(`${what} 4+2, ${mib}, two workers: CPU time per stripe`, cpu.two.slice(1), 'ms', {
      name: 'one worker',
      values: cpu.one.slice(1),
    });
    report.add(
      `${what} 4+2, ${mib}, one worker: longest hold of the event loop`,
      longest.one.slice(1),
      'ms',
      {
        name: 'in this thread',
        values: longest.none.slice(1),
      },
    );
  }
  for (const pool of Object.values(pools)) await pool.close();
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
