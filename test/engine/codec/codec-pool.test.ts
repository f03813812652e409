import { execFileSync } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  codecPoolReport,
  createCodecPool,
  defaultCodecWorkers,
} from '../../../src/engine/codec/codec-pool.ts';
import { createCodec } from '../../../src/engine/codec/local-codec.ts';
import { Turnstile } from '../../../src/engine/codec/turnstile.ts';
import { pattern } from './reference.ts';

const code = { k: 4, m: 2 };
const MIB = 1024 * 1024;
const fileKey = pattern(32, 1);
const workerFile = new URL('../../../src/engine/codec/codec-worker.ts', import.meta.url);
const jobOf = (chunkIndex: number, length = 300_000) => ({
  code,
  fileKey,
  chunkIndex,
  last: false,
  plaintext: pattern(length, chunkIndex),
});

/** Starts real workers and remembers them. */
function recorded() {
  const workers: Worker[] = [];
  const spawn = () => {
    const worker = new Worker(workerFile);
    workers.push(worker);
    return worker;
  };
  return { workers, spawn };
}

/** Workers that die over every message. */
function deadly() {
  let spawned = 0;
  const source = "require('node:worker_threads').parentPort.once('message', () => process.exit(3))";
  const spawn = () => {
    spawned++;
    return new Worker(source, { eval: true });
  };
  return { spawn, count: () => spawned };
}

describe('codec pool', () => {
  it('starts no worker before it has work, and does small chunks itself', async () => {
    const { workers, spawn } = recorded();
    const pool = createCodecPool({ workers: 2, spawn });
    const small = await pool.encode(jobOf(0, 1000));
    expect(workers).toHaveLength(0);
    expect(small.ids).toEqual((await createCodec().encode(jobOf(0, 1000))).ids);
    await pool.encode(jobOf(1));
    expect(workers).toHaveLength(1);
    await Promise.all([2, 3, 4, 5, 6].map((index) => pool.encode(jobOf(index))));
    expect(workers).toHaveLength(2);
    await pool.close();
  });

  it('replaces a worker that died and does its jobs again, with the same result', async () => {
    const { workers, spawn } = recorded();
    const pool = createCodecPool({ workers: 1, spawn });
    (await pool.encode(jobOf(0))).release();
    const running = [1, 2, 3].map((index) => pool.encode(jobOf(index, 16 * MIB)));
    // Let the first jobs be sent, so that the worker dies amid them: of 4 MiB it had done all three before a busy machine let this thread go on.
    await new Promise((resolve) => setImmediate(resolve));
    await workers[0]!.terminate();
    const local = createCodec();
    for (const [i, stripe] of (await Promise.all(running)).entries()) {
      expect(stripe.ids).toEqual((await local.encode(jobOf(i + 1, 16 * MIB))).ids);
      expect(stripe.ids).toHaveLength(6);
      stripe.release();
    }
    expect(workers).toHaveLength(2);
    await pool.close();
  });

  it('takes a worker whose answer cannot be read, and one that cannot read its job, for dead', async () => {
    const { workers, spawn } = recorded();
    const pool = createCodecPool({ workers: 1, spawn });
    const running = pool.encode(jobOf(0, 16 * MIB));
    await new Promise((resolve) => setImmediate(resolve));
    workers[0]!.emit('messageerror', new Error('no memory for it'));
    expect((await running).ids).toHaveLength(6);
    expect(workers).toHaveLength(2);
    await pool.close();
    const source = `
      const { parentPort } = require('node:worker_threads');
      const on = parentPort.on.bind(parentPort);
      parentPort.on = (event, work) => on(event, event === 'message' ? () => parentPort.emit('messageerror', new Error('unread')) : work);
      import(${JSON.stringify(workerFile.href)});`;
    const deaf = createCodecPool({ workers: 1, spawn: () => new Worker(source, { eval: true }) });
    await expect(deaf.encode(jobOf(0))).rejects.toMatchObject({ code: 'internal', why: 'unread' });
    await deaf.close();
  });

  it('gives a job up when two workers died over it, and works on', async () => {
    const { spawn, count } = deadly();
    const pool = createCodecPool({ workers: 1, spawn });
    await expect(pool.encode(jobOf(0))).rejects.toMatchObject({ code: 'internal', exit: 70 });
    expect(count()).toBe(2);
    await expect(pool.encode(jobOf(1))).rejects.toMatchObject({ code: 'internal' });
    expect((await pool.encode(jobOf(2, 100))).ids).toHaveLength(6);
    await pool.close();
  });

  it('does what waited behind a job that kills its workers', async () => {
    const source = `
      const { parentPort } = require('node:worker_threads');
      const on = parentPort.on.bind(parentPort);
      parentPort.on = (event, work) => on(event, (message) => message.order.chunkIndex === 66 ? process.exit(3) : work(message));
      import(${JSON.stringify(workerFile.href)});`;
    let spawned = 0;
    const spawn = () => {
      spawned++;
      return new Worker(source, { eval: true });
    };
    const pool = createCodecPool({ workers: 1, spawn });
    const [killer, behind] = await Promise.allSettled([pool.encode(jobOf(66)), pool.encode(jobOf(67))]);
    expect(killer).toMatchObject({ status: 'rejected', reason: { code: 'internal' } });
    const { ids } = await createCodec().encode(jobOf(67));
    expect(behind).toMatchObject({ status: 'fulfilled', value: { ids } });
    expect(spawned).toBe(3);
    await pool.close();
  });

  it('works with the workers that it has where no further one can be started', async () => {
    const { workers, spawn } = recorded();
    let threads = 1;
    const pool = createCodecPool({
      workers: 2,
      spawn: () => {
        if (threads-- <= 0) throw new Error('no thread');
        return spawn();
      },
    });
    const stripes = await Promise.all([0, 1, 2].map((index) => pool.encode(jobOf(index))));
    expect(stripes.map(({ ids }) => ids.length)).toEqual([6, 6, 6]);
    expect(workers).toHaveLength(1);
    for (const { release } of stripes) release();
    await workers[0]!.terminate();
    await expect(pool.encode(jobOf(3))).rejects.toMatchObject({ code: 'internal', why: 'no thread' });
    threads = 1;
    expect((await pool.encode(jobOf(3))).ids).toHaveLength(6);
    await pool.close();
  });

  it('rejects what is cancelled at once and takes its memory back', async () => {
    const pool = createCodecPool({ workers: 1 });
    (await pool.encode(jobOf(0))).release();
    for (let round = 0; round < 12; round++) {
      const stopper = new AbortController();
      const jobs = Array.from({ length: 6 }, (_, i) =>
        pool.encode({ ...jobOf(i, MIB), signal: stopper.signal }),
      );
      // Given to the worker and answered by nobody: no message is read before this turn of the loop has ended, however busy the machine.
      for (let turn = 0; turn < 100; turn++) await undefined;
      stopper.abort(new Error('enough'));
      const results = await Promise.allSettled(jobs);
      for (const it of results) if (it.status === 'fulfilled') it.value.release();
      expect(results.at(-1)).toMatchObject({ status: 'rejected', reason: { message: 'enough' } });
    }
    const aborted = AbortSignal.abort(new Error('before'));
    await expect(pool.encode({ ...jobOf(0), signal: aborted })).rejects.toThrow('before');
    // More cancelled stripes than there are slots: had any kept its slot, this would be a copy without one.
    const stripe = await pool.encode(jobOf(1));
    expect(stripe.shards[0]!.buffer).toBeInstanceOf(SharedArrayBuffer);
    await pool.close();
  });

  it('ends what is under way when it is closed', async () => {
    const pool = createCodecPool({ workers: 1 });
    const results = Promise.allSettled([0, 1, 2, 3].map((index) => pool.encode(jobOf(index, MIB))));
    await new Promise((resolve) => setImmediate(resolve));
    await pool.close();
    expect((await results).map((it) => it.status)).toContain('rejected');
    await expect(pool.encode(jobOf(9))).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('holds no more memory than its formula says, whatever waits', async () => {
    const pool = createCodecPool({ workers: 1 });
    const buffers = new Set<ArrayBufferLike>();
    const one = async (index: number) => {
      const stripe = await pool.encode(jobOf(index, MIB));
      if (stripe.shards[0]!.buffer instanceof SharedArrayBuffer) buffers.add(stripe.shards[0]!.buffer);
      await new Promise((resolve) => setImmediate(resolve));
      stripe.release();
    };
    await Promise.all(Array.from({ length: 200 }, (_, i) => one(i)));
    const { maxSlots } = codecPoolReport(1);
    expect(buffers.size).toBeLessThanOrEqual(maxSlots);
    const slotBytes = [...buffers].map((buffer) => buffer.byteLength);
    const stripeBytes = 6 * (MIB / 4 + 128);
    for (const bytes of slotBytes) expect(bytes).toBeLessThanOrEqual(stripeBytes + 2 * 65_536);
    await pool.close();
  });

  it('makes stripes of any size one after another in the same memories, which its workers see grow', async () => {
    const { Memory } = WebAssembly;
    let memories = 0;
    class Counted extends Memory {
      constructor(of: ConstructorParameters<typeof Memory>[0]) {
        super(of);
        if (of.shared === true) memories++;
      }
    }
    Reflect.set(WebAssembly, 'Memory', Counted);
    onTestFinished(() => void Reflect.set(WebAssembly, 'Memory', Memory));
    const { workers, spawn } = recorded();
    const pool = createCodecPool({ workers: 1, spawn });
    const local = createCodec();
    for (const [at, kib] of [200, 900, 300, 4096, 5000, 150].entries()) {
      const job = jobOf(at, kib * 1024);
      const { ids, shards, shardBytes, release } = await pool.encode(job);
      expect(ids).toEqual((await local.encode(job)).ids);
      const opened = await pool.decode({
        ...job,
        shardBytes,
        plaintextBytes: job.plaintext.length,
        ids,
        shards: new Map([1, 2, 3, 5].map((index) => [index, Uint8Array.from(shards[index]!)])),
      });
      expect(Buffer.compare(opened.bytes, job.plaintext)).toBe(0);
      opened.release();
      release();
    }
    expect(workers).toHaveLength(1);
    // One is lent while another is opened in.
    expect(memories).toBe(2);
    await pool.close();
  });

  it('does without a memory that the machine has not, and uses its workers again afterwards', async () => {
    const { workers, spawn } = recorded();
    const pool = createCodecPool({ workers: 1, spawn });
    const { Memory } = WebAssembly;
    onTestFinished(() => {
      WebAssembly.Memory = Memory;
    });
    WebAssembly.Memory = class extends Memory {
      constructor(descriptor: { initial: number; maximum?: number; shared?: boolean }) {
        if (descriptor.shared) throw new RangeError('could not allocate memory');
        super(descriptor);
      }
    };
    const { ids } = await createCodec().encode(jobOf(0));
    // More often than the pool has turns.
    for (let i = 0; i < 4; i++) expect((await pool.encode(jobOf(0))).ids).toEqual(ids);
    expect(workers).toHaveLength(0);
    WebAssembly.Memory = Memory;
    expect((await pool.encode(jobOf(0))).ids).toEqual(ids);
    expect(workers).toHaveLength(1);
    await pool.close();
  });

  it('lets the process end while it idles', () => {
    const file = new URL('../../../src/engine/codec/codec-pool.ts', import.meta.url);
    const script = `
      const { createCodecPool } = await import(${JSON.stringify(file.href)});
      const pool = createCodecPool({ workers: 1 });
      const stripe = await pool.encode({ code: { k: 4, m: 2 }, fileKey: new Uint8Array(32), chunkIndex: 0, last: true, plaintext: new Uint8Array(1e6) });
      process.stdout.write(String(stripe.ids.length));`;
    const args = ['--input-type=module', '--eval', script];
    expect(execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 15_000 })).toBe('6');
  });

  it('has a size that the machine gives, or is told', () => {
    expect(defaultCodecWorkers()).toBe(Math.max(1, navigator.hardwareConcurrency - 1));
    expect(codecPoolReport(3)).toMatchObject({ workers: 3, maxSlots: 14 });
    expect(codecPoolReport(0)).toEqual({ workers: 0, maxSlots: 0, maxBytes: 0 });
    expect(() => createCodecPool({ workers: -1 })).toThrow(RangeError);
  });
});

describe('turnstile', () => {
  it('lets as many in as it has places, in order, and forgets who gave up', async () => {
    const turns = new Turnstile(2);
    const leave = [await turns.enter(), await turns.enter()];
    const order: string[] = [];
    const stopper = new AbortController();
    const a = turns.enter().then((out) => order.push('a') && out);
    const b = turns.enter(stopper.signal).catch(() => order.push('b gave up'));
    const c = turns.enter().then((out) => order.push('c') && out);
    stopper.abort();
    await b;
    leave[0]!();
    leave[0]!();
    await a;
    expect(order).toEqual(['b gave up', 'a']);
    leave[1]!();
    await c;
    expect(order).toEqual(['b gave up', 'a', 'c']);
  });
});
