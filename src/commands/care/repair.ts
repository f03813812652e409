import { DatameshError, EXIT } from '../../errors.ts';
import type { Command, Values } from '../command.ts';
import { REPAIR_FIELDS } from './fields.ts';

export const repairCommand: Command = {
  path: ['repair'],
  group: 'care',
  summary: 'Look for missing and misplaced shards, and rebuild them now',
  description: `The mesh repairs by itself, with grace for machines that come back; this does it at once. Without --apply it only tells what is damaged.
    k shards of a damaged stripe are read and what is missing is rebuilt, where the rule of the pool allows. Nothing needs the objects' keys.`,
  args: [
    {
      name: 'object',
      type: { kind: 'object' },
      summary: 'Name, or id or the first digits of one; all objects when absent',
      required: false,
    },
  ],
  options: [
    { name: 'plan', summary: 'Only tell what is damaged (the default)' },
    { name: 'apply', summary: 'Rebuild and move what is damaged' },
    { name: 'check-integrity', summary: 'Make holders prove every shard first: what has rotted is missing' },
    { name: 'fix-corrupted', summary: 'The same, and rebuild what was found: --check-integrity --apply' },
    { name: 'pool', type: { kind: 'string' }, summary: 'Only objects of this pool' },
  ],
  examples: [
    { line: 'datamesh repair', note: 'what is damaged?' },
    { line: 'datamesh repair --apply', note: 'mend it now' },
    { line: 'datamesh repair --fix-corrupted', note: 'after a disk has shown errors' },
  ],
  effects: 'writes',
  fields: REPAIR_FIELDS,
  needs: 'engine',
  shape: 'single',
  columns: [
    { key: 'applied', title: 'Applied' },
    { key: 'objects', title: 'Objects' },
    { key: 'damaged', title: 'Damaged' },
    { key: 'shardsMissing', title: 'Shards missing' },
    { key: 'shardsMisplaced', title: 'Shards misplaced' },
    { key: 'shardsRebuilt', title: 'Shards rebuilt' },
    { key: 'shardsMoved', title: 'Shards moved' },
    { key: 'shardsUnplaced', title: 'Shards without a place' },
    { key: 'stripesLost', title: 'Stripes lost' },
    { key: 'trafficBytes', title: 'Traffic', format: 'bytes' },
    { key: 'durationMs', title: 'Took', format: 'duration' },
  ],
  exits: [
    { code: EXIT.partial, meaning: 'something is damaged still, nothing is lost' },
    { code: EXIT.integrity, meaning: 'a stripe has too few shards to be rebuilt' },
    { code: EXIT.notFound, meaning: 'there is no such object' },
  ],
  async run(context, values) {
    const { out, signal } = context;
    const query = queryOf(values);
    const engine = await context.engine();
    const report = await engine.repair(query, {
      signal,
      onProgress: (progress) => out.progress('repair', progress),
    });
    out.record({ ...report, durationMs: Math.round(report.durationMs) });
    for (const { name, stripe, spare, missing, misplaced } of report.worst.slice(0, 10)) {
      const what = [
        ...(missing > 0 ? [`${missing} missing`] : []),
        ...(misplaced > 0 ? [`${misplaced} misplaced`] : []),
      ];
      const where = stripe === undefined ? 'manifest' : `stripe ${stripe + 1}`;
      out.note(`${name}, ${where}: ${what.join(', ')} (spare ${spare})`);
    }
    if (report.stripesLost > 0) return EXIT.integrity;
    const left = report.applied ? report.shardsUnplaced : report.shardsMissing + report.shardsMisplaced;
    return left > 0 ? EXIT.partial : EXIT.ok;
  },
};

function queryOf(values: Values) {
  if (values.plan === true && (values.apply === true || values['fix-corrupted'] === true)) {
    throw new DatameshError('bad-value', {
      what: '--plan changes nothing, and --apply and --fix-corrupted do',
      mend: 'give one of them',
    });
  }
  const fix = values['fix-corrupted'] === true;
  return {
    ref: values.object as string | undefined,
    pool: values.pool as string | undefined,
    apply: values.apply === true || fix,
    checkIntegrity: values['check-integrity'] === true || fix,
  };
}
