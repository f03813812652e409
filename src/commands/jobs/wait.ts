import { EXIT } from '../../errors.ts';
import { JOB_FIELDS } from '../care/fields.ts';
import type { Command } from '../command.ts';
import { JOB_ARG, JOB_COLUMNS, jobExit, jobRecord } from './job-record.ts';

export const jobsWaitCommand: Command = {
  path: ['jobs', 'wait'],
  group: 'care',
  summary: 'Wait until a job has ended, and end as it did',
  description: 'Stopping the command leaves the job alone.',
  args: [JOB_ARG],
  options: [],
  examples: [
    { line: 'datamesh jobs wait put-1', note: 'with a line that says how far it is' },
    { line: 'datamesh jobs wait drain-2 && datamesh service stop', note: 'then the node may go' },
    { line: 'datamesh --timeout 1h jobs wait repair-3 --json', note: 'an hour at most' },
  ],
  effects: 'reads',
  fields: JOB_FIELDS,
  needs: 'engine',
  shape: 'single',
  columns: JOB_COLUMNS,
  exits: [
    { code: EXIT.failed, meaning: 'the job failed, or was cancelled' },
    { code: EXIT.notFound, meaning: 'there is no such job' },
  ],
  async run(context, values) {
    const { out, signal } = context;
    const id = values.id as string;
    const engine = await context.engine();
    const job = await engine.jobs.wait(id, { signal, onProgress: (progress) => out.progress(id, progress) });
    out.record(jobRecord(job));
    return jobExit(job);
  },
};
