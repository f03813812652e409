import { EXIT } from '../../errors.ts';
import type { Command } from '../command.ts';
import { count, listOf, ms, text } from '../fields.ts';

export const tutorialCommand: Command = {
  path: ['tutorial'],
  group: 'start',
  summary: 'Learn the commands by running them on a mesh of your own that is thrown away afterwards',
  description: `Starts four real nodes in a temporary folder, and goes through putting, finding, reading, versions, deleting, and the loss of a node, one command after
    the other: each is explained, shown and, when you say yes, run. Nothing outside of that folder is touched; it is removed at the end, and when you leave.`,
  args: [],
  options: [],
  examples: [
    { line: 'datamesh tutorial', note: 'step by step' },
    { line: 'datamesh tutorial --yes', note: 'all of it at once, to read' },
    { line: 'datamesh tutorial --yes --json', note: 'does this machine run all of it?' },
  ],
  effects: 'writes',
  fields: { lesson: count, title: text, line: text, status: count, ms, records: listOf({ type: 'object' }) },
  needs: 'nothing',
  exits: [
    { code: EXIT.failed, meaning: 'a step ended otherwise than it should: a defect, or too small a machine' },
  ],
  async run(context) {
    if (context.options.dryRun) return context.out.note('nothing was started (--dry-run)');
    const { runTutorial } = await import('./tutorial/run.ts');
    return runTutorial(context);
  },
};
