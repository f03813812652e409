import { resolve } from 'node:path';
import { DatameshError } from '../../errors.ts';
import type { Command } from '../command.ts';
import { writeNewFile } from '../files/new-file.ts';
import { forPrograms } from '../for-programs.ts';
import { EXPORT_KEY_FIELDS } from './fields.ts';

export const keysExportCommand: Command = {
  path: ['keys', 'export'],
  group: 'keys',
  summary: 'Show the 24 words of an owner key, or write it to a file',
  description:
    'Whoever has the words has the files. With --encrypted the key comes as JSON locked with a passphrase of its own, fit for carrying to another node.',
  args: [
    {
      name: 'name',
      type: { kind: 'key-name' },
      summary: 'Key; the default one when left out',
      required: false,
    },
  ],
  options: [
    { name: 'encrypted', summary: 'A JSON text locked with a passphrase, instead of the words' },
    {
      name: 'export-passphrase-file',
      type: { kind: 'path', dash: true },
      summary: 'File with that passphrase; asked for otherwise',
    },
    {
      name: 'output',
      short: 'o',
      type: { kind: 'path' },
      summary: 'Write to this new file (mode 0600) instead of the screen',
    },
  ],
  examples: [
    { line: 'keys export main', note: 'the words, to write down' },
    { line: 'keys export main --encrypted -o main.key', note: 'a locked file for another node' },
    { line: 'keys export main --json=phrase', note: 'for a script' },
  ],
  effects: 'reads',
  fields: EXPORT_KEY_FIELDS,
  needs: 'config',
  sensitive: true,
  columns: [
    { key: 'name', title: 'NAME' },
    { key: 'file', title: 'FILE' },
  ],
  shape: 'single',
  async run(context, values) {
    const { keyringOf, newPassphrase, unlockedKeyring } = await import('./keyring-access.ts');
    const name = (values.name as string | undefined) ?? defaultName((await keyringOf(context)).list());
    const ring = await unlockedKeyring(context, name);
    const phrase = await ring.exportPhrase(name);
    let text = `${phrase}\n`;
    if (values.encrypted === true) {
      const file = values['export-passphrase-file'] as string | undefined;
      text = await ring.exportEncrypted(
        name,
        await newPassphrase(context, 'Passphrase for the export', file),
      );
    }
    if (values.output !== undefined) {
      const path = resolve(context.cwd, String(values.output));
      const { dryRun } = context.options;
      if (!dryRun) await writeNewFile(path, text, 'choose another file');
      context.out.record({ ...(dryRun ? { dryRun } : {}), name, file: path });
      if (dryRun) context.out.note('nothing was written (--dry-run)');
    } else if (values.encrypted === true) {
      await context.out.bytes(Buffer.from(text));
    } else if (forPrograms(context)) {
      context.out.record({ name, phrase });
    } else {
      await context.out.bytes(Buffer.from(text));
    }
  },
};

function defaultName(keys: { name: string; isDefault: boolean }[]): string {
  const key = keys.find(({ isDefault }) => isDefault);
  if (key !== undefined) return key.name;
  throw new DatameshError('no-owner-key', {
    what: 'the keyring holds no owner key',
    mend: 'make one with: datamesh keys new main',
  });
}
