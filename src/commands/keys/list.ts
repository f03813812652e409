import type { Command } from '../command.ts';
import { KEY_COLUMNS } from './columns.ts';
import { KEY_FIELDS } from './fields.ts';

export const keysListCommand: Command = {
  path: ['keys', 'list'],
  synonyms: [['keys', 'ls']],
  group: 'keys',
  summary: 'List the owner keys of this node',
  description:
    'Names and owner ids; no secret is opened or shown. New objects are sealed to the default key.',
  args: [],
  options: [],
  examples: [
    { line: 'keys list', note: 'names, ids, which one is the default' },
    { line: 'keys list --wide', note: 'whole owner ids, for the allow list of another node' },
    { line: 'keys list --json=name,ownerId', note: 'for a script' },
  ],
  effects: 'reads',
  fields: KEY_FIELDS,
  needs: 'config',
  columns: KEY_COLUMNS,
  shape: 'list',
  async run(context) {
    const { keyRecord, keyringOf } = await import('./keyring-access.ts');
    const ring = await keyringOf(context);
    for (const info of ring.list()) context.out.record(keyRecord(info));
    if (ring.list().length === 0) context.out.note('no owner key yet; make one with: datamesh keys new main');
  },
};
