import { EXIT } from '../../errors.ts';
import { JOB_FIELDS } from '../care/fields.ts';
import type { Command } from '../command.ts';
import { JOB_ARG, JOB_COLUMNS, jobRecord } from './job-record.ts';

export const jobsShowCommand: Command = {
  path: ['jobs', 'show'],
  group: 'care',
  summary: 'Show one job: how far it is, how quickly it moves, why it failed',
  args: [JOB_ARG],
  options: [],
  examples: [
    { line: 'datamesh jobs show put-1', note: 'how far is it?' },
    { line: 'datamesh jobs show rebalance-4 --json', note: 'with every field' },
    { line: 'datamesh jobs show drain-2 --json=state,etaMs', note: 'for a script' },
  ],
  effects: 'reads',
  fields: JOB_FIELDS,
  needs: 'engine',
  shape: 'single',
  columns: JOB_COLUMNS,
  exits: [{ code: EXIT.notFound, meaning: 'there is no such job' }],
  async run(context, values) {
    const engine = await context.engine();
    context.out.record(jobRecord(await engine.jobs.show(values.id as string)));
  },
};
