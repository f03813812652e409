import { DatameshError, EXIT } from '../../errors.ts';
import type { Command } from '../command.ts';

/** Declared here for help, completion and the binder; src/cli runs it, for it needs the process's own streams. */
export const batchCommand: Command = {
  path: ['batch'],
  group: 'start',
  summary: 'Run a script of commands from standard input or a file',
  description: `The whole script is read and checked first; with any mistake in it nothing is run. Then the lines run in order, up
    to the first that fails. See 'datamesh help batch' for the language and the JSON Lines. Nothing is rolled back: --plan and --apply say beforehand what would
    be done and stop when it is not so any more, --resume goes on behind the step that failed. A stream is not checked beforehand.`,
  args: [],
  options: [
    {
      name: 'file',
      short: 'f',
      type: { kind: 'path', dash: true },
      summary: "Script to run; '-' is standard input",
      default: '-',
    },
    { name: 'check', summary: 'Only check the script, and say what each line would change' },
    {
      name: 'plan',
      type: { kind: 'path' },
      summary: 'Run nothing; write the steps to this new file, with the objects and files that they find now',
    },
    {
      name: 'apply',
      type: { kind: 'path' },
      summary: 'Run the steps of such a file, unless something that they found has changed since (exit 6)',
    },
    { name: 'resume', summary: 'Leave out what an earlier run of this script, in this folder, has done' },
    { name: 'stream', summary: 'Run each line as it comes, from a producer that goes on for long' },
    { name: 'keep-going', short: 'k', summary: 'Run on after a failure (exit 3 at the end)' },
    { name: 'echo', summary: 'Show each line before its output' },
    {
      name: 'var',
      type: { kind: 'string' },
      summary: 'NAME=VALUE for $NAME in the script',
      repeatable: true,
    },
  ],
  examples: [
    { line: 'datamesh batch < nightly.dm', note: 'run a script' },
    {
      line: 'datamesh batch -f nightly.dm --var DAY=monday --keep-going',
      note: 'with a variable, and not stopping at a failure',
    },
    { line: "echo 'list | count' | datamesh batch --json", note: 'JSON Lines for a program' },
  ],
  effects: 'writes',
  needs: 'nothing',
  exits: [
    {
      code: EXIT.usage,
      meaning: 'the script has mistakes; nothing was run, or with --stream nothing from that line on',
    },
    { code: EXIT.partial, meaning: 'with --keep-going: some lines failed' },
    {
      code: EXIT.conflict,
      meaning: 'with --apply: something has changed since the plan was made; nothing was run',
    },
  ],
  async run() {
    throw new DatameshError('failed', {
      what: 'a batch cannot be run from within the console or another batch',
      mend: "run 'datamesh batch' from a shell",
    });
  },
};
