/** One job: all that its engine tells of it, and the events of its time that name it. */
import type { Snapshot } from '../engine/engine.ts';
import type { JobView } from '../engine/job-views.ts';
import { cell, type Row, type Tone, wrapRow } from './cells.ts';
import { bytesText, clockText, countText, durationText, etaText, percentText, rateText } from './format.ts';
import { bar } from './graph.ts';
import { jobShare, jobStateMark, STATE_TONE } from './job-text.ts';
import { type PanelBody, type PanelInput, scrolled } from './panel.ts';

const BAR_COLUMNS = 24;

export function jobDetail(id: string, snapshot: Snapshot, input: PanelInput): PanelBody {
  const job = snapshot.jobs.find((each) => each.id === id);
  const title = `Job ${id}`;
  if (job === undefined) return { title, tags: ['Esc back'], rows: [[cell('no longer in memory', 'dim')]] };
  const rows = [...figureRows(job, input), ...eventRows(job, snapshot, input)];
  return {
    title,
    tags: [...(job.state === 'running' ? ['c cancel'] : []), 'Esc back'],
    rows: scrolled(rows, input.state, input.height - 2),
  };
}

function figureRows(job: JobView, { theme, nowMs, width }: PanelInput): Row[] {
  const { glyphs } = theme;
  const line = (label: string, text: string, tone: Tone = 'plain'): Row => [
    cell(label.padEnd(10), 'dim'),
    cell(text, tone),
  ];
  const share = jobShare(job);
  const ended = job.endedAtMs ?? nowMs;
  const rows: Row[] = [
    line('work', `${job.verb} ${job.target}`),
    line('state', `${jobStateMark(job, glyphs)} ${job.state}`, STATE_TONE[job.state]),
    line('begun', `${clockText(job.startedAtMs)}, ${job.unasked ? 'by the node itself' : 'asked for'}`),
    line(job.endedAtMs === undefined ? 'for' : 'took', durationText(ended - job.startedAtMs)),
  ];
  if (share !== undefined) {
    rows.push([
      cell('done'.padEnd(10), 'dim'),
      cell(`${bar(share, BAR_COLUMNS, glyphs)} ${percentText(share)}`, 'accent'),
    ]);
  }
  const of = (done: string, total: string | undefined) =>
    total === undefined ? done : `${done} of ${total}`;
  if (job.doneBytes > 0 || job.totalBytes !== undefined) {
    const total = job.totalBytes === undefined ? undefined : bytesText(job.totalBytes);
    rows.push(line('bytes', `${of(bytesText(job.doneBytes), total)}, ${rateText(job.bytesPerSecond)}`));
  }
  if (job.doneItems !== undefined) {
    const total = job.totalItems === undefined ? undefined : countText(job.totalItems);
    rows.push(
      line('items', `${of(countText(job.doneItems), total)}, ${job.itemsPerSecond.toFixed(1)} a second`),
    );
  }
  if (job.state === 'running' && job.etaMs !== undefined) rows.push(line('left', etaText(job.etaMs)));
  if (job.error !== undefined) rows.push(...wrapRow(line('error', job.error, 'bad'), width - 4, 10));
  return rows;
}

/** The engine keeps no log for each job; what happened in its time and names its target is the nearest to one. */
function eventRows(job: JobView, snapshot: Snapshot, { width }: PanelInput): Row[] {
  const events = snapshot.events.filter(
    ({ atMs, text, source }) =>
      atMs >= job.startedAtMs &&
      atMs <= (job.endedAtMs ?? Number.POSITIVE_INFINITY) &&
      (text.includes(job.target) || text.includes(job.id) || source === job.verb),
  );
  if (events.length === 0) return [];
  return [
    [],
    [cell('events meanwhile', 'dim')],
    ...events.flatMap(({ atMs, level, text }) =>
      wrapRow([cell(`${clockText(atMs)} ${level} `, 'dim'), cell(text)], width - 4, 10),
    ),
  ];
}
