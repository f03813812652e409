import { DatameshError, EXIT } from '../../errors.ts';
import type { Command } from '../command.ts';

/** Declared here for help, completion and the binder; src/cli runs it, for it needs the process's own streams. */
export const batchCommand: Command = {
  path: ['batch'],
  group: 'start',
  summary: 'Run a script of commands from standard input or a file',
  description: `The whole script is read and checked first; with any mistake in it nothing is run. Then the lines run in order, up
    to the first that fails. See 'datamesh help batch' for the language and the JSON Lines.`,
  args: [],
  options: [
    {
      name: 'file',
      short: 'f',
      type: { kind: 'path', dash: true },
      summary: "Script to run; '-' is standard input",
      default: '-',
    },
    { name: 'check', summary: 'Only check the script' },
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
    { code: EXIT.usage, meaning: 'the script has mistakes; nothing was run' },
    { code: EXIT.partial, meaning: 'with --keep-going: some lines failed' },
  ],
  async run() {
    throw new DatameshError('failed', {
      what: 'a batch cannot be run from within the console or another batch',
      mend: "run 'datamesh batch' from a shell",
    });
  },
};
