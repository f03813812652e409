/** Long work under way and just ended: what the jobs panel and `jobs` show, wait for and cancel. */
import { asDatameshError, DatameshError } from '../../errors.ts';
import type { Clock } from '../effects/clock.ts';
import type { CallOptions, Progress } from '../engine.ts';
import type { JobDetail, JobLine, JobView } from '../views/jobs.ts';
import { JobLog } from './job-log.ts';
import { JobRate } from './job-rate.ts';

/** Ended transfers kept, as many of what the node does by itself, and as many of all else: a thousand small gets do not push out how last night's drain ended. */
const KEPT_ENDED = 50;
const TRANSFERS: ReadonlySet<string> = new Set(['put', 'get']);
/** A cancelled job that has not ended by then is told of as it is. */
const CANCEL_WAIT_MS = 10_000;

export interface Job {
  readonly id: string;
  readonly verb: string;
  readonly target: string;
  state: JobView['state'];
  doneBytes: number;
  totalBytes: number | undefined;
  doneItems: number | undefined;
  totalItems: number | undefined;
  startedAtMs: number;
  endedAtMs: number | undefined;
  error: string | undefined;
  /** Aborted when somebody cancels the job, or its caller gives up. */
  readonly signal: AbortSignal;
}

interface Kept extends Job {
  unasked: boolean;
  startedMs: number;
  endedMs: number | undefined;
  bytes: JobRate;
  items: JobRate;
  log: JobLog;
  stop(): void;
  /** Its caller's signal is let go of. */
  unlink(): void;
  /** Told at its end. */
  watchers: Set<() => void>;
}

export interface JobOptions {
  /** The caller's. */
  signal?: AbortSignal | undefined;
  /** The node does it by itself, again and again: it is kept apart from what somebody asked for. */
  unasked?: boolean | undefined;
  /** Beside aborting the job's signal: a drain goes on unless its node is told that it stays. */
  cancel?: (() => void) | undefined;
}

export class Jobs {
  private readonly running = new Map<string, Kept>();
  /** Oldest first. */
  private readonly ended = { transfers: [] as Kept[], unasked: [] as Kept[], others: [] as Kept[] };
  private next = 1;
  private readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Runs `work` as a job; its progress goes to the panel and to the caller, and either may cancel it. */
  async run<T>(
    verb: string,
    target: string,
    call: CallOptions,
    work: (call: CallOptions) => Promise<T>,
    options: Pick<JobOptions, 'unasked'> = {},
  ): Promise<T> {
    const job = this.start(verb, target, { ...options, signal: call.signal });
    try {
      const result = await work({
        ...call,
        signal: job.signal,
        onProgress: (progress) => {
          this.progress(job, progress);
          call.onProgress?.(progress);
        },
        onLine: (text, level) => this.line(job, text, level),
      });
      this.end(job, 'done');
      return result;
    } catch (error) {
      this.fail(job, error);
      throw error;
    }
  }

  /** The same stream; reading it moves the job, its end ends the job. */
  follow(
    job: Job,
    body: AsyncIterable<Uint8Array>,
    totalBytes: number,
    onProgress: CallOptions['onProgress'],
  ): AsyncGenerator<Uint8Array> {
    // Of a stream that nobody begins to read nothing runs, its end neither.
    const unread = () => this.end(job, 'cancelled');
    if (job.signal.aborted) unread();
    job.signal.addEventListener('abort', unread, { once: true });
    const begun = () => job.signal.removeEventListener('abort', unread);
    return this.followed(job, body, totalBytes, onProgress, begun);
  }

  private async *followed(
    job: Job,
    body: AsyncIterable<Uint8Array>,
    totalBytes: number,
    onProgress: CallOptions['onProgress'],
    begun: () => void,
  ): AsyncGenerator<Uint8Array> {
    begun();
    let doneBytes = 0;
    try {
      for await (const piece of body) {
        yield piece;
        job.signal.throwIfAborted();
        doneBytes += piece.length;
        this.progress(job, { doneBytes, totalBytes });
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

  start(verb: string, target: string, { signal, unasked = false, cancel }: JobOptions = {}): Job {
    const stopper = new AbortController();
    // Not AbortSignal.any: that leaves a reference at a signal as old as the engine, for each of a million small puts.
    const follow = () => stopper.abort(signal?.reason);
    signal?.addEventListener('abort', follow, { once: true });
    if (signal?.aborted) follow();
    const startedMs = this.clock.monotonic();
    const job: Kept = {
      id: `${verb}-${this.next++}`,
      verb,
      target,
      state: 'running',
      doneBytes: 0,
      totalBytes: undefined,
      doneItems: undefined,
      totalItems: undefined,
      startedAtMs: this.clock.now(),
      startedMs,
      endedAtMs: undefined,
      endedMs: undefined,
      error: undefined,
      signal: stopper.signal,
      unasked,
      bytes: new JobRate(startedMs),
      items: new JobRate(startedMs),
      log: new JobLog(startedMs),
      stop() {
        stopper.abort(new DatameshError('cancelled', { what: 'the job was cancelled' }));
        cancel?.();
      },
      unlink: () => signal?.removeEventListener('abort', follow),
      watchers: new Set(),
    };
    this.running.set(job.id, job);
    return job;
  }

  /** A line for the log of a job that runs. */
  line(job: Job, text: string, level: JobLine['level'] = 'info'): void {
    this.running.get(job.id)?.log.add(this.clock.now(), level, text);
  }

  progress(job: Job, { doneBytes, totalBytes, doneItems, totalItems }: Progress): void {
    const kept = this.running.get(job.id);
    if (kept === undefined) return;
    const nowMs = this.clock.monotonic();
    job.doneBytes = doneBytes;
    job.totalBytes = totalBytes;
    kept.bytes.note(nowMs, doneBytes);
    if (doneItems !== undefined) {
      job.doneItems = doneItems;
      job.totalItems = totalItems;
      kept.items.note(nowMs, doneItems);
    }
    const share = totalBytes ? doneBytes / totalBytes : totalItems ? (doneItems ?? 0) / totalItems : 0;
    kept.log.progress(this.clock.now(), nowMs, share);
  }

  end(job: Job, state: JobView['state'], error?: string): void {
    const kept = this.running.get(job.id);
    if (kept === undefined || state === 'running') return;
    const why = error === undefined ? '' : `: ${error}`;
    if (state !== 'done') this.line(job, `${state}${why}`, state === 'failed' ? 'error' : 'warn');
    kept.state = state;
    kept.endedAtMs = this.clock.now();
    kept.endedMs = this.clock.monotonic();
    kept.error = error;
    kept.unlink();
    this.running.delete(kept.id);
    const { transfers, unasked, others } = this.ended;
    const list = TRANSFERS.has(kept.verb) ? transfers : kept.unasked ? unasked : others;
    list.push(kept);
    if (list.length > KEPT_ENDED) list.shift();
    for (const watcher of kept.watchers) watcher();
    kept.watchers.clear();
  }

  fail(job: Job, error: unknown): void {
    const failure = asDatameshError(error);
    this.end(job, failure.code === 'cancelled' ? 'cancelled' : 'failed', failure.message);
  }

  /** The newest first. */
  view(): JobView[] {
    return this.all()
      .sort((a, b) => b.startedMs - a.startedMs || numberOf(b) - numberOf(a))
      .map((job) => this.viewOf(job));
  }

  /** Throws `not-found`. */
  show(id: string): JobDetail {
    const job = this.find(id);
    return { ...this.viewOf(job), ...job.log.view() };
  }

  /** Resolves when it has ended. Throws `not-found`, `cancelled` when the caller gives up. */
  async wait(id: string, { signal, onProgress }: CallOptions): Promise<JobView> {
    const job = this.find(id);
    while (job.state === 'running') {
      signal?.throwIfAborted();
      const { doneBytes, totalBytes, doneItems, totalItems } = job;
      onProgress?.({ doneBytes, totalBytes, doneItems, totalItems });
      await this.ending(job, WATCH_MS, signal);
    }
    return this.viewOf(job);
  }

  /** Resolves when it has ended, or does not within seconds. Throws `not-found`. */
  async cancel(id: string): Promise<JobView> {
    const job = this.find(id);
    if (job.state === 'running') {
      this.line(job, 'told to stop', 'warn');
      job.stop();
      await this.ending(job, CANCEL_WAIT_MS, undefined);
    }
    return this.viewOf(job);
  }

  private all(): Kept[] {
    const { transfers, unasked, others } = this.ended;
    return [...transfers, ...unasked, ...others, ...this.running.values()];
  }

  /** Its end, or `forMs`, or the signal: whatever comes first. */
  private async ending(job: Kept, forMs: number, signal: AbortSignal | undefined): Promise<void> {
    if (job.state !== 'running') return;
    await new Promise<void>((resolve) => {
      const done = () => {
        timer.cancel();
        job.watchers.delete(done);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = this.clock.after(forMs, done);
      job.watchers.add(done);
      signal?.addEventListener('abort', done, { once: true });
    });
  }

  private find(id: string): Kept {
    const found = this.running.get(id) ?? this.all().find((job) => job.id === id);
    if (found !== undefined) return found;
    throw new DatameshError('not-found', {
      what: `there is no job ${JSON.stringify(id.slice(0, 80))}`,
      mend: 'see those that run or have just ended with `datamesh jobs list`',
    });
  }

  private viewOf(job: Kept): JobView {
    const { id, verb, target, state, unasked, doneBytes, totalBytes, doneItems, totalItems } = job;
    const { startedAtMs, endedAtMs, error } = job;
    const [bytesPerSecond, itemsPerSecond] = this.ratesOf(job);
    const left = (total: number | undefined, done: number | undefined, perSecond: number) =>
      state !== 'running' || total === undefined || perSecond === 0
        ? undefined
        : (Math.max(0, total - (done ?? 0)) * 1000) / perSecond;
    return {
      id,
      verb,
      target,
      state,
      unasked,
      doneBytes,
      totalBytes,
      doneItems,
      totalItems,
      bytesPerSecond,
      itemsPerSecond,
      etaMs: left(totalBytes, doneBytes, bytesPerSecond) ?? left(totalItems, doneItems, itemsPerSecond),
      startedAtMs,
      endedAtMs,
      error,
    };
  }

  private ratesOf({ startedMs, endedMs, doneBytes, doneItems = 0, bytes, items }: Kept): [number, number] {
    if (endedMs === undefined) {
      const nowMs = this.clock.monotonic();
      return [bytes.perSecond(nowMs, doneBytes), items.perSecond(nowMs, doneItems)];
    }
    const seconds = (endedMs - startedMs) / 1000;
    return seconds <= 0 ? [0, 0] : [doneBytes / seconds, doneItems / seconds];
  }
}

/** Who waits hears of its progress so often. */
const WATCH_MS = 250;

function numberOf({ id }: Kept): number {
  return Number(id.slice(id.lastIndexOf('-') + 1));
}
