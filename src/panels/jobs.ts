/** Panel 4: jobs of the engine, running ones first. */
import type { JobView } from '../engine/views/jobs.ts';
import { cell, cut, fitGroups, type Row } from './cells.ts';
import { filterOf, type Searchable } from './filter.ts';
import { agoText, bytesText, etaText, percentText, rateText } from './format.ts';
import { bar } from './graph.ts';
import { jobDetail } from './job-drill.ts';
import { amountText, jobShare, jobStateMark, STATE_TONE } from './job-text.ts';
import { type PanelBody, type PanelInput, type PanelState, selectedIn, waiting } from './panel.ts';
import { listRows, type TableColumn } from './table.ts';
import type { Glyphs, Theme } from './theme.ts';

export const JOB_SORTS = ['state', 'start', 'eta'] as const;
const BAR_COLUMNS = 10;

const SEARCHABLE: Searchable<JobView> = {
  text: (job) => [job.id, job.verb, job.target, job.state].join(' '),
  fields: new Map([
    ['state', (job) => job.state],
    ['verb', (job) => job.verb],
  ]),
};

export function arrangeJobs(jobs: readonly JobView[], state: PanelState): JobView[] {
  const order = { running: 0, failed: 1, cancelled: 2, done: 3 };
  const direction = state.reverse ? -1 : 1;
  const compare = (a: JobView, b: JobView) => {
    if (state.sort === 'eta') return (a.etaMs ?? Number.MAX_VALUE) - (b.etaMs ?? Number.MAX_VALUE);
    if (state.sort === 'start') return b.startedAtMs - a.startedAtMs;
    return order[a.state] - order[b.state] || b.startedAtMs - a.startedAtMs;
  };
  const below = (job: JobView) => (state.kept.includes(job.id) ? 0 : 1);
  return jobs
    .filter(filterOf(state.filter, SEARCHABLE))
    .sort((a, b) => below(a) - below(b) || compare(a, b) * direction || (a.id < b.id ? -1 : 1));
}

function progressText(job: JobView, glyphs: Glyphs): string {
  const share = jobShare(job);
  if (share === undefined) return amountText(job).padStart(BAR_COLUMNS);
  return `${bar(share, BAR_COLUMNS, glyphs)} ${percentText(share).padStart(4)}`;
}

function columns(theme: Theme, nowMs: number, kept: readonly string[]): TableColumn<JobView>[] {
  const { glyphs } = theme;
  return [
    { title: 'JOB', width: 5, priority: 3, text: (job) => job.id },
    { title: 'VERB', width: 6, priority: 0, text: (job) => job.verb },
    {
      title: 'TARGET',
      width: 10,
      priority: 0,
      elastic: true,
      text: (job) =>
        `${kept.includes(job.id) ? `${glyphs.kept} ` : ''}${job.target}${job.error === undefined ? '' : `: ${job.error}`}`,
    },
    {
      title: 'PROGRESS',
      width: BAR_COLUMNS + 5,
      priority: 1,
      text: (job) => progressText(job, glyphs),
      tone: (job) => (job.state === 'running' ? 'accent' : 'dim'),
    },
    {
      title: 'RATE',
      width: 9,
      align: 'right',
      priority: 2,
      text: (job) => (job.state === 'running' ? rateText(job.bytesPerSecond) : glyphs.none),
    },
    { title: 'ETA', width: 7, align: 'right', priority: 4, text: (job) => timeText(job, glyphs, nowMs) },
    {
      title: 'STATE',
      width: glyphs.unicode ? 11 : 13,
      priority: 0,
      text: (job) => `${jobStateMark(job, glyphs)} ${job.state}`,
      tone: (job) => STATE_TONE[job.state],
    },
  ];
}

function timeText(job: JobView, glyphs: Glyphs, nowMs: number): string {
  if (job.state === 'running') return job.etaMs === undefined ? glyphs.none : etaText(job.etaMs);
  return job.endedAtMs === undefined ? glyphs.none : `${agoText(nowMs - job.endedAtMs)} ago`;
}

export function jobsPanel(input: PanelInput): PanelBody {
  const { snapshot, state, theme } = input;
  if (snapshot === undefined) return waiting('Jobs');
  const drill = state.drill.at(-1);
  if (drill?.kind === 'job') return jobDetail(drill, snapshot, input);
  const jobs = arrangeJobs(snapshot.jobs, state);
  const running = snapshot.jobs.filter((job) => job.state === 'running').length;
  const kept = jobs.filter(({ id }) => state.kept.includes(id)).length;
  const arrow = state.reverse ? theme.glyphs.desc : theme.glyphs.asc;
  return {
    title: 'Jobs',
    tags: [
      `${running} running`,
      `sort:${state.sort}${arrow}`,
      ...(kept === 0 ? [] : [`${kept} kept on top`]),
    ],
    rows: listRows({
      columns: columns(theme, input.nowMs, state.kept),
      items: jobs,
      idOf: (job) => job.id,
      selectedId: selectedIn(input),
      marked: state.marked,
      width: input.width - 4,
      height: input.height - 2,
      empty: snapshot.jobs.length === 0 ? 'no jobs' : 'no job passes the filter',
      mark: theme.glyphs.more,
    }),
  };
}

/** The job line above the prompt: one running job in one row, what matters less left out where it is narrow. */
export function jobLine(job: JobView, theme: Theme, columns: number): Row {
  const { glyphs } = theme;
  const share = jobShare(job);
  const bytes =
    job.totalBytes === undefined
      ? amountText(job)
      : `${bytesText(job.doneBytes)} of ${bytesText(job.totalBytes)}`;
  return fitGroups(
    [
      [cell(` ${cut(`${job.id} ${job.verb} ${job.target}`, Math.floor(columns / 2), glyphs.more)}`)],
      share === undefined ? [] : [cell(`  ${bar(share, 12, glyphs)} ${percentText(share)}`, 'accent')],
      [cell(`  ${rateText(job.bytesPerSecond)}`, 'dim')],
      job.etaMs === undefined ? [] : [cell(`  ETA ${etaText(job.etaMs)}`, 'dim')],
      [cell(`  ${bytes}`, 'dim')],
    ],
    columns,
  );
}
