import { LEVELS } from '../../engine/placement/domains.ts';
import type { DistributionReport } from '../../engine/views/pools.ts';
import { EXIT } from '../../errors.ts';
import type { Command } from '../command.ts';
import { formatPercent, many } from '../format/units.ts';
import { DISTRIBUTION_FIELDS } from './fields.ts';

export const distributionCommand: Command = {
  path: ['distribution'],
  group: 'network',
  summary: 'Show where shards lie, by node, disk, rack and zone, and which stripes break their rule',
  description: `A census: only shards that their holders say they have are counted, those of current versions and the copies of their manifests.
    A stripe breaks its rule when two of its shards lie on one node, or more than m in one domain of its pool as the pool is now.`,
  args: [
    { name: 'object', type: { kind: 'object' }, summary: 'Only this object: name or id', required: false },
  ],
  options: [
    { name: 'pool', type: { kind: 'string' }, summary: 'Only objects of this pool' },
    { name: 'by', type: { kind: 'enum', values: LEVELS }, summary: 'Only this level', repeatable: true },
    { name: 'check', summary: 'End with a failure when a stripe breaks its rule' },
  ],
  examples: [
    { line: 'datamesh distribution', note: 'all shards, by node, disk, rack and zone' },
    { line: 'datamesh distribution --pool big --by zone', note: 'how a pool lies over the zones' },
    {
      line: 'datamesh distribution film.mkv --check --json',
      note: 'exit 3 when a stripe of it breaks the rule',
    },
  ],
  effects: 'reads',
  fields: DISTRIBUTION_FIELDS,
  needs: 'engine',
  shape: 'list',
  columns: [
    { key: 'level', title: 'LEVEL' },
    { key: 'id', title: 'ID' },
    { key: 'name', title: 'NAME', priority: 2 },
    { key: 'shards', title: 'SHARDS', align: 'right' },
    { key: 'bytes', title: 'BYTES', align: 'right', format: 'bytes' },
    { key: 'share', title: 'SHARE', align: 'right', format: 'percent' },
  ],
  exits: [{ code: EXIT.partial, meaning: 'with --check: a stripe breaks the rule of its pool' }],
  async run(context, values) {
    const { out, signal } = context;
    const engine = await context.engine();
    const report = await engine.distribution(
      { pool: values.pool as string | undefined, ref: values.object as string | undefined },
      { signal },
    );
    const levels = (values.by as string[] | undefined) ?? LEVELS;
    for (const row of report.rows.filter(({ level }) => levels.includes(level))) {
      out.record({ ...row, name: row.name ?? null });
    }
    out.note(`${many(report.shards, 'shard')} of ${many(report.objects, 'object')}`);
    for (const level of levels) {
      const largest = report.rows.find((row) => row.level === level);
      if (largest === undefined) continue;
      const label = largest.name ?? (largest.id === '' ? `no ${level} named` : largest.id);
      out.note(`largest ${level}: ${label}, ${formatPercent(largest.share)} of the shards`);
    }
    if (report.silent.length > 0) {
      out.warn(unansweredText(report));
    }
    if (report.unreadable.length > 0) {
      out.warn(
        `the manifests of ${many(report.objectsUnreadable, 'object')} cannot be read: ${report.unreadable.slice(0, 3).join(', ')}`,
      );
    }
    for (const { name, stripe, pool, domain } of report.broken.slice(0, 10)) {
      const what = stripe === undefined ? 'the manifest' : `stripe ${stripe + 1}`;
      out.warn(`${what} of ${name} breaks the rule of pool ${pool} (domain ${domain})`);
    }
    if (report.stripesBroken > 10) out.warn(`${report.stripesBroken} stripes break their rule in all`);
    return values.check === true && report.stripesBroken > 0 ? EXIT.partial : undefined;
  },
};

/** What a distribution did not see. */
export function unansweredText({
  silent,
  shardsUnknown,
}: Pick<DistributionReport, 'silent' | 'shardsUnknown'>): string {
  return `${many(silent.length, 'holder')} did not answer; not counted: ${many(shardsUnknown, 'shard')} noted there`;
}
