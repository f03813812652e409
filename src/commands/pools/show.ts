import { EXIT } from '../../errors.ts';
import type { Command } from '../command.ts';
import { DURABILITY_COLUMNS, DURABILITY_OPTIONS, durabilityRecord } from './durability.ts';
import { POOL_SHOW_FIELDS } from './fields.ts';
import { explain, POOL_DETAIL_COLUMNS, poolDetailRecord } from './pool-record.ts';

export const poolShowCommand: Command = {
  path: ['pool', 'show'],
  group: 'network',
  summary: 'Show what a pool survives with the nodes at hand now',
  description: `Computed from the nodes that take shards now: how many whole disks, nodes, racks and zones may fail, whichever they are, with
    every stripe that a put would place now still readable; and whether a put would be accepted, with the arithmetic if not.`,
  args: [
    {
      name: 'name',
      type: { kind: 'string' },
      summary: 'Name of the pool; the default one unless given',
      required: false,
    },
  ],
  options: [
    { name: 'check', summary: 'End with a failure unless every shard of a put would find a place' },
    ...DURABILITY_OPTIONS,
  ],
  examples: [
    { line: 'datamesh pool show', note: 'the default pool' },
    {
      line: 'datamesh pool show big --durability --failures 10',
      note: 'how likely loss is in a year, if a tenth of the nodes die',
    },
    {
      line: 'datamesh pool show big --check --quiet || alert',
      note: 'exit 3 or 5 when the mesh cannot keep the rule',
    },
  ],
  effects: 'reads',
  fields: POOL_SHOW_FIELDS,
  needs: 'engine',
  shape: 'single',
  columns: [...POOL_DETAIL_COLUMNS, ...DURABILITY_COLUMNS],
  exits: [
    { code: EXIT.partial, meaning: 'with --check: a put would make fewer shards durable than wanted' },
    { code: EXIT.unreachable, meaning: 'with --check: a put would be refused' },
  ],
  async run(context, values) {
    const engine = await context.engine();
    const pool = await engine.pools.show((values.name as string | undefined) ?? 'default');
    const model = values.durability === true ? durabilityRecord(pool, values, context.out) : {};
    context.out.record({ ...poolDetailRecord(pool), ...model });
    explain(pool, context.out);
    if (values.check !== true || pool.now.whole) return undefined;
    return pool.now.accepted ? EXIT.partial : EXIT.unreachable;
  },
};
