import { asDatameshError, DatameshError, EXIT } from '../../errors.ts';
import type { Command } from '../command.ts';
import { shorten } from './object-name.ts';
import { objectRecord } from './object-record.ts';

export const deleteCommand: Command = {
  path: ['delete'],
  synonyms: [['rm']],
  group: 'files',
  summary: 'Delete objects and release their shards',
  description: `Asks first; --yes answers. A name goes with all its versions, an id
alone. Only the very names given are deleted, never what merely begins so.`,
  args: [
    { name: 'objects', type: { kind: 'object' }, summary: 'Names or ids', required: true, variadic: true },
  ],
  options: [],
  examples: [
    { line: 'datamesh delete old.zip', note: 'asks, then deletes' },
    { line: 'datamesh rm draft-1 draft-2 --yes', note: 'several, without a question' },
    { line: 'datamesh delete old.zip --dry-run --json', note: 'shows what would go' },
  ],
  effects: 'destructive',
  needs: 'engine',
  shape: 'list',
  columns: [
    { key: 'name', title: 'NAME' },
    { key: 'sizeBytes', title: 'SIZE', align: 'right', format: 'bytes' },
    { key: 'versions', title: 'VERSIONS', align: 'right', priority: 2 },
    { key: 'shardsReleased', title: 'SHARDS RELEASED', align: 'right' },
    { key: 'unreachable', title: 'NOT REACHED', format: 'list', priority: 1 },
  ],
  exits: [
    { code: EXIT.notFound, meaning: 'there is no such object; of several, none is deleted' },
    { code: EXIT.partial, meaning: 'some could not be deleted' },
  ],
  async run(context, values) {
    const { out, options, signal } = context;
    const refs = [...new Set(values.objects as string[])];
    const engine = await context.engine();
    // All must exist before the first goes, so that a typo in the third name deletes nothing.
    const views = [];
    for (const ref of refs) views.push(await engine.find(ref));
    if (options.dryRun) {
      for (const view of views)
        out.record({
          dryRun: true,
          ...objectRecord(view),
          versions: null,
          shardsReleased: null,
          unreachable: [],
        });
      out.note('nothing was deleted (--dry-run)');
      return undefined;
    }
    const names = views.map((view) => `'${shorten(view.name)}'`).join(', ');
    if (!(await context.confirm(`Delete ${names}? This cannot be undone.`))) {
      throw new DatameshError('cancelled', { what: 'nothing was deleted' });
    }
    let failed = 0;
    for (const ref of refs) {
      signal.throwIfAborted();
      try {
        const { object, versions, shardsReleased, unreachable } = await engine.delete(ref);
        out.record({ ...objectRecord(object), versions, shardsReleased, unreachable });
        if (unreachable.length > 0) {
          out.warn(
            `${unreachable.length} holders of '${shorten(object.name)}' did not answer; their shards stay until they are collected`,
          );
        }
      } catch (thrown) {
        if (refs.length === 1) throw thrown;
        failed++;
        out.warn(`'${shorten(ref)}' was not deleted: ${asDatameshError(thrown).message}`);
      }
    }
    if (failed === 0) return undefined;
    throw new DatameshError('some-failed', { what: `${failed} of ${refs.length} objects were not deleted` });
  },
};
