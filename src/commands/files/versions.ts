import { EXIT } from '../../errors.ts';
import type { Command } from '../command.ts';
import { VERSION_FIELDS } from './fields.ts';
import { shorten } from './object-name.ts';
import { versionRecord } from './object-record.ts';

/** Rows fetched at a time. */
const PAGE = 500;

export const versionsCommand: Command = {
  path: ['versions'],
  group: 'files',
  summary: 'List the versions of an object',
  description: `Newest first. A put over a name keeps the version before; how many are kept is a matter of the pool
    (datamesh pool set POOL --keep-versions). Any of them can be read with get --version.`,
  args: [
    { name: 'object', type: { kind: 'object' }, summary: 'Name, deleted or not, or id', required: true },
  ],
  options: [{ name: 'limit', short: 'n', type: { kind: 'integer', min: 1 }, summary: 'At most so many' }],
  examples: [
    { line: 'datamesh versions report.pdf', note: 'what there is of a name' },
    { line: 'datamesh versions report.pdf --limit 3', note: 'the three newest' },
    { line: 'datamesh versions report.pdf --json=version,state,createdAtMs', note: 'for a script' },
  ],
  effects: 'reads',
  fields: VERSION_FIELDS,
  needs: 'engine',
  shape: 'list',
  columns: [
    { key: 'version', title: 'VER', align: 'right' },
    { key: 'state', title: 'STATE' },
    { key: 'sizeBytes', title: 'SIZE', align: 'right', format: 'bytes' },
    { key: 'createdAtMs', title: 'CREATED', format: 'time', priority: 1 },
    { key: 'endedAtMs', title: 'REPLACED', format: 'time', priority: 4 },
    { key: 'pool', title: 'POOL', priority: 5 },
    { key: 'tags', title: 'TAGS', format: 'list', priority: 3 },
    { key: 'objectId', title: 'ID', format: 'id', priority: 2 },
  ],
  exits: [{ code: EXIT.notFound, meaning: 'there is no such object, and none that was deleted' }],
  async run(context, values) {
    const { out, signal } = context;
    const ref = values.object as string;
    const limit = (values.limit as number | undefined) ?? Number.POSITIVE_INFINITY;
    const engine = await context.engine();
    let shown = 0;
    let before: number | undefined;
    let deleted: string | undefined;
    do {
      signal.throwIfAborted();
      const page = await engine.names.versions(ref, { before, limit: Math.min(PAGE, limit - shown) });
      for (const version of page.versions) {
        out.record(versionRecord(version));
        shown++;
        if (version.state === 'deleted') deleted = version.name;
      }
      before = page.before;
    } while (before !== undefined && shown < limit);
    if (before !== undefined) out.note('there are older ones: give a higher --limit');
    if (deleted !== undefined)
      out.note(`deleted; 'datamesh undelete' brings '${shorten(deleted)}' back as it was`);
  },
};
