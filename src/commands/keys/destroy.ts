import { DatameshError } from '../../errors.ts';
import type { Command } from '../command.ts';
import { KEY_COLUMNS } from './columns.ts';
import { KEY_FIELDS } from './fields.ts';

export const keysDestroyCommand: Command = {
  path: ['keys', 'destroy'],
  synonyms: [
    ['keys', 'rm'],
    ['keys', 'delete'],
  ],
  group: 'keys',
  summary: 'Forget an owner key on this node',
  description:
    'Objects sealed to the key stay in the mesh, and nobody can read them without its 24 words. Export it first if they are not written down.',
  args: [{ name: 'name', type: { kind: 'key-name' }, summary: 'Key', required: true }],
  options: [],
  examples: [
    { line: 'keys destroy work', note: 'asks before it forgets' },
    { line: 'keys destroy work --dry-run', note: 'say what would go' },
    { line: 'keys destroy work --yes --json', note: 'for a script' },
  ],
  effects: 'destructive',
  fields: KEY_FIELDS,
  needs: 'config',
  columns: KEY_COLUMNS,
  shape: 'single',
  async run(context, values) {
    const { keyRecord, keyringOf, RESTART_NOTE } = await import('./keyring-access.ts');
    const name = String(values.name);
    const ring = await keyringOf(context);
    const found = ring.list().find((key) => key.name === name);
    if (found !== undefined && context.options.dryRun) {
      context.out.record(keyRecord(found));
      return context.out.note(`would forget the owner key "${name}"`);
    }
    const sure =
      found === undefined ||
      (await context.confirm(
        `Forget the owner key "${name}"? Without its 24 words nothing stored under it can be read again.`,
      ));
    if (!sure) throw new DatameshError('cancelled', { what: 'nothing was changed' });
    const info = await ring.remove(name);
    context.out.record(keyRecord(info));
    context.out.note(RESTART_NOTE);
  },
};
