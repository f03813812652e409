import { EXIT } from '../../errors.ts';
import { JOB_SHOW_FIELDS } from '../care/fields.ts';
import type { Command } from '../command.ts';
import { JOB_ARG, JOB_COLUMNS, jobRecord } from './job-record.ts';

export const jobsShowCommand: Command = {
  path: ['jobs', 'show'],
  group: 'care',
  summary: 'Show one job: how far it is, how quickly it moves, why it failed, and its log',
  description: `The log is what the job has said of its course: each tenth of the way, if that took a second or more; holders that failed it; what was done to what; how it
    ended. The last 100 lines of each job are kept, as long as the job is.`,
  args: [JOB_ARG],
  options: [],
  examples: [
    { line: 'datamesh jobs show put-1', note: 'how far is it, and what has happened?' },
    { line: 'datamesh jobs show rebalance-4 --json', note: 'with every field' },
    { line: 'datamesh jobs show drain-2 --json=state,etaMs', note: 'for a script' },
  ],
  effects: 'reads',
  fields: JOB_SHOW_FIELDS,
  needs: 'engine',
  shape: 'single',
  columns: JOB_COLUMNS,
  exits: [{ code: EXIT.notFound, meaning: 'there is no such job' }],
  async run(context, values) {
    const engine = await context.engine();
    const job = await engine.jobs.show(values.id as string);
    context.out.record(jobRecord(job));
    if (job.logDropped > 0) context.out.note(`(${job.logDropped} older lines are gone)`);
    for (const { atMs, level, text } of job.log)
      context.out.note(`${new Date(atMs).toISOString()} ${level.padEnd(5)} ${text}`);
  },
};
