import type { JobView } from '../../engine/views/jobs.ts';
import { EXIT } from '../../errors.ts';
import type { ArgSpec, Column, OutputRecord } from '../command.ts';

export const JOB_COLUMNS: readonly Column[] = [
  { key: 'id', title: 'ID' },
  { key: 'verb', title: 'Verb', priority: 5 },
  { key: 'target', title: 'Target' },
  { key: 'state', title: 'State' },
  { key: 'share', title: 'Done', format: 'percent' },
  { key: 'doneBytes', title: 'Bytes', format: 'bytes', priority: 2 },
  { key: 'doneItems', title: 'Items', priority: 3 },
  { key: 'bytesPerSecond', title: 'Rate', format: 'rate', priority: 4 },
  { key: 'etaMs', title: 'Left', format: 'duration', priority: 1 },
  { key: 'startedAtMs', title: 'Started', format: 'time', priority: 6 },
  { key: 'error', title: 'Why', priority: 7 },
];

export const JOB_ARG: ArgSpec = {
  name: 'id',
  type: { kind: 'string' },
  summary: 'Of the job, as `datamesh jobs list` shows it',
  required: true,
};

export function jobRecord(job: JobView): OutputRecord {
  const { doneBytes, totalBytes, doneItems, totalItems } = job;
  const share = totalBytes ? doneBytes / totalBytes : totalItems ? (doneItems ?? 0) / totalItems : null;
  return {
    ...job,
    share: job.state === 'done' ? 1 : share,
    totalBytes: totalBytes ?? null,
    doneItems: doneItems ?? null,
    totalItems: totalItems ?? null,
    etaMs: job.etaMs === undefined ? null : Math.round(job.etaMs),
    bytesPerSecond: Math.round(job.bytesPerSecond),
    itemsPerSecond: Math.round(job.itemsPerSecond * 10) / 10,
    endedAtMs: job.endedAtMs ?? null,
    error: job.error ?? null,
  };
}

/** What a script wants to know: did the work end well? */
export function jobExit({ state }: JobView): number {
  return state === 'done' || state === 'running' ? EXIT.ok : EXIT.failed;
}
