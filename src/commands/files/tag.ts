import { DatameshError, EXIT } from '../../errors.ts';
import type { Command } from '../command.ts';
import { TAG_FIELDS } from './fields.ts';
import { parseTags } from './object-name.ts';
import { objectRecord, versionRecord } from './object-record.ts';

export const tagCommand: Command = {
  path: ['tag'],
  group: 'files',
  summary: 'Show, add or remove tags of an object',
  description:
    'Without options the tags are shown. They are a matter of the catalog: nothing is sent to holders.',
  args: [{ name: 'object', type: { kind: 'object' }, summary: 'Name or id', required: true }],
  options: [
    {
      name: 'add',
      short: 'a',
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
  ],
  examples: [
    { line: 'datamesh tag report.pdf', note: 'shows its tags' },
    { line: 'datamesh tag report.pdf --add work,final --remove draft', note: 'both at once' },
    { line: 'datamesh tag report.pdf --add work --json=name,tags', note: 'for a script' },
  ],
  effects: 'writes',
  fields: TAG_FIELDS,
  needs: 'engine',
  shape: 'single',
  columns: [
    { key: 'name', title: 'Name' },
    { key: 'tags', title: 'Tags', format: 'list' },
    { key: 'version', title: 'Version' },
    { key: 'objectId', title: 'Id' },
  ],
  exits: [{ code: EXIT.notFound, meaning: 'there is no such object' }],
  async run(context, values) {
    const { out, options } = context;
    const ref = values.object as string;
    const [add, remove] = [parseTags(values.add), parseTags(values.remove)];
    const both = add?.find((tag) => remove?.includes(tag));
    if (both !== undefined) {
      throw new DatameshError('bad-value', { what: `'${both}' is to be both added and removed` });
    }
    const engine = await context.engine();
    if (options.dryRun || (add === undefined && remove === undefined)) {
      const object = await engine.find(ref);
      const tags = [...new Set([...object.tags.filter((tag) => !remove?.includes(tag)), ...(add ?? [])])];
      out.record({ ...(options.dryRun ? { dryRun: true } : {}), ...objectRecord(object), tags });
      if (options.dryRun) out.note('no tag was changed (--dry-run)');
      return;
    }
    out.record(versionRecord(await engine.names.tag(ref, { add, remove })));
  },
};
