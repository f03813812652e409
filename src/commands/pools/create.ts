import { EXIT } from '../../errors.ts';
import type { Command } from '../command.ts';
import { POOL_DETAIL_FIELDS } from './fields.ts';
import { explain, POOL_DETAIL_COLUMNS, poolDetailRecord, tellDryRun } from './pool-record.ts';
import { NAME_ARG, SETTING_OPTIONS, settingsOf } from './settings.ts';

export const poolCreateCommand: Command = {
  path: ['pool', 'create'],
  group: 'network',
  summary: 'Make a pool: a code, and what may fail without loss of data',
  description: `A stripe put into the pool never has two shards on a node, nor more than m in one domain. A profile that the nodes at hand
    cannot keep is refused with the arithmetic: 10+4 over zones needs four zones. With --dir alone the pool is this machine's disks,
    and the domain is the disk: folders of one file system count as one disk, those of two partitions of one device as two, so give
    one folder per device.`,
  args: [NAME_ARG],
  options: SETTING_OPTIONS,
  examples: [
    {
      line: 'datamesh pool create big --code 10+4 --domain zone',
      note: 'survives the loss of any datacenter',
    },
    {
      line: 'datamesh pool create disks --code 2+1 --dir /mnt/a/shards --dir /mnt/b/shards --dir /mnt/c/shards',
      note: 'three disks of this machine, any one of which may fail',
    },
    {
      line: 'datamesh pool create later --code 10+4 --domain zone --allow-degraded --json',
      note: 'nodes come later',
    },
  ],
  effects: 'writes',
  fields: POOL_DETAIL_FIELDS,
  needs: 'engine',
  shape: 'single',
  columns: POOL_DETAIL_COLUMNS,
  exits: [
    { code: EXIT.unreachable, meaning: 'the nodes at hand cannot keep the rule' },
    { code: EXIT.conflict, meaning: 'the name is taken, or a folder holds something else' },
  ],
  async run(context, values) {
    const { out, cwd, options } = context;
    const settings = settingsOf(values, cwd);
    const name = values.name as string;
    const engine = await context.engine();
    const pool = await engine.pools.create(name, { ...settings, ...(options.dryRun && { dryRun: true }) });
    if (options.dryRun) return tellDryRun(`the pool ${name} was not made`, pool, settings, out);
    out.record(poolDetailRecord(pool));
    explain(pool, out);
  },
};
