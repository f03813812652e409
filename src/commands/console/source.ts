import { consoleCommandOf } from './port.ts';

export const sourceCommand = consoleCommandOf({
  path: ['source'],
  synonyms: [['.']],
  summary: 'Run a script in this console, by the rules of a batch',
  description: `The whole file is read and checked first; with any mistake in it nothing is run. The first failure ends it. See 'help batch' for the
    language; destructive commands need --yes in the script. Variables that it sets are its own.`,
  args: [{ name: 'file', type: { kind: 'path' }, summary: 'Script to run', required: true }],
  options: [],
  examples: [
    { line: 'source nightly.dm', note: 'run a script' },
    { line: 'source nightly.dm && status', note: 'and then, if all went well' },
    { line: '. nightly.dm', note: 'the same, shorter' },
  ],
  effects: 'writes',
  async inConsole(_port, values, context, session) {
    return session.runScript(values.file as string, context);
  },
});
