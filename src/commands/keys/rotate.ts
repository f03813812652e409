import { DatameshError, EXIT } from '../../errors.ts';
import type { Command } from '../command.ts';
import { KEY_COLUMNS } from './columns.ts';
import { KEY_FIELDS } from './fields.ts';

export const keysRotateCommand: Command = {
  path: ['keys', 'rotate'],
  group: 'keys',
  summary: 'Lock the keyring anew, with another passphrase or none',
  description: `Every key of the keyring is wrapped again, with a new salt and a new nonce; a passphrase that others know opens the file no more. The keys
    themselves, and so the 24 words, objects and shares, stay as they are: nothing is sent or sealed anew. Therefore it does not help against someone who has the words, an
    export, or a copy of the old file with its old passphrase; such copies may also remain on the disk itself and in backups of it. Against him only a new key does (keys
    new, keys default), with every object stored again under it. Against a reader of one share: datamesh shares revoke --rekey.`,
  args: [],
  options: [
    {
      name: 'new-passphrase-file',
      type: { kind: 'path', dash: true },
      summary: 'File with the new passphrase; asked for otherwise',
    },
    { name: 'unprotect', summary: 'No passphrase any more: only the mode of the file guards the keys' },
  ],
  examples: [
    { line: 'keys rotate', note: 'asks for the old passphrase, if there is one, and twice for the new one' },
    { line: 'keys rotate --new-passphrase-file new.txt --json', note: 'for a script' },
    { line: 'keys rotate --unprotect --dry-run', note: 'only check the old passphrase' },
  ],
  effects: 'writes',
  fields: KEY_FIELDS,
  needs: 'config',
  columns: KEY_COLUMNS,
  shape: 'list',
  exits: [
    {
      code: EXIT.conflict,
      meaning: 'the keyring was changed by another process meanwhile; nothing was written',
    },
    { code: EXIT.denied, meaning: 'the old passphrase is wrong' },
  ],
  async run(context, values) {
    const { keyRecord, newPassphrase, unlockedKeyring } = await import('./keyring-access.ts');
    const file = values['new-passphrase-file'] as string | undefined;
    const open = values.unprotect === true;
    if (open && file !== undefined) {
      throw new DatameshError('bad-value', {
        what: '--unprotect and --new-passphrase-file exclude each other',
        mend: 'give one of them',
      });
    }
    const ring = await unlockedKeyring(context);
    if (ring.list().length === 0) {
      throw new DatameshError('no-owner-key', {
        what: 'the keyring holds no key that could be locked',
        mend: 'make one with: datamesh keys new main --protect',
      });
    }
    const passphrase = open ? undefined : await newPassphrase(context, 'New passphrase of the keyring', file);
    if (context.options.dryRun) {
      for (const info of ring.list()) context.out.record({ dryRun: true, ...keyRecord(info) });
      return context.out.note('nothing was changed (--dry-run)');
    }
    for (const info of await ring.rewrap(passphrase)) context.out.record(keyRecord(info));
    context.out.note(
      open
        ? 'whoever can read the file has the keys now'
        : 'a running node goes on; from its next start on it needs the new passphrase',
    );
  },
};
