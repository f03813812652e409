import type { Command } from '../command.ts';
import { POPULAR_FIELDS } from './fields.ts';
import { objectRecord } from './object-record.ts';
import { sinceOf } from './since.ts';

const SHOWN = 20;

export const popularCommand: Command = {
  path: ['popular'],
  group: 'files',
  summary: 'List what was read most',
  description: `Reads are counted on this node, by the hour in which they began: what other nodes of yours read is not among them. Names that
    are gone are left out.`,
  args: [],
  options: [
    {
      name: 'timeframe',
      type: { kind: 'string' },
      summary: 'Reads since a date (2026-11-01) or for so long (30d); all that were counted unless given',
    },
    {
      name: 'limit',
      short: 'n',
      type: { kind: 'integer', min: 1, max: 1000 },
      summary: `At most so many; ${SHOWN} unless given`,
    },
  ],
  examples: [
    { line: 'datamesh popular', note: 'the twenty read most' },
    { line: 'datamesh popular --timeframe 7d', note: 'in a week' },
    { line: 'datamesh popular --timeframe 24h --json=name,reads', note: 'for a script' },
  ],
  effects: 'reads',
  fields: POPULAR_FIELDS,
  needs: 'engine',
  shape: 'list',
  columns: [
    { key: 'name', title: 'NAME' },
    { key: 'reads', title: 'READS', align: 'right' },
    { key: 'readBytes', title: 'READ', align: 'right', format: 'bytes' },
    { key: 'lastReadAtMs', title: 'LAST', format: 'time', priority: 1 },
    { key: 'sizeBytes', title: 'SIZE', align: 'right', format: 'bytes', priority: 2 },
    { key: 'objectId', title: 'ID', format: 'id', priority: 3 },
  ],
  async run(context, values) {
    const { out } = context;
    const sinceMs = sinceOf(values.timeframe as string | undefined) ?? 0;
    const engine = await context.engine();
    const read = await engine.popular({ sinceMs, limit: (values.limit as number | undefined) ?? SHOWN });
    for (const { object, reads, bytes, lastReadAtMs } of read)
      out.record({ ...objectRecord(object), reads, readBytes: bytes, lastReadAtMs });
    if (read.length === 0) out.note('nothing was read through this node in that time');
  },
};
