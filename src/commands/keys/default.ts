import type { Command } from '../command.ts';
import { KEY_COLUMNS } from './columns.ts';
import { KEY_FIELDS } from './fields.ts';

export const keysDefaultCommand: Command = {
  path: ['keys', 'default'],
  group: 'keys',
  summary: 'Choose the key that new objects are sealed to',
  args: [{ name: 'name', type: { kind: 'key-name' }, summary: 'Key', required: true }],
  options: [],
  examples: [
    { line: 'keys default work', note: 'from now on, new objects belong to work' },
    { line: 'keys default work --dry-run', note: 'only check the name' },
    { line: 'keys default main --json', note: 'for a script' },
  ],
  effects: 'writes',
  fields: KEY_FIELDS,
  needs: 'config',
  columns: KEY_COLUMNS,
  shape: 'single',
  async run(context, values) {
    const { keyRecord, keyringOf, RESTART_NOTE } = await import('./keyring-access.ts');
    const name = String(values.name);
    const ring = await keyringOf(context);
    const known = ring.list().find((key) => key.name === name);
    // setDefault says what is wrong with an unknown name.
    if (context.options.dryRun && known !== undefined) {
      context.out.record({ dryRun: true, ...keyRecord(known) });
      return context.out.note('nothing was changed (--dry-run)');
    }
    const info = await ring.setDefault(name);
    context.out.record(keyRecord(info));
    context.out.note(RESTART_NOTE);
  },
};
