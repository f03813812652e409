import type { Command } from '../command.ts';
import { forPrograms } from '../for-programs.ts';
import { KEY_COLUMNS } from './columns.ts';
import { NEW_KEY_FIELDS } from './fields.ts';

export const keysNewCommand: Command = {
  path: ['keys', 'new'],
  synonyms: [['keys', 'create']],
  group: 'keys',
  summary: 'Make a new owner key and show its 24 words',
  description:
    'The words are the only way back to what is stored under the key when this machine is lost: write them down. With --protect the key is also locked with a passphrase on this disk.',
  args: [{ name: 'name', type: { kind: 'string' }, summary: 'Name of the key, e.g. main', required: true }],
  options: [
    { name: 'protect', summary: 'Lock the key with a passphrase' },
    { name: 'default', summary: 'Seal new objects to this key from now on' },
  ],
  examples: [
    { line: 'keys new main', note: 'a key, its words on the screen' },
    { line: 'keys new work --protect', note: 'locked with a passphrase that is asked for' },
    { line: 'keys new backup --default --json', note: 'for a script; the record holds the words' },
  ],
  effects: 'writes',
  fields: NEW_KEY_FIELDS,
  needs: 'config',
  sensitive: true,
  columns: KEY_COLUMNS,
  shape: 'single',
  async run(context, values) {
    const [{ keyRecord, keyringForAdding, phraseBlock, RESTART_NOTE }, { checkKeyName }] = await Promise.all([
      import('./keyring-access.ts'),
      import('../../engine/keys/keyring-file.ts'),
    ]);
    const name = String(values.name);
    checkKeyName(name);
    if (context.options.dryRun) return context.out.note(`would make the owner key "${name}"`);
    const ring = await keyringForAdding(context, values.protect === true);
    const { info, phrase } = await ring.create(name);
    const kept = values.default === true ? await ring.setDefault(name) : info;
    context.out.record({ ...keyRecord(kept), ...(forPrograms(context) ? { phrase } : {}) });
    if (!forPrograms(context)) await context.out.bytes(Buffer.from(phraseBlock(phrase)));
    context.out.note(`Write the words down now. ${RESTART_NOTE[0]!.toUpperCase()}${RESTART_NOTE.slice(1)}.`);
  },
};
