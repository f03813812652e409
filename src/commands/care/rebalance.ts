/** `rebalance plan` and `rebalance apply`: the same figures, of what would be and of what was done. */
import type { RebalanceQuery, RebalanceReport } from '../../engine/views/rebalance.ts';
import { EXIT } from '../../errors.ts';
import type { Column, Command, Context, OptionSpec, Output, Values } from '../command.ts';
import { formatBytes, shortId } from '../format/units.ts';
import { REBALANCE_FIELDS } from './fields.ts';

const COLUMNS: readonly Column[] = [
  { key: 'pool', title: 'Pool' },
  { key: 'objects', title: 'Objects' },
  { key: 'farthest', title: 'Farthest from fair', format: 'percent' },
  { key: 'farthestAfter', title: 'Then', format: 'percent' },
  { key: 'moves', title: 'Shards to move' },
  { key: 'moveBytes', title: 'Bytes to move', format: 'bytes' },
  { key: 'moved', title: 'Moved' },
  { key: 'movedBytes', title: 'Bytes moved', format: 'bytes' },
  { key: 'failed', title: 'Not moved' },
  { key: 'skipped', title: 'Left alone' },
  { key: 'trafficBytes', title: 'Traffic', format: 'bytes' },
  { key: 'durationMs', title: 'Took', format: 'duration' },
];

const OPTIONS: readonly OptionSpec[] = [
  { name: 'pool', type: { kind: 'string' }, summary: 'Holders of this pool; the default one unless given' },
  {
    name: 'tolerance',
    type: { kind: 'integer', min: 0, max: 100 },
    summary: 'Percent of its fair share that a holder may be off before anything moves',
    default: '10',
  },
];

const FAIR = `A fair share goes by what each holder offers: the bytes of the pool that it has and those it still takes, as far as the failure-domain rule lets it have them.`;

export const rebalancePlanCommand: Command = {
  path: ['rebalance', 'plan'],
  synonyms: [['rebalance']],
  group: 'care',
  summary: 'Show what each holder of a pool carries, and what would have to move',
  description: `Holders are asked for every shard of the pool, now. ${FAIR} Stripes that lack a shard, or have one in the wrong place, are repair's work and left alone.`,
  args: [],
  options: OPTIONS,
  examples: [
    { line: 'datamesh rebalance plan', note: 'after nodes have joined: who carries how much?' },
    { line: 'datamesh rebalance plan --pool archive --tolerance 5', note: 'of another pool, more strictly' },
    { line: 'datamesh rebalance plan --json=farthest,moveBytes,holders', note: 'for a script' },
  ],
  effects: 'reads',
  fields: REBALANCE_FIELDS,
  needs: 'engine',
  shape: 'single',
  columns: COLUMNS,
  exits: [{ code: EXIT.notFound, meaning: 'there is no such pool' }],
  run: async (context, values) => void (await rebalance(context, values, false)),
};

export const rebalanceApplyCommand: Command = {
  path: ['rebalance', 'apply'],
  group: 'care',
  summary: 'Move shards until each holder of a pool carries near its fair share',
  description: `Each shard is copied, proved by its new holder, announced to the object's custodians, and only then released by the old one; the failure-domain rule is kept at every moment.
    ${FAIR} It is a job: stopping the command leaves it at work, \`datamesh jobs cancel\` ends it, and a service that was killed goes on when it runs again. Holders that
    are being drained neither give nor get.`,
  args: [],
  options: [
    ...OPTIONS,
    {
      name: 'rate',
      type: { kind: 'size' },
      summary: 'Bytes a second to read and send at most',
      default: '32MiB',
    },
  ],
  examples: [
    { line: 'datamesh rebalance apply', note: 'what the plan says' },
    { line: 'datamesh rebalance apply --rate 4MiB', note: 'slowly, beside other work' },
    {
      line: 'datamesh rebalance apply --pool archive --json',
      note: 'exit 3 when some shards could not move',
    },
  ],
  effects: 'writes',
  fields: REBALANCE_FIELDS,
  needs: 'engine',
  shape: 'single',
  columns: COLUMNS,
  exits: [
    { code: EXIT.partial, meaning: 'some shards could not be moved; a later one goes on' },
    { code: EXIT.conflict, meaning: 'a rebalance is running, or copies too many are being given back' },
    { code: EXIT.notFound, meaning: 'there is no such pool' },
  ],
  run: async (context, values) => {
    const report = await rebalance(context, values, !context.options.dryRun);
    return report.failed > 0 ? EXIT.partial : EXIT.ok;
  },
};

async function rebalance(context: Context, values: Values, apply: boolean): Promise<RebalanceReport> {
  const { out, signal } = context;
  const engine = await context.engine();
  const report = await engine.rebalance(queryOf(values, apply), {
    signal,
    onProgress: (progress) => out.progress('rebalance', progress),
  });
  out.record({ ...report, durationMs: Math.round(report.durationMs) });
  tell(report, out);
  return report;
}

function queryOf(values: Values, apply: boolean): RebalanceQuery {
  const tolerance = values.tolerance as number | undefined;
  return {
    pool: values.pool as string | undefined,
    apply,
    tolerance: tolerance === undefined ? undefined : tolerance / 100,
    bytesPerSecond: values.rate as number | undefined,
  };
}

function tell(report: RebalanceReport, out: Output): void {
  for (const { holder, name, shards, bytes, shardsAfter, bytesAfter, fairBytes } of report.holders) {
    const fair = fairBytes === undefined ? 'neither gives nor gets' : `fair ${formatBytes(fairBytes)}`;
    const then = shardsAfter === shards ? '' : `, then ${shardsAfter} (${formatBytes(bytesAfter)})`;
    out.note(`${name ?? shortId(holder)}: ${shards} shards (${formatBytes(bytes)})${then}; ${fair}`);
  }
  if (report.moves === 0) out.note('nothing to move: every holder is within the tolerance');
  if (report.skipped > 0)
    out.note(`${report.skipped} stripes are left alone: \`datamesh repair\` says what they lack`);
}
