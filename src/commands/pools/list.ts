import type { Command } from '../command.ts';
import { POOL_FIELDS } from './fields.ts';
import { POOL_COLUMNS, poolRecord } from './pool-record.ts';

export const poolListCommand: Command = {
  path: ['pool', 'list'],
  synonyms: [['pool', 'ls'], ['pools']],
  group: 'network',
  summary: 'List pools',
  args: [],
  options: [],
  examples: [
    { line: 'datamesh pool list', note: 'the default one and yours' },
    { line: 'datamesh pool list --wide', note: 'with every column' },
    { line: 'datamesh pool list --json=name,code,domain', note: 'for a script' },
  ],
  effects: 'reads',
  fields: POOL_FIELDS,
  needs: 'engine',
  shape: 'list',
  columns: POOL_COLUMNS,
  async run(context) {
    const engine = await context.engine();
    for (const pool of await engine.pools.list()) context.out.record(poolRecord(pool));
  },
};
