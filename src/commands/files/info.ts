import type { ObjectDetail, StripeView } from '../../engine/engine.ts';
import { EXIT } from '../../errors.ts';
import type { Command, Context } from '../command.ts';
import { formatBytes, many, shortId } from '../format/units.ts';
import { INFO_FIELDS } from './fields.ts';
import { objectRecord } from './object-record.ts';

export const infoCommand: Command = {
  path: ['info'],
  synonyms: [['show'], ['stat']],
  group: 'files',
  summary: 'Show one object: its figures, and where its shards lie',
  description: `The state and the spare are found by asking the holders now. Spare is the number of living shards of the weakest
    stripe minus k: at 0 the next loss destroys data. What it outlives is counted by where they are: two on one node are lost with it.`,
  args: [
    {
      name: 'object',
      type: { kind: 'object' },
      summary: 'Name, or id or the first digits of one',
      required: true,
    },
  ],
  options: [
    { name: 'version', type: { kind: 'integer', min: 1 }, summary: 'Version, in place of the newest' },
    { name: 'shards', summary: 'List the shards of each stripe with their holders' },
    {
      name: 'stripes',
      type: { kind: 'integer', min: 1, max: 100_000 },
      summary: 'With --shards: so many stripes',
      default: '10',
    },
  ],
  examples: [
    { line: 'datamesh info holiday.mp4', note: 'size, version, code, state' },
    { line: 'datamesh info holiday.mp4 --shards', note: 'and which node holds which shard' },
    { line: 'datamesh info holiday.mp4 --json=state,spare', note: 'for a script' },
  ],
  effects: 'reads',
  fields: INFO_FIELDS,
  needs: 'engine',
  shape: 'single',
  columns: [
    { key: 'name', title: 'Name' },
    { key: 'sizeBytes', title: 'Size', format: 'bytes' },
    { key: 'state', title: 'State' },
    { key: 'spare', title: 'Spare' },
    { key: 'outlives', title: 'Outlives' },
    { key: 'version', title: 'Version' },
    { key: 'createdAtMs', title: 'Created', format: 'time' },
    { key: 'objectId', title: 'Id' },
    { key: 'contentHash', title: 'BLAKE3' },
    { key: 'mimeType', title: 'Type' },
    { key: 'tags', title: 'Tags', format: 'list' },
    { key: 'code', title: 'Code' },
    { key: 'pool', title: 'Pool' },
    { key: 'chunkBytes', title: 'Chunk', format: 'bytes' },
    { key: 'stripes', title: 'Stripes' },
    { key: 'ownerKey', title: 'Owner key' },
  ],
  exits: [{ code: EXIT.notFound, meaning: 'there is no such object' }],
  async run(context, values) {
    const version = values.version as number | undefined;
    const withShards = values.shards === true;
    const engine = await context.engine();
    const detail = await engine.info(values.object as string, {
      stripeLimit: withShards ? ((values.stripes as number | undefined) ?? 10) : 0,
      ...(version === undefined ? {} : { version }),
    });
    const { state, spare, survives, manifest, stripesDetail } = detail;
    context.out.record({
      ...objectRecord(detail),
      state,
      spare,
      survives,
      outlives: lossText(survives),
      ...(withShards ? { manifest, stripesDetail } : {}),
    });
    if (withShards) showShards(context, detail);
  },
};

/** By where its live shards are, whichever nodes it may be. */
function lossText({ disk, node }: ObjectDetail['survives']): string {
  if (node > 0) return `the loss of any ${many(node, 'node')}`;
  return disk > 0 ? `the loss of any ${many(disk, 'disk')}, and of no node` : 'no loss of a node';
}

function showShards({ out }: Context, { manifest, stripesDetail, stripes }: ObjectDetail): void {
  const show = (title: string, stripe: StripeView) => {
    out.note(`${title}: shards of ${formatBytes(stripe.shardBytes)}, spare ${stripe.spare}`);
    for (const shard of stripe.shards) {
      const live = shard.live === undefined ? 'no answer' : shard.live ? 'live' : 'missing';
      out.note(
        `  ${String(shard.index).padStart(3)}  ${shard.kind.padEnd(7)}  ${shortId(shard.shardId)}  ${shortId(shard.holder)}  ${live}`,
      );
    }
  };
  show('manifest', manifest);
  for (const stripe of stripesDetail) show(`stripe ${stripe.index + 1}`, stripe);
  if (stripesDetail.length < stripes)
    out.note(`${stripes - stripesDetail.length} more stripes; see --stripes`);
}
