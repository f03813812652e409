import { DatameshError } from '../../errors.ts';
import type { GlobalFlags } from '../../lang/global-options.ts';
import type { Command } from '../command.ts';

export const consoleCommand: Command = {
  path: ['console'],
  synonyms: [['interactive']],
  group: 'start',
  summary: 'Open the full-screen console',
  description:
    'Live panels of peers, health and bandwidth above a prompt for every command. Runs a node of its own, or with --attach looks into the running service. On a small or dumb terminal it is a plain line prompt with the same commands.',
  args: [],
  options: [
    { name: 'attach', summary: 'Look into the running service instead of starting a node' },
    { name: 'wizard', summary: 'Go through the set-up questions first' },
  ],
  examples: [
    { line: 'console', note: 'a node with its console' },
    { line: 'console --attach', note: 'the console of the running service' },
    { line: 'console --plain', note: 'line by line, for screen readers and logs' },
  ],
  effects: 'reads',
  needs: 'nothing',
  async run(context, values) {
    if (context.mode !== 'one-shot') {
      throw new DatameshError('not-a-terminal', {
        what: context.mode === 'repl' ? 'this is the console already' : 'a script cannot open the console',
        mend: 'run on a terminal: datamesh console',
      });
    }
    const { runConsole } = await import('../../console/run.tsx');
    // The runner parses more than GlobalOptions tells.
    const { plain, dataDir, passphraseFile } = context.options as Partial<GlobalFlags>;
    // Only what was given beforehand: whether one is needed is for the console to find out, and to ask.
    const { DATAMESH_PASSPHRASE_FILE, DATAMESH_PASSPHRASE } = context.env;
    const given = [passphraseFile, DATAMESH_PASSPHRASE_FILE, DATAMESH_PASSPHRASE].some(
      (it) => (it ?? '') !== '',
    );
    return runConsole({
      configPath: context.configPath(),
      attach: values.attach === true,
      plain: plain === true,
      forceWizard: values.wizard === true,
      dataDir,
      passphrase: given ? await context.secret('Passphrase of the keyring') : undefined,
    });
  },
};
