import { DatameshError, EXIT } from '../../errors.ts';
import type { Command } from '../command.ts';
import { VERSION_FIELDS } from '../files/fields.ts';
import { parseTags } from '../files/object-name.ts';
import { objectRecord, versionRecord } from '../files/object-record.ts';
import { matchingObjects } from './patterns.ts';
import { PARALLEL_OPTION, runMany } from './run-many.ts';

export const batchTagCommand: Command = {
  path: ['batch-tag'],
  group: 'files',
  summary: 'Add or remove tags of many objects',
  description: 'Patterns are of names: * and ? within a part, ** across folders, {a,b}; quote them.',
  args: [
    { name: 'pattern', type: { kind: 'object' }, summary: 'Pattern of names, or a name', required: true },
  ],
  options: [
    {
      name: 'tags',
      short: 't',
      type: { kind: 'string' },
      summary: 'Tags to add, separated by commas',
      repeatable: true,
    },
    {
      name: 'remove',
      short: 'r',
      type: { kind: 'string' },
      summary: 'Tags to remove, separated by commas',
      repeatable: true,
    },
    PARALLEL_OPTION,
  ],
  examples: [
    { line: "datamesh batch-tag 'photos/2026/**' --tags holiday", note: 'all below a folder' },
    { line: "datamesh batch-tag '*.tmp' --tags old --remove new", note: 'both at once' },
    { line: "datamesh batch-tag '**/*.pdf' --tags paper --json=name,tags", note: 'for a script' },
  ],
  effects: 'writes',
  fields: VERSION_FIELDS,
  needs: 'engine',
  shape: 'list',
  columns: [
    { key: 'name', title: 'NAME' },
    { key: 'tags', title: 'TAGS', format: 'list' },
  ],
  exits: [
    { code: EXIT.partial, meaning: 'some could not be tagged' },
    { code: EXIT.notFound, meaning: 'no name fits' },
  ],
  async run(context, values) {
    const { out, options } = context;
    const [add, remove] = [parseTags(values.tags), parseTags(values.remove)];
    if (add === undefined && remove === undefined) {
      throw new DatameshError('missing-argument', {
        what: 'no tag is given',
        mend: 'add --tags TAG, or --remove TAG',
      });
    }
    const engine = await context.engine();
    const objects = await matchingObjects(engine, [values.pattern as string]);
    if (objects.length === 0) throw new DatameshError('not-found', { what: 'no name fits' });
    if (options.dryRun) {
      for (const object of objects) {
        const tags = new Set([...object.tags.filter((tag) => !remove?.includes(tag)), ...(add ?? [])]);
        out.record({ dryRun: true, ...objectRecord(object), tags: [...tags] });
      }
      out.note('no tag was changed (--dry-run)');
      return;
    }
    await runMany(
      context,
      values,
      'tag',
      objects.map(({ name }) => ({
        label: name,
        bytes: 0,
        run: async () => versionRecord(await engine.names.tag(name, { add, remove })),
      })),
    );
  },
};
