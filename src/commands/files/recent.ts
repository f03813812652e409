import type { Command } from '../command.ts';
import { OBJECT_FIELDS } from './fields.ts';
import { OBJECT_COLUMNS, objectRecord } from './object-record.ts';
import { sinceOf } from './since.ts';

const SHOWN = 20;
const PAGE = 500;

export const recentCommand: Command = {
  path: ['recent'],
  group: 'files',
  summary: 'List what was stored last',
  args: [],
  options: [
    {
      name: 'limit',
      short: 'n',
      type: { kind: 'integer', min: 1 },
      summary: `At most so many; ${SHOWN} unless given`,
    },
    { name: 'since', type: { kind: 'string' }, summary: 'Since a date (2026-11-01) or for so long (7d)' },
  ],
  examples: [
    { line: 'datamesh recent', note: 'the last twenty' },
    { line: 'datamesh recent --since 24h --limit 100', note: 'of a day' },
    { line: 'datamesh recent --since 2026-11-01 --json=name,createdAtMs', note: 'for a script' },
  ],
  effects: 'reads',
  fields: OBJECT_FIELDS,
  needs: 'engine',
  shape: 'list',
  columns: OBJECT_COLUMNS,
  async run(context, values) {
    const { out, signal } = context;
    const limit = (values.limit as number | undefined) ?? SHOWN;
    const sinceMs = sinceOf(values.since as string | undefined);
    const engine = await context.engine();
    let cursor: string | undefined;
    let shown = 0;
    do {
      signal.throwIfAborted();
      const page = await engine.list({
        sort: 'created',
        reverse: true,
        sinceMs,
        limit: Math.min(PAGE, limit - shown),
        cursor,
      });
      for (const object of page.objects) out.record(objectRecord(object));
      shown += page.objects.length;
      cursor = page.cursor;
    } while (cursor !== undefined && shown < limit);
    if (shown === 0) out.note(sinceMs === undefined ? 'nothing is stored' : 'nothing was stored since then');
  },
};
