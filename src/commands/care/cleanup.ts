import { EXIT } from '../../errors.ts';
import type { Command } from '../command.ts';
import { shortId } from '../format/units.ts';
import { CLEANUP_FIELDS } from './fields.ts';

export const cleanupCommand: Command = {
  path: ['cleanup'],
  group: 'care',
  summary: 'Collect shards that nothing refers to; copies too many on request',
  description: `Orphans are shards on any node that no object, version, running or interrupted put of yours refers to. The first cleanup marks them; one that comes later,
    after the delay (a day; config cleanup.delayHours), looks at everything anew and sweeps those that are orphans still. Duplicates are shards that several nodes have
    after a repair: with --duplicates the copies that the pool's rule likes less go, once the one that stays has been proved. They cost space and harm nothing; a holder
    that proves its copy today and loses it tomorrow is the price, so they go only when asked for.`,
  args: [],
  options: [
    { name: 'orphaned', summary: 'Shards of no object; what is done when nothing is named' },
    { name: 'duplicates', summary: 'Copies too many, where the one that stays is proved' },
  ],
  examples: [
    { line: 'datamesh cleanup --dry-run', note: 'what would be marked, swept and given back' },
    { line: 'datamesh cleanup', note: 'marks new orphans and sweeps those of an earlier mark' },
    { line: 'datamesh cleanup --duplicates --json', note: 'after nodes came back from a repair' },
  ],
  effects: 'writes',
  fields: CLEANUP_FIELDS,
  needs: 'engine',
  shape: 'single',
  columns: [
    { key: 'objects', title: 'Live objects' },
    { key: 'shardsLive', title: 'Live shards' },
    { key: 'shardsListed', title: 'Shards listed' },
    { key: 'marked', title: 'Marked' },
    { key: 'waiting', title: 'Waiting' },
    { key: 'swept', title: 'Swept' },
    { key: 'sweptBytes', title: 'Bytes swept', format: 'bytes' },
    { key: 'duplicates', title: 'Shards with copies too many' },
    { key: 'released', title: 'Copies released' },
    { key: 'releasedBytes', title: 'Bytes released', format: 'bytes' },
    { key: 'epoch', title: 'Epoch' },
    { key: 'durationMs', title: 'Took', format: 'duration' },
  ],
  exits: [
    {
      code: EXIT.partial,
      meaning:
        'a node did not answer, or what is live is not known for sure: something waits for the next time',
    },
  ],
  async run(context, values) {
    const { out, options, signal } = context;
    const engine = await context.engine();
    const dryRun = options.dryRun;
    const query = {
      orphaned: values.orphaned === true || values.duplicates !== true,
      duplicates: values.duplicates === true,
      dryRun,
    };
    const { orphaned, duplicates, durationMs } = await engine.cleanup(query, { signal });
    out.record({
      ...(dryRun ? { dryRun } : {}),
      objects: orphaned?.objectsLive ?? null,
      shardsLive: orphaned?.shardsLive ?? null,
      shardsListed: orphaned?.shardsListed ?? null,
      marked: orphaned?.marked ?? null,
      waiting: orphaned?.waiting ?? null,
      swept: orphaned?.swept ?? null,
      sweptBytes: orphaned?.sweptBytes ?? null,
      duplicates: duplicates?.shards ?? null,
      released: duplicates?.released ?? null,
      releasedBytes: duplicates?.releasedBytes ?? null,
      unproved: duplicates?.unproved ?? null,
      failed: duplicates?.failed ?? null,
      epoch: orphaned?.epoch ?? null,
      delayMs: orphaned?.delayMs ?? null,
      holders: orphaned?.holders ?? [],
      blocked: orphaned?.blocked ?? [],
      waits: orphaned?.waits ?? [],
      durationMs,
    });
    for (const { holder, name, orphans, marked, swept, failed } of orphaned?.holders ?? []) {
      const who = name ?? shortId(holder);
      if (failed !== undefined) out.note(`${who} did not answer: ${failed}`);
      else if (orphans > 0)
        out.note(
          `${who}: ${orphans} orphans; ${dryRun ? 'would mark' : 'marked'} ${marked}, ${dryRun ? 'would sweep' : 'swept'} ${swept}`,
        );
    }
    for (const why of orphaned?.blocked ?? []) out.note(`nothing was marked or swept: ${why}`);
    for (const why of orphaned?.waits ?? []) out.note(`waits: ${why}`);
    if ((duplicates?.unproved ?? 0) > 0)
      out.note(`${duplicates?.unproved} copies stay: the holder that was to keep the shard did not prove it`);
    const partial =
      (orphaned?.blocked.length ?? 0) > 0 ||
      orphaned?.holders.some(({ failed }) => failed !== undefined) === true ||
      (duplicates?.failed ?? 0) > 0;
    return partial ? EXIT.partial : EXIT.ok;
  },
};
