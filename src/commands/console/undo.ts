import { DatameshError } from '../../errors.ts';
import { consoleCommandOf } from './port.ts';

export const undoCommand = consoleCommandOf({
  path: ['undo'],
  summary: 'Take back the last change of this console that can be taken back',
  description: `A put, delete, undelete, rename or copy: what the name meant before it means again, by a command that is shown; the next undo takes back
    the change before. What is purged is gone, and other changes have to be taken back by hand.`,
  args: [],
  options: [],
  examples: [
    { line: 'undo', note: 'the last change' },
    { line: 'undo --dry-run', note: 'only say how' },
    { line: 'undo; undo', note: 'the last two' },
  ],
  effects: 'writes',
  async inConsole(_port, _values, { out, signal, options }, session) {
    const step = session.takeBack();
    if (step === undefined)
      throw new DatameshError('not-found', {
        what: 'nothing that was done in this console can be taken back',
        mend: 'versions and deleted names: datamesh versions NAME, datamesh undelete NAME',
      });
    out.note(`${options.dryRun ? 'would take back' : 'takes back'} '${step.undoes}': ${step.line}`);
    return options.dryRun ? undefined : session.run(step.line, signal, true);
  },
});
