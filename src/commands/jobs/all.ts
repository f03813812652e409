/** The commands of jobs. */
import type { Command } from '../command.ts';
import { jobsCancelCommand } from './cancel.ts';
import { jobsListCommand } from './list.ts';
import { jobsShowCommand } from './show.ts';
import { jobsWaitCommand } from './wait.ts';

export const jobsCommands: readonly Command[] = [
  jobsListCommand,
  jobsShowCommand,
  jobsWaitCommand,
  jobsCancelCommand,
];
