import { CONFIG_FIELDS, fieldOf } from '../../config/fields.ts';
import { formatField } from '../../config/values.ts';
import type { Command, Context, Values } from '../command.ts';
import { tellAboutEffect } from './config-effect.ts';
import { OPTIMIZE_FIELDS } from './fields.ts';
import type { Proposal } from './optimize-propose.ts';

export const optimizeCommand: Command = {
  path: ['optimize'],
  group: 'care',
  summary: 'Measure this machine and its lines, and propose settings with what they bring',
  description: `Measures for some seconds with what else runs: reads with and without the cache (a few files under benchmark/, removed again), writes to the data folder, the
    line to the nearest peer (4 s, both nodes' bandwidth). A setting is proposed only where a figure speaks for it. Nothing is changed without --apply.`,
  args: [],
  options: [
    { name: 'cache', summary: 'Only the cache of reads' },
    { name: 'storage', summary: 'Only the disk' },
    { name: 'network', summary: 'Only the line' },
    { name: 'apply', summary: 'Write what is proposed to the configuration' },
  ],
  examples: [
    { line: 'datamesh optimize', note: 'measure everything, change nothing' },
    { line: 'datamesh optimize --cache --storage', note: 'without filling the line' },
    { line: 'datamesh optimize --storage --apply --json', note: 'for a script' },
  ],
  effects: 'writes',
  fields: OPTIMIZE_FIELDS,
  needs: 'engine',
  shape: 'list',
  columns: [
    { key: 'area', title: 'AREA' },
    { key: 'key', title: 'SETTING' },
    { key: 'nowText', title: 'NOW' },
    { key: 'proposedText', title: 'PROPOSED' },
    { key: 'gain', title: 'GAIN', priority: 1 },
    { key: 'measured', title: 'MEASURED', priority: 2 },
  ],
  async run(context, values) {
    const { out, options } = context;
    const proposals = await proposalsOf(context, values);
    for (const proposal of proposals) out.record(recordOf(proposal));
    const changes = proposals.filter(({ now, proposed }) => now !== proposed);
    if (changes.length === 0) return out.note('nothing better was measured');
    if (values.apply !== true || options.dryRun)
      return out.note('to take this up: datamesh optimize --apply');
    const [{ changing }, { setAllInFile }] = await Promise.all([
      import('../../config/changing.ts'),
      import('../../config/store.ts'),
    ]);
    const path = context.configPath();
    const proposed = Object.fromEntries(changes.map((change) => [change.key, change.proposed]));
    await changing(path, () => setAllInFile(path, proposed));
    await tellAboutEffect(
      context,
      CONFIG_FIELDS.filter(({ key }) => changes.some((it) => it.key === key)),
    );
  },
};

async function proposalsOf(context: Context, values: Values): Promise<Proposal[]> {
  const { out, signal } = context;
  const all = ['cache', 'storage', 'network'].every((area) => values[area] !== true);
  const wanted = (area: Proposal['area']) => all || values[area] === true;
  const { reads, bandwidth } = await context.config();
  const [{ measureCache, measureLine, measureStorage }, { proposeCache, proposeLine, proposeStorage }] =
    await Promise.all([import('./optimize-measure.ts'), import('./optimize-propose.ts')]);
  const engine = await context.engine();
  const proposals: Proposal[] = [];
  if (wanted('cache')) proposals.push(proposeCache(await measureCache(engine, signal), reads.cacheBytes));
  if (wanted('storage')) proposals.push(proposeStorage(await measureStorage(engine, signal)));
  if (wanted('network')) {
    const line = await measureLine(engine, signal);
    if (line === undefined) out.warn('no peer takes a speed test now, so the line was not measured');
    else {
      const set = { up: bandwidth.upBytesPerSecond, down: bandwidth.downBytesPerSecond };
      proposals.push(...proposeLine(line, set));
    }
  }
  return proposals;
}

function recordOf({ area, key, now, proposed, measured, gain }: Proposal) {
  const field = fieldOf(key)!;
  return {
    area,
    key,
    now,
    proposed,
    nowText: formatField(field, now),
    proposedText: now === proposed ? 'as it is' : formatField(field, proposed),
    gain: gain ?? null,
    measured,
  };
}
