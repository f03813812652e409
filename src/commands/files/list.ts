import type { ListQuery, ObjectView } from '../../engine/engine.ts';
import type { Command } from '../command.ts';
import { LIST_FIELDS } from './fields.ts';
import { parseTags } from './object-name.ts';
import { OBJECT_COLUMNS, objectRecord } from './object-record.ts';

/** Rows fetched at a time; an answer stays well under a megabyte. */
const PAGE = 500;

export const listCommand: Command = {
  path: ['list'],
  synonyms: [['ls'], ['ll']],
  group: 'files',
  summary: 'List stored objects',
  args: [{ name: 'prefix', type: { kind: 'object' }, summary: 'Only names that begin so', required: false }],
  options: [
    {
      name: 'tags',
      short: 't',
      type: { kind: 'string' },
      summary: 'Only objects that have all of these tags',
      repeatable: true,
    },
    {
      name: 'sort',
      short: 's',
      type: { kind: 'enum', values: ['name', 'size', 'created'] },
      summary: 'Order',
      default: 'name',
    },
    { name: 'reverse', short: 'r', summary: 'Other way round' },
    { name: 'deleted', summary: 'What was deleted and can be brought back, in place of what is there' },
    { name: 'limit', short: 'n', type: { kind: 'integer', min: 1 }, summary: 'At most so many' },
    { name: 'cursor', type: { kind: 'string' }, summary: 'Go on where a list with --limit ended' },
  ],
  examples: [
    { line: 'datamesh list', note: 'everything, by name' },
    { line: 'datamesh list 2026/ --sort size --reverse --limit 10', note: 'the ten largest under a prefix' },
    { line: 'datamesh list --tags work --json=name,sizeBytes', note: 'for a script' },
  ],
  effects: 'reads',
  fields: LIST_FIELDS,
  needs: 'engine',
  shape: 'list',
  columns: OBJECT_COLUMNS,
  async run(context, values) {
    const { out, signal } = context;
    const [tag, ...otherTags] = parseTags(values.tags) ?? [];
    const limit = (values.limit as number | undefined) ?? Number.POSITIVE_INFINITY;
    const query: ListQuery = {
      prefix: values.prefix as string | undefined,
      tag,
      deleted: values.deleted as boolean | undefined,
      sort: values.sort as 'name' | 'size' | 'created' | undefined,
      reverse: values.reverse as boolean | undefined,
    };
    const engine = await context.engine();
    let cursor = values.cursor as string | undefined;
    let shown = 0;
    // One behind, so that the last row can carry the cursor of what follows it.
    let held: ObjectView | undefined;
    do {
      signal.throwIfAborted();
      const page = await engine.list({ ...query, limit: Math.min(PAGE, limit - shown), cursor });
      for (const object of page.objects) {
        if (!otherTags.every((other) => object.tags.includes(other))) continue;
        if (held) out.record(objectRecord(held));
        held = object;
        shown++;
      }
      cursor = page.cursor;
    } while (cursor !== undefined && shown < limit);
    if (held) out.record({ ...objectRecord(held), ...(cursor === undefined ? {} : { cursor }) });
    if (cursor !== undefined) out.note(`there are more: go on with --cursor ${cursor}`);
    else if (shown === 0) {
      const isWhole = !query.prefix && !tag && !query.deleted;
      const deleted = isWhole && (await engine.list({ deleted: true, limit: 1 })).objects.length > 0;
      out.note(
        deleted
          ? "nothing is left; 'datamesh list --deleted' shows what was deleted, 'datamesh undelete' brings it back"
          : isWhole
            ? "nothing is stored; 'datamesh put FILE' stores a file"
            : 'no object matches',
      );
    }
  },
};
