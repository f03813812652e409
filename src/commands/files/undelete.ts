import { EXIT } from '../../errors.ts';
import type { Command } from '../command.ts';
import { VERSION_FIELDS } from './fields.ts';
import { OBJECT_COLUMNS, versionRecord } from './object-record.ts';
import { onNames } from './undo-lines.ts';

export const undeleteCommand: Command = {
  path: ['undelete'],
  group: 'files',
  summary: 'Bring back what was deleted',
  description: `The name means again what it meant before it was deleted, with all its versions. What was purged cannot be brought back;
    \`datamesh list --deleted\` shows what can.`,
  args: [
    { name: 'names', type: { kind: 'string' }, summary: 'Deleted names', required: true, variadic: true },
  ],
  options: [],
  examples: [
    { line: 'datamesh undelete report.pdf', note: 'one name' },
    { line: 'datamesh undelete a.txt b.txt', note: 'several; each by itself' },
    { line: 'datamesh undelete report.pdf --json', note: 'for a script' },
  ],
  effects: 'writes',
  fields: VERSION_FIELDS,
  undo: (_values, records) => onNames('delete --yes', records),
  needs: 'engine',
  shape: 'list',
  columns: OBJECT_COLUMNS,
  exits: [
    { code: EXIT.notFound, meaning: 'nothing that was deleted is kept under the name' },
    { code: EXIT.conflict, meaning: 'the name has been given again' },
  ],
  async run(context, values) {
    const { out, options, signal } = context;
    const names = [...new Set(values.names as string[])];
    const engine = await context.engine();
    for (const name of names) {
      signal.throwIfAborted();
      if (!options.dryRun) out.record(versionRecord(await engine.names.undelete(name)));
      else {
        const { versions } = await engine.names.versions(name);
        const deleted = versions.find(({ state }) => state === 'deleted');
        if (deleted !== undefined) out.record({ dryRun: true, ...versionRecord(deleted) });
      }
    }
    if (options.dryRun) out.note('nothing was brought back (--dry-run)');
  },
};
