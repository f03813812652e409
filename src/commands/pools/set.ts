import { EXIT } from '../../errors.ts';
import type { Command } from '../command.ts';
import { POOL_DETAIL_FIELDS } from './fields.ts';
import { explain, POOL_DETAIL_COLUMNS, poolDetailRecord, tellDryRun } from './pool-record.ts';
import { NAME_ARG, SETTING_OPTIONS, settingsOf } from './settings.ts';

export const poolSetCommand: Command = {
  path: ['pool', 'set'],
  group: 'network',
  summary: 'Change what later puts into a pool keep to',
  description: `Objects that are stored stay as they are; \`datamesh distribution\` tells which of them break the new rule. --dir adds a folder,
    --node replaces the nodes. --keep-versions, --keep-age and --keep-bytes say which old and deleted versions stay; each stands alone, and what any of
    them does not want goes, soon. All are kept unless told.`,
  args: [NAME_ARG],
  options: SETTING_OPTIONS,
  examples: [
    { line: 'datamesh pool set big --compress', note: 'compress from now on' },
    { line: 'datamesh pool set default --keep-versions 10 --keep-age 90d', note: 'which old versions stay' },
    { line: 'datamesh pool set big --code 8+4 --json', note: 'another code for later puts' },
  ],
  effects: 'writes',
  fields: POOL_DETAIL_FIELDS,
  needs: 'engine',
  shape: 'single',
  columns: POOL_DETAIL_COLUMNS,
  exits: [{ code: EXIT.unreachable, meaning: 'the nodes at hand cannot keep the rule' }],
  async run(context, values) {
    const { out, cwd, options } = context;
    const settings = settingsOf(values, cwd);
    const name = values.name as string;
    const engine = await context.engine();
    const pool = await engine.pools.set(name, { ...settings, ...(options.dryRun && { dryRun: true }) });
    if (options.dryRun) return tellDryRun(`the pool ${name} was not changed`, pool, settings, out);
    out.record(poolDetailRecord(pool));
    explain(pool, out);
  },
};
