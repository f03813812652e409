import { describe, expect, it } from 'vitest';
import { Jobs } from '../../../src/engine/observe/jobs.ts';
import { DatameshError } from '../../../src/errors.ts';
import { manualClock } from '../../support/manual-clock.ts';

const at = (doneBytes: number, totalBytes: number | undefined = undefined) => ({ doneBytes, totalBytes });

describe('rates and what is left', () => {
  it('are those of the last seconds, not of the whole time, and fall to nothing while nothing moves', () => {
    const clock = manualClock();
    const jobs = new Jobs(clock);
    const job = jobs.start('repair', 'x');
    // A hundred slow seconds, ten quick ones.
    for (let second = 1; second <= 100; second++) {
      clock.advance(1000);
      jobs.progress(job, at(second * 10, 101_000));
    }
    for (let second = 1; second <= 10; second++) {
      clock.advance(1000);
      jobs.progress(job, at(1000 + second * 1000, 101_000));
    }
    const { bytesPerSecond, etaMs } = jobs.show(job.id);
    expect(bytesPerSecond).toBeCloseTo(1000, 0);
    expect(etaMs).toBeCloseTo(90_000, -2);
    clock.advance(60_000);
    expect(jobs.show(job.id).bytesPerSecond).toBe(0);
    expect(jobs.show(job.id).etaMs).toBeUndefined();
    jobs.end(job, 'done');
    // Of what has ended it is the whole.
    expect(jobs.show(job.id).bytesPerSecond).toBeCloseTo(11_000 / 170, 5);
  });

  it('go by items where bytes have no total', () => {
    const clock = manualClock();
    const jobs = new Jobs(clock);
    const job = jobs.start('verify', 'all objects');
    clock.advance(2000);
    jobs.progress(job, { ...at(0), doneItems: 20, totalItems: 100 });
    expect(jobs.show(job.id)).toMatchObject({
      doneItems: 20,
      totalItems: 100,
      itemsPerSecond: 10,
      etaMs: 8000,
    });
  });
});

describe('the registry', () => {
  it('keeps what runs and a bounded number of what has ended; small transfers push nothing else out', () => {
    const jobs = new Jobs(manualClock());
    const running = jobs.start('put', 'long');
    jobs.end(jobs.start('drain', 'alpha'), 'done');
    for (let i = 0; i < 10_000; i++) jobs.end(jobs.start('get', `small ${i}`), 'done');
    for (let i = 0; i < 100; i++) jobs.end(jobs.start('repair', `${i}`, { unasked: true }), 'done');
    const seen = jobs.view();
    expect(seen).toHaveLength(102);
    expect(seen.map(({ id }) => id)).toEqual(expect.arrayContaining([running.id, 'drain-2', 'get-10002']));
    expect(seen[0]!.id).toBe('repair-10102');
  });

  it('waits for the end, tells the progress meanwhile, and may be left', async () => {
    const clock = manualClock();
    const jobs = new Jobs(clock);
    const job = jobs.start('put', 'x');
    const seen: number[] = [];
    const waiting = jobs.wait(job.id, { onProgress: ({ doneBytes }) => seen.push(doneBytes) });
    jobs.progress(job, at(7));
    clock.advance(300);
    await Promise.resolve();
    const left = new AbortController();
    const given = jobs.wait(job.id, { signal: left.signal });
    left.abort();
    await expect(given).rejects.toThrow();
    expect(job.state).toBe('running');
    jobs.end(job, 'failed', 'why');
    expect(await waiting).toMatchObject({ state: 'failed', error: 'why' });
    expect(seen).toEqual([0, 7]);
    expect((await jobs.wait(job.id, {})).state).toBe('failed');
    expect(() => jobs.show('put-99')).toThrowError(expect.objectContaining({ code: 'not-found' }));
  });

  it('cancels by the signal that the work was given; the error is the job’s state', async () => {
    const jobs = new Jobs(manualClock());
    const working = jobs.run('cleanup', 'shards', {}, async ({ signal }) => {
      await new Promise((_, reject) => signal!.addEventListener('abort', () => reject(signal!.reason)));
    });
    const failed = working.catch((error: DatameshError) => error.code);
    expect(await jobs.cancel('cleanup-1')).toMatchObject({ state: 'cancelled' });
    expect(await failed).toBe('cancelled');
    expect((await jobs.cancel('cleanup-1')).state).toBe('cancelled');
  });

  it('ends with the caller’s signal as well, and lets go of it at its end', async () => {
    const jobs = new Jobs(manualClock());
    const caller = new AbortController();
    await jobs.run('put', 'quick', { signal: caller.signal }, async () => {});
    let seen: AbortSignal | undefined;
    const working = jobs.run('put', 'x', { signal: caller.signal }, async ({ signal }) => {
      seen = signal;
      await new Promise((_, reject) => signal!.addEventListener('abort', () => reject(signal!.reason)));
    });
    caller.abort(new DatameshError('cancelled', { what: 'enough' }));
    await expect(working).rejects.toThrow('enough');
    expect(seen!.aborted).toBe(true);
    expect(jobs.view().map(({ state }) => state)).toEqual(['cancelled', 'done']);
  });

  it('says that a job has not ended when it does not within seconds', async () => {
    const clock = manualClock();
    const jobs = new Jobs(clock);
    let told = 0;
    const job = jobs.start('drain', 'alpha', { cancel: () => told++ });
    const cancelling = jobs.cancel(job.id);
    clock.advance(10_000);
    expect((await cancelling).state).toBe('running');
    expect(told).toBe(1);
    expect(job.signal.aborted).toBe(true);
  });

  it('stops a stream at its next piece', async () => {
    const jobs = new Jobs(manualClock());
    const job = jobs.start('get', 'x');
    const endless = async function* () {
      for (;;) yield new Uint8Array(1);
    };
    const reading = async () => {
      let pieces = 0;
      for await (const _ of jobs.follow(job, endless(), 100, undefined))
        if (++pieces === 3) void jobs.cancel(job.id);
    };
    await expect(reading()).rejects.toMatchObject({ code: 'cancelled' });
    expect(jobs.show(job.id)).toMatchObject({ state: 'cancelled', doneBytes: 2 });
  });

  it.each(['before', 'after'])('a read whose caller goes %s its bytes are there has ended', async (when) => {
    const jobs = new Jobs(manualClock());
    const caller = new AbortController();
    const job = jobs.start('get', 'large', { signal: caller.signal });
    if (when === 'before') caller.abort();
    jobs.follow(job, (async function* () {})(), 100, undefined);
    caller.abort();
    expect(jobs.show(job.id).state).toBe('cancelled');
  });
});

describe('the log of a job', () => {
  const texts = (jobs: Jobs, id: string) => jobs.show(id).log.map(({ level, text }) => `${level} ${text}`);

  it('holds what the work says, how far it was when, and how it ended', async () => {
    const clock = manualClock();
    const jobs = new Jobs(clock);
    const failing = jobs.run('put', 'a', {}, async (call) => {
      call.onLine?.('birch took no shard', 'warn');
      for (let done = 0; done <= 50; done += 5) {
        clock.advance(500);
        call.onProgress?.(at(done, 100));
      }
      throw new DatameshError('failed', { what: 'the disk is gone' });
    });
    await expect(failing).rejects.toThrow('the disk is gone');
    expect(texts(jobs, 'put-1')).toEqual([
      'warn birch took no shard',
      'info 10 % done after 1.5 s',
      'info 20 % done after 2.5 s',
      'info 30 % done after 3.5 s',
      'info 40 % done after 4.5 s',
      'info 50 % done after 5.5 s',
      'error failed: the disk is gone',
    ]);
    expect(jobs.view()[0]).not.toHaveProperty('log');
  });

  it('says nothing of what is done in a moment, and of a cancelled one who ended it', async () => {
    const clock = manualClock();
    const jobs = new Jobs(clock);
    await jobs.run('put', 'small', {}, async (call) => call.onProgress?.(at(100, 100)));
    expect(texts(jobs, 'put-1')).toEqual([]);
    const job = jobs.start('repair', 'x');
    const cancelling = jobs.cancel(job.id);
    jobs.fail(job, job.signal.reason);
    await cancelling;
    expect(texts(jobs, job.id)).toEqual(['warn told to stop', 'warn cancelled: the job was cancelled']);
    jobs.line(job, 'too late');
    expect(texts(jobs, job.id)).toHaveLength(2);
  });

  it('keeps the newest hundred lines, each short, and counts the others', () => {
    const jobs = new Jobs(manualClock());
    const job = jobs.start('repair', 'x');
    for (let line = 0; line < 250; line++) jobs.line(job, `${line} ${'x'.repeat(5000)}`);
    const { log, logDropped } = jobs.show(job.id);
    expect(log).toHaveLength(100);
    expect(logDropped).toBe(150);
    expect(log[0]!.text).toMatch(/^150 x/);
    expect(Math.max(...log.map(({ text }) => text.length))).toBe(300);
  });
});
