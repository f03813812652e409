import { DELETE_TAKEN } from '../../engine/catalog/entry-rows.ts';
import { EXIT } from '../../errors.ts';
import { quoteWord } from '../../lang/argv.ts';
import type { Command } from '../command.ts';
import { RENAME_FIELDS } from './fields.ts';
import { checkName } from './object-name.ts';
import { objectRecord, versionRecord } from './object-record.ts';
import { refuseTaken } from './seen.ts';

export const renameCommand: Command = {
  path: ['rename'],
  synonyms: [['mv']],
  group: 'files',
  summary: 'Give an object another name',
  description: 'All its versions go along; nothing is sent. A name that is taken is refused.',
  args: [
    { name: 'object', type: { kind: 'object' }, summary: 'Name or id', required: true },
    { name: 'name', type: { kind: 'string' }, summary: 'The new name', required: true },
  ],
  options: [],
  examples: [
    { line: 'datamesh rename draft.txt 2026/final.txt', note: 'names are paths' },
    { line: 'datamesh mv photos.tar archive/photos.tar --dry-run', note: 'shows what would be done' },
    { line: 'datamesh mv a.txt b.txt --json', note: 'for a script' },
  ],
  effects: 'writes',
  fields: RENAME_FIELDS,
  touches: (values) => [values.name as string],
  undo: (_values, [record]) =>
    record === undefined
      ? undefined
      : `rename -- ${quoteWord(String(record.name))} ${quoteWord(String(record.from))}`,
  needs: 'engine',
  shape: 'single',
  columns: [
    { key: 'name', title: 'Name' },
    { key: 'from', title: 'Before' },
    { key: 'versions', title: 'Versions' },
    { key: 'objectId', title: 'Id' },
  ],
  exits: [
    { code: EXIT.notFound, meaning: 'there is no such object' },
    { code: EXIT.conflict, meaning: 'the new name is taken' },
  ],
  async run(context, values) {
    const { out, options } = context;
    const to = checkName(values.name as string, 'write another: datamesh rename OBJECT NAME');
    const engine = await context.engine();
    const before = await engine.find(values.object as string);
    if (options.dryRun) {
      if (to !== before.name) await refuseTaken(engine, to, DELETE_TAKEN);
      out.record({ dryRun: true, ...objectRecord(before), name: to, from: before.name, versions: null });
      out.note('nothing was renamed (--dry-run)');
      return;
    }
    const { object, versions } = await engine.names.rename(values.object as string, to);
    out.record({ ...versionRecord(object), from: before.name, versions });
  },
};
