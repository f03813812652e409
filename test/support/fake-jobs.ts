/** Two jobs with fixed figures, and what a fake engine does of the job calls. */
import type { JobCalls, JobDetail, JobView } from '../../src/engine/views/jobs.ts';
import { DatameshError } from '../../src/errors.ts';

const MIB = 1024 * 1024;

/** What a fake engine does of the job calls; a cancelled job has ended when it is asked for again. */
export function fakeJobCalls(
  enter: (method: 'jobs', signal?: AbortSignal) => Promise<void>,
  jobs: () => JobView[],
): JobCalls {
  const cancelled = new Set<string>();
  const list = () =>
    jobs().map(
      (job): JobView =>
        cancelled.has(job.id)
          ? { ...job, state: 'cancelled', etaMs: undefined, endedAtMs: job.startedAtMs }
          : job,
    );
  const find = (id: string): JobView => {
    const found = list().find((job) => job.id === id);
    if (found === undefined) throw new DatameshError('not-found', { what: `there is no job "${id}"` });
    return found;
  };
  const show = (id: string): JobDetail => {
    const job = find(id);
    const atMs = job.startedAtMs + 2000;
    const log: JobDetail['log'] = [{ atMs, level: 'info', text: '10 % done after 2.0 s' }];
    if (job.error !== undefined)
      log.push({ atMs: atMs + 8000, level: 'error', text: `failed: ${job.error}` });
    return { ...job, log, logDropped: 0 };
  };
  return {
    list: () => enter('jobs').then(list),
    show: (id) => enter('jobs').then(() => show(id)),
    async wait(id, call) {
      await enter('jobs', call?.signal);
      return { ...find(id), ...(find(id).state === 'running' ? { state: 'done' as const } : {}) };
    },
    async cancel(id) {
      await enter('jobs');
      if (find(id).state === 'running') cancelled.add(id);
      return find(id);
    },
  };
}

export function fakeJobs(elapsedMs: number, startMs: number): JobView[] {
  const total = 512 * MIB;
  const doneBytes = Math.min(total, 128 * MIB + Math.floor(elapsedMs / 1000) * 8 * MIB);
  const running = doneBytes < total;
  return [
    {
      id: 'j1',
      verb: 'put',
      target: 'video/holiday.mp4',
      unasked: false,
      state: running ? 'running' : 'done',
      doneBytes,
      totalBytes: total,
      doneItems: undefined,
      totalItems: undefined,
      itemsPerSecond: 0,
      bytesPerSecond: running ? 8 * MIB : 0,
      etaMs: running ? ((total - doneBytes) / (8 * MIB)) * 1000 : undefined,
      startedAtMs: startMs - 16_000,
      endedAtMs: running ? undefined : startMs + 48_000,
      error: undefined,
    },
    {
      id: 'j2',
      verb: 'get',
      target: 'backup/mail.mbox',
      unasked: false,
      state: 'failed',
      doneBytes: 40 * MIB,
      totalBytes: 90 * MIB,
      doneItems: undefined,
      totalItems: undefined,
      itemsPerSecond: 0,
      bytesPerSecond: 0,
      etaMs: undefined,
      startedAtMs: startMs - 60_000,
      endedAtMs: startMs - 50_000,
      error: 'stripe 10 has 3 of the 4 shards it needs',
    },
  ];
}
