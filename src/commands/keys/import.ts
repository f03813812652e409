import { DatameshError } from '../../errors.ts';
import type { Command } from '../command.ts';
import { KEY_COLUMNS } from './columns.ts';
import { KEY_FIELDS } from './fields.ts';

export const keysImportCommand: Command = {
  path: ['keys', 'import'],
  group: 'keys',
  summary: 'Bring an owner key here, from its 24 words or an exported file',
  description:
    'The words are asked for on the terminal, or read from a file or standard input; never from the command line.',
  args: [
    { name: 'name', type: { kind: 'string' }, summary: 'Name for the key on this node', required: true },
  ],
  options: [
    {
      name: 'file',
      type: { kind: 'path', dash: true },
      summary: 'File with the words or the exported key; - is standard input',
    },
    {
      name: 'export-passphrase-file',
      type: { kind: 'path', dash: true },
      summary: 'File with the passphrase of an exported key; asked for otherwise',
    },
    { name: 'protect', summary: 'Lock the key with a passphrase here' },
    { name: 'default', summary: 'Seal new objects to this key from now on' },
  ],
  examples: [
    { line: 'keys import main', note: 'type the 24 words' },
    { line: 'keys import main --file main.key', note: 'from an exported file' },
    { line: 'keys import main --file - --default --json', note: 'from standard input, in a script' },
  ],
  effects: 'writes',
  fields: KEY_FIELDS,
  needs: 'config',
  sensitive: true,
  columns: KEY_COLUMNS,
  shape: 'single',
  async run(context, values) {
    const [
      { importText, keyRecord, keyringForAdding, RESTART_NOTE, secretText },
      { checkKeyName, decodeKey },
      { entropyOfPhrase },
    ] = await Promise.all([
      import('./keyring-access.ts'),
      import('../../engine/keys/keyring-file.ts'),
      import('../../engine/keys/phrase.ts'),
    ]);
    const name = String(values.name);
    checkKeyName(name);
    const text = (await importText(context, values.file as string | undefined)).trim();
    const exported = text.startsWith('{');
    if (exported) decodeKey(text, 'the exported key');
    else entropyOfPhrase(text);
    if (context.options.dryRun) return context.out.note(`would keep the owner key as "${name}"`);
    const ring = await keyringForAdding(context, values.protect === true);
    const passphraseFile = values['export-passphrase-file'] as string | undefined;
    const exportPassphrase = async () =>
      passphraseFile === undefined
        ? context.secret('Passphrase of the exported key')
        : secretText(context, passphraseFile);
    const info = exported
      ? await ring.importEncrypted(text, needed(await exportPassphrase()), name)
      : await ring.add(name, text);
    const kept = values.default === true ? await ring.setDefault(name) : info;
    context.out.record(keyRecord(kept));
    context.out.note(RESTART_NOTE);
  },
};

function needed(passphrase: string | undefined): string {
  if (passphrase !== undefined) return passphrase;
  throw new DatameshError('missing-argument', {
    what: 'the passphrase of the exported key is missing',
    mend: 'give it with --export-passphrase-file FILE',
  });
}
