import { parseSize } from '../../config/units.ts';
import type { SearchQuery } from '../../engine/views/search.ts';
import { DatameshError, EXIT } from '../../errors.ts';
import type { Command } from '../command.ts';
import { OBJECT_FIELDS } from './fields.ts';
import { OBJECT_COLUMNS, objectRecord } from './object-record.ts';
import { sinceOf } from './since.ts';

/** Without --limit so many are shown: more is no answer to a person. */
const SHOWN = 100;
const PAGE = 100;

export const searchCommand: Command = {
  path: ['search'],
  group: 'files',
  summary: 'Find objects by words, expressions, type, size and age',
  description: `Words have to begin words of the name or of a tag, all of them, in any order; case and accents do not count. --regex is a
    JavaScript expression that the name has to match somewhere. All conditions have to hold. Those stored last come first.`,
  args: [
    { name: 'words', type: { kind: 'string' }, summary: 'Words to find', required: false, variadic: true },
  ],
  options: [
    { name: 'regex', short: 'e', type: { kind: 'string' }, summary: 'Expression that the name has to match' },
    {
      name: 'file-type',
      type: { kind: 'string' },
      summary: 'Extension or media type: pdf, image, image/png',
    },
    {
      name: 'size',
      type: { kind: 'string' },
      summary: "'+10MiB' or more, '-1GB' or less, '1MB..2MB', or just so",
    },
    {
      name: 'since',
      type: { kind: 'string' },
      summary: 'Stored since a date (2026-11-01) or for so long (7d)',
    },
    { name: 'tag', short: 't', type: { kind: 'string' }, summary: 'Has this tag' },
    {
      name: 'limit',
      short: 'n',
      type: { kind: 'integer', min: 1 },
      summary: `At most so many; ${SHOWN} unless given`,
    },
    { name: 'cursor', type: { kind: 'string' }, summary: 'Go on where a search ended' },
  ],
  examples: [
    { line: 'datamesh search holiday 2026', note: 'both words' },
    { line: 'datamesh search report --file-type pdf --size +1MiB --since 30d', note: 'all of it at once' },
    { line: "datamesh search --regex '^photos/.*\\.raw$' --json=name,sizeBytes", note: 'for a script' },
  ],
  effects: 'reads',
  fields: OBJECT_FIELDS,
  needs: 'engine',
  shape: 'list',
  columns: OBJECT_COLUMNS,
  exits: [{ code: EXIT.usage, meaning: 'no expression, or one that takes too long' }],
  async run(context, values) {
    const { out, signal } = context;
    const text = ((values.words as string[] | undefined) ?? []).join(' ');
    const query: SearchQuery = {
      text: text === '' ? undefined : text,
      regex: values.regex as string | undefined,
      fileType: values['file-type'] as string | undefined,
      tag: values.tag as string | undefined,
      ...sizeOf(values.size as string | undefined),
      sinceMs: sinceOf(values.since as string | undefined),
    };
    if (Object.values(query).every((condition) => condition === undefined)) {
      throw new DatameshError('missing-argument', {
        what: 'nothing is said of what to find',
        mend: 'give words, or --regex, --file-type, --size, --since or --tag',
      });
    }
    const limit = (values.limit as number | undefined) ?? SHOWN;
    const engine = await context.engine();
    let cursor = values.cursor as string | undefined;
    let shown = 0;
    do {
      signal.throwIfAborted();
      const page = await engine.search({ ...query, limit: Math.min(PAGE, limit - shown), cursor });
      for (const object of page.objects) out.record(objectRecord(object));
      shown += page.objects.length;
      cursor = page.cursor;
    } while (cursor !== undefined && shown < limit);
    if (cursor !== undefined)
      out.note(`there may be more: go on with --cursor ${cursor}, or give a higher --limit`);
    else if (shown === 0) out.note('no object matches');
  },
};

/** Throws `bad-value`. */
function sizeOf(text: string | undefined): Pick<SearchQuery, 'minBytes' | 'maxBytes'> {
  if (text === undefined) return {};
  const [first = '', second] = text.split('..');
  const from = first === '' && second !== undefined ? 0 : parseSize(first.replace(/^[+-]/, ''));
  const to = second === undefined ? from : second === '' ? Number.MAX_SAFE_INTEGER : parseSize(second);
  if (from === undefined || to === undefined || (second !== undefined && /^[+-]/.test(first))) {
    throw new DatameshError('bad-value', {
      what: `--size ${text} is no size`,
      mend: "give '+10MiB' (or more), '-1GB' (or less), '1MB..2MB' or '4096'",
    });
  }
  if (first.startsWith('+')) return { minBytes: from };
  if (first.startsWith('-')) return { maxBytes: from };
  return { minBytes: from, maxBytes: to };
}
