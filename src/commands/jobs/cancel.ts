import { EXIT } from '../../errors.ts';
import { JOB_FIELDS } from '../care/fields.ts';
import type { Command } from '../command.ts';
import { JOB_ARG, JOB_COLUMNS, jobRecord } from './job-record.ts';

export const jobsCancelCommand: Command = {
  path: ['jobs', 'cancel'],
  group: 'care',
  summary: 'Stop a job where it can go on later',
  description: `What is done stays done. A rebalance goes on from there with the next one, a put of a file when it is put again, a repair of the mesh after a while by itself;
    a node whose drain is cancelled takes shards again. Of a job that has ended nothing happens.`,
  args: [JOB_ARG],
  options: [],
  examples: [
    { line: 'datamesh jobs cancel put-1', note: 'the put takes back what it stored, or keeps it to go on' },
    { line: 'datamesh jobs cancel rebalance-4 --dry-run', note: 'only tell what it is doing' },
    { line: 'datamesh jobs cancel repair-3 --json=id,state', note: 'for a script' },
  ],
  effects: 'writes',
  fields: JOB_FIELDS,
  needs: 'engine',
  shape: 'single',
  columns: JOB_COLUMNS,
  exits: [{ code: EXIT.notFound, meaning: 'there is no such job' }],
  async run(context, values) {
    const { out, options } = context;
    const id = values.id as string;
    const engine = await context.engine();
    // What it has said is for `jobs show`.
    const { log: _, logDropped: __, ...before } = await engine.jobs.show(id);
    if (options.dryRun || before.state !== 'running') {
      out.record({ ...jobRecord(before), ...(options.dryRun ? { dryRun: true } : {}) });
      out.note(before.state === 'running' ? 'nothing was cancelled (--dry-run)' : `${id} has ended already`);
      return;
    }
    const job = await engine.jobs.cancel(id);
    out.record(jobRecord(job));
    if (job.state === 'running') out.note(`${id} is told to stop, and has not ended yet`);
  },
};
