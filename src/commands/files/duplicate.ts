import { EXIT } from '../../errors.ts';
import type { Command } from '../command.ts';
import { DUPLICATE_FIELDS } from './fields.ts';
import { checkName } from './object-name.ts';
import { objectRecord, versionRecord } from './object-record.ts';
import { refuseTaken, seen } from './seen.ts';
import { undoNewVersion } from './undo-lines.ts';

export const duplicateCommand: Command = {
  path: ['duplicate'],
  synonyms: [['cp']],
  group: 'files',
  summary: 'Give an object a further name',
  description: `Both names stand for the same shards, so nothing is sent and no space is taken; deleting one leaves the other as it is.
    A name that exists gets a new version.`,
  args: [
    { name: 'object', type: { kind: 'object' }, summary: 'Name or id', required: true },
    { name: 'name', type: { kind: 'string' }, summary: 'The further name', required: true },
  ],
  options: [
    {
      name: 'version',
      type: { kind: 'integer', min: 1 },
      summary: 'Version to copy, in place of the current one',
    },
    { name: 'if-absent', summary: 'Refuse if the name exists' },
  ],
  examples: [
    { line: 'datamesh duplicate report.pdf 2026/report.pdf', note: 'a second name' },
    { line: 'datamesh cp report.pdf report.pdf --version 2', note: 'an old version becomes the newest' },
    { line: 'datamesh cp a.txt b.txt --if-absent --json', note: 'for a script' },
  ],
  effects: 'writes',
  fields: DUPLICATE_FIELDS,
  touches: (values) => [values.name as string],
  undo: (_values, records) => undoNewVersion(records),
  needs: 'engine',
  shape: 'single',
  columns: [
    { key: 'name', title: 'Name' },
    { key: 'from', title: 'Copy of' },
    { key: 'version', title: 'Version' },
    { key: 'sizeBytes', title: 'Size', format: 'bytes' },
    { key: 'objectId', title: 'Id' },
  ],
  exits: [
    { code: EXIT.notFound, meaning: 'there is no such object' },
    { code: EXIT.conflict, meaning: 'the name exists (--if-absent)' },
  ],
  async run(context, values) {
    const { out, options } = context;
    const ref = values.object as string;
    const to = checkName(values.name as string, 'write another: datamesh duplicate OBJECT NAME');
    const version = values.version as number | undefined;
    const engine = await context.engine();
    const source = options.dryRun ? await seen(engine, ref, version) : await engine.find(ref);
    if (options.dryRun) {
      if (values['if-absent'] === true) await refuseTaken(engine, to);
      out.record({ dryRun: true, ...objectRecord(source), name: to, from: source.name, version: null });
      out.note('nothing was copied (--dry-run)');
      return;
    }
    const { object, replacedVersion } = await engine.names.duplicate(ref, to, {
      version,
      ifAbsent: values['if-absent'] as boolean | undefined,
    });
    out.record({ ...versionRecord(object), from: source.name, replacedVersion: replacedVersion ?? null });
  },
};
