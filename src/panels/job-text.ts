/** A job's state and amounts, as the list and the single view of it say them. */
import type { JobView } from '../engine/views/jobs.ts';
import type { Tone } from './cells.ts';
import { bytesText, countText } from './format.ts';
import type { Glyphs } from './theme.ts';

export const STATE_TONE: Readonly<Record<JobView['state'], Tone>> = {
  running: 'accent',
  done: 'ok',
  failed: 'bad',
  cancelled: 'warn',
};

export function jobShare(job: JobView): number | undefined {
  if (job.state === 'done') return 1;
  if (job.totalBytes !== undefined && job.totalBytes > 0) return job.doneBytes / job.totalBytes;
  if (job.totalItems !== undefined && job.totalItems > 0) return (job.doneItems ?? 0) / job.totalItems;
  return undefined;
}

export function jobStateMark(job: JobView, glyphs: Glyphs): string {
  if (job.state === 'running') return glyphs.pointer;
  if (job.state === 'done') return glyphs.ok;
  return job.state === 'failed' ? glyphs.bad : glyphs.warn;
}

/** What counts objects alone moves no bytes. */
export function amountText({ doneBytes, doneItems }: JobView): string {
  return doneBytes === 0 && doneItems !== undefined ? `${countText(doneItems)} items` : bytesText(doneBytes);
}
