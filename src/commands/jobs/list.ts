import { JOB_FIELDS } from '../care/fields.ts';
import type { Command } from '../command.ts';
import { JOB_COLUMNS, jobRecord } from './job-record.ts';

export const jobsListCommand: Command = {
  path: ['jobs', 'list'],
  synonyms: [['jobs', 'ls'], ['jobs']],
  group: 'care',
  summary: 'List what the engine is at work on, and what has just ended',
  description: `Puts, gets, repairs (the mesh's own as well), a drain, a rebalance, cleanups, verifications and recoveries of the running service, the newest first. Rates and what
    is left are measured over the last ten seconds. Of those that have ended the last 50 transfers, the last 50 that the node began by itself and the last 50 others are kept, until the service stops.`,
  args: [],
  options: [{ name: 'running', summary: 'Leave out those that have ended' }],
  examples: [
    { line: 'datamesh jobs list', note: 'the newest first' },
    { line: 'datamesh jobs list --running', note: 'only what is at work now' },
    { line: 'datamesh jobs list --json=id,verb,state', note: 'for a script' },
  ],
  effects: 'reads',
  fields: JOB_FIELDS,
  needs: 'engine',
  shape: 'list',
  columns: JOB_COLUMNS,
  async run(context, values) {
    const engine = await context.engine();
    for (const job of await engine.jobs.list()) {
      if (values.running !== true || job.state === 'running') context.out.record(jobRecord(job));
    }
  },
};
