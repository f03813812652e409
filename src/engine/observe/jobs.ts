import { asDatameshError } from '../../errors.ts';
import type { Clock } from '../effects/clock.ts';
import type { CallOptions, JobView } from '../engine.ts';

/** Ended jobs kept for the panel. */
const KEPT_ENDED = 50;

interface Job extends JobView {
  startedMonotonicMs: number;
}

/** Long work under way and just ended: what the jobs panel shows. */
export class Jobs {
  private readonly jobs = new Map<string, Job>();
  private next = 1;
  private readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Runs `work` as a job; its progress goes to the panel and to the caller. */
  async run<T>(
    verb: string,
    target: string,
    call: CallOptions,
    work: (call: CallOptions) => Promise<T>,
  ): Promise<T> {
    const job = this.start(verb, target);
    try {
      const result = await work({
        ...call,
        onProgress: (progress) => {
          this.progress(job, progress.doneBytes, progress.totalBytes);
          call.onProgress?.(progress);
        },
      });
      this.end(job, 'done');
      return result;
    } catch (error) {
      this.fail(job, error);
      throw error;
    }
  }

  /** The same stream; reading it moves the job, its end ends the job. */
  async *follow(
    job: Job,
    body: AsyncIterable<Uint8Array>,
    totalBytes: number,
    onProgress: CallOptions['onProgress'],
  ): AsyncGenerator<Uint8Array> {
    let doneBytes = 0;
    try {
      for await (const piece of body) {
        yield piece;
        doneBytes += piece.length;
        this.progress(job, doneBytes, totalBytes);
        onProgress?.({ doneBytes, totalBytes });
      }
      this.end(job, 'done');
    } catch (error) {
      this.fail(job, error);
      throw error;
    } finally {
      // The reader may stop early; that is no failure of the job.
      this.end(job, 'cancelled');
    }
  }

  start(verb: string, target: string): Job {
    const job: Job = {
      id: `${verb}-${this.next++}`,
      verb,
      target,
      state: 'running',
      doneBytes: 0,
      totalBytes: undefined,
      bytesPerSecond: 0,
      etaMs: undefined,
      startedAtMs: this.clock.now(),
      startedMonotonicMs: this.clock.monotonic(),
      endedAtMs: undefined,
      error: undefined,
    };
    this.jobs.set(job.id, job);
    this.dropOldest();
    return job;
  }

  progress(job: Job, doneBytes: number, totalBytes: number | undefined): void {
    const elapsedMs = Math.max(1, this.clock.monotonic() - job.startedMonotonicMs);
    job.doneBytes = doneBytes;
    job.totalBytes = totalBytes;
    job.bytesPerSecond = (doneBytes * 1000) / elapsedMs;
    job.etaMs =
      totalBytes === undefined || job.bytesPerSecond === 0
        ? undefined
        : ((totalBytes - doneBytes) * 1000) / job.bytesPerSecond;
  }

  end(job: Job, state: JobView['state'], error?: string): void {
    if (job.state !== 'running') return;
    job.state = state;
    job.endedAtMs = this.clock.now();
    job.etaMs = undefined;
    job.error = error;
  }

  fail(job: Job, error: unknown): void {
    const failure = asDatameshError(error);
    this.end(job, failure.code === 'cancelled' ? 'cancelled' : 'failed', failure.message);
  }

  view(): JobView[] {
    return [...this.jobs.values()].map(({ startedMonotonicMs: _, ...view }) => view).reverse();
  }

  private dropOldest(): void {
    const ended = [...this.jobs.values()].filter((job) => job.state !== 'running');
    for (const job of ended.slice(0, Math.max(0, ended.length - KEPT_ENDED))) this.jobs.delete(job.id);
  }
}
