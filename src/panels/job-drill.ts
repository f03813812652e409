/** One job: all that its engine tells of it, and what it has said of its course. */
import type { Snapshot } from '../engine/engine.ts';
import type { JobLine, JobView } from '../engine/views/jobs.ts';
import { cell, fitGroups, type Row, type Tone, wrapRow } from './cells.ts';
import { bytesText, clockText, countText, durationText, etaText, percentText, rateText } from './format.ts';
import { bar } from './graph.ts';
import { amountText, jobShare, jobStateMark, STATE_TONE } from './job-text.ts';
import { type Drill, type PanelBody, type PanelInput, scrolled } from './panel.ts';

const BAR_COLUMNS = 24;
/** Rows of the log that must be seen beside the figures: its heading, and some lines. */
const LOG_IN_SIGHT = 6;

export function jobDetail(
  drill: Extract<Drill, { kind: 'job' }>,
  snapshot: Snapshot,
  input: PanelInput,
): PanelBody {
  const { id } = drill;
  const job = snapshot.jobs.find((each) => each.id === id);
  const title = `Job ${id}`;
  if (job === undefined) return { title, tags: ['Esc back'], rows: [[cell('no longer in memory', 'dim')]] };
  const room = input.height - 2;
  const log = logRows(drill, input);
  const full = figureRows(job, input);
  // Where there is little room the log is what a person came for.
  const figures = full.length + Math.min(log.length, LOG_IN_SIGHT) <= room ? full : shortRows(job, input);
  const rows = [...figures, ...log];
  return {
    title,
    tags: [...(job.state === 'running' ? ['c cancel'] : []), 'Esc back'],
    rows: scrolled(rows, input.state, room),
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

/** The same in two rows, and why it failed. */
function shortRows(job: JobView, { theme: { glyphs }, nowMs, width }: PanelInput): Row[] {
  const share = jobShare(job);
  const done =
    job.totalBytes === undefined
      ? amountText(job)
      : `${bytesText(job.doneBytes)} of ${bytesText(job.totalBytes)}`;
  return [
    [cell(`${job.verb} ${job.target}`)],
    fitGroups(
      [
        [cell(`${jobStateMark(job, glyphs)} ${job.state}`, STATE_TONE[job.state])],
        share === undefined ? [] : [cell(`  ${percentText(share)}`, 'accent')],
        [cell(`  ${done}, ${rateText(job.bytesPerSecond)}`)],
        job.state === 'running' && job.etaMs !== undefined ? [cell(`  ${etaText(job.etaMs)} left`)] : [],
        [cell(`  ${durationText((job.endedAtMs ?? nowMs) - job.startedAtMs)}`, 'dim')],
      ],
      width - 4,
    ),
    ...(job.error === undefined ? [] : wrapRow([cell(job.error, 'bad')], width - 4)),
  ];
}

const LINE_TONE: Readonly<Record<JobLine['level'], Tone>> = { info: 'plain', warn: 'warn', error: 'bad' };

function logRows({ log, error }: Extract<Drill, { kind: 'job' }>, { width }: PanelInput): Row[] {
  const head = (text: string, tone: Tone = 'dim'): Row[] => [[cell(text, tone)]];
  if (error !== undefined) return head(error, 'bad');
  if (log === undefined) return head('reading its log');
  if (log.log.length === 0) return head('it has said nothing so far');
  return [
    ...head(log.logDropped === 0 ? 'log' : `log, ${countText(log.logDropped)} older lines are gone`),
    ...log.log.flatMap(({ atMs, level, text }) =>
      wrapRow(
        [cell(`${clockText(atMs)} ${level.padEnd(5)} `, 'dim'), cell(text, LINE_TONE[level])],
        width - 4,
        15,
      ),
    ),
  ];
}
