import type { Engine, ObjectView } from '../../engine/engine.ts';
import { asDatameshError, DatameshError, EXIT } from '../../errors.ts';
import { quoteWord } from '../../lang/argv.ts';
import type { Command, Output } from '../command.ts';
import { DELETE_FIELDS } from './fields.ts';
import { shorten } from './object-name.ts';
import { objectRecord } from './object-record.ts';
import { onNames } from './undo-lines.ts';

export const deleteCommand: Command = {
  path: ['delete'],
  synonyms: [['rm']],
  group: 'files',
  summary: 'Delete objects; with --purge for good',
  description: `Asks first; --yes answers. A deleted name means nothing any more, but its versions are kept as its pool
    says, and \`undelete\` brings it back. --purge releases the shards of all its versions, deleted before or not; of one with --version or an id.
    Only the very names given are deleted, never what merely begins so.`,
  args: [
    { name: 'objects', type: { kind: 'object' }, summary: 'Names or ids', required: true, variadic: true },
  ],
  options: [
    { name: 'purge', short: 'p', summary: 'For good: release the shards' },
    { name: 'version', type: { kind: 'integer', min: 1 }, summary: 'Only this version; with --purge' },
  ],
  examples: [
    { line: 'datamesh delete old.zip', note: 'asks, then deletes; can be undone' },
    { line: 'datamesh rm draft-1 draft-2 --purge --yes', note: 'several, for good, without a question' },
    { line: 'datamesh delete old.zip --dry-run --json', note: 'shows what would go' },
  ],
  effects: 'destructive',
  fields: DELETE_FIELDS,
  undo: (values, records) => (values.purge === true ? undefined : onNames('undelete', records)),
  needs: 'engine',
  shape: 'list',
  columns: [
    { key: 'name', title: 'NAME' },
    { key: 'sizeBytes', title: 'SIZE', align: 'right', format: 'bytes' },
    { key: 'versions', title: 'VERSIONS', align: 'right', priority: 2 },
    { key: 'purged', title: 'PURGED', format: 'yesno' },
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
    const purge = values.purge === true;
    const version = values.version as number | undefined;
    if (version !== undefined && (!purge || refs.length > 1)) {
      throw new DatameshError('bad-value', {
        what: purge ? '--version is for one object at a time' : 'a single version can only go for good',
        mend: `datamesh delete ${purge ? 'NAME' : shorten(refs[0]!)} --version ${version} --purge`,
      });
    }
    const engine = await context.engine();
    // All must exist before the first goes, so that a typo in the third name deletes nothing.
    const views: ObjectView[] = [];
    for (const ref of refs) views.push(await existing(engine, ref, purge, version));
    if (options.dryRun) {
      for (const view of views)
        out.record({
          dryRun: true,
          ...objectRecord(view),
          purged: purge,
          versions: null,
          shardsReleased: null,
          unreachable: [],
        });
      out.note('nothing was deleted (--dry-run)');
      return undefined;
    }
    const names = views.map((view) => `'${shorten(view.name)}'`).join(', ');
    const which = version === undefined ? names : `version ${version} of ${names}`;
    const warning = purge ? 'This cannot be undone.' : "'datamesh undelete' brings it back.";
    if (!(await context.confirm(`Delete ${which}? ${warning}`))) {
      throw new DatameshError('cancelled', { what: 'nothing was deleted' });
    }
    let failed = 0;
    for (const ref of refs) {
      signal.throwIfAborted();
      try {
        if (purge) await purgeOne(engine, ref, version, out);
        else {
          const { name, ...rest } = await engine.names.hide(ref);
          out.record({
            ...objectRecord({ name, ...rest }),
            purged: false,
            versions: 0,
            shardsReleased: 0,
            unreachable: [],
          });
        }
      } catch (thrown) {
        if (refs.length === 1) throw thrown;
        failed++;
        out.warn(`'${shorten(ref)}' was not deleted: ${asDatameshError(thrown).message}`);
      }
    }
    if (!purge && failed < refs.length) {
      out.note("their versions are kept: 'datamesh undelete' brings them back, --purge releases their space");
    }
    if (failed === 0) return undefined;
    throw new DatameshError('some-failed', { what: `${failed} of ${refs.length} objects were not deleted` });
  },
};

/** Also what is deleted already, where it is to go for good. Throws `not-found`. */
async function existing(
  engine: Engine,
  ref: string,
  purge: boolean,
  version: number | undefined,
): Promise<ObjectView> {
  if (!purge) return engine.find(ref);
  const { versions } = await engine.names.versions(
    ref,
    version === undefined ? { limit: 1 } : { before: version + 1, limit: 1 },
  );
  const found = version === undefined ? versions[0] : versions.find((it) => it.version === version);
  if (found !== undefined) return found;
  throw new DatameshError('not-found', {
    what: `'${shorten(ref)}' has no version ${version}`,
    mend: `see what there is with \`datamesh versions ${quoteWord(ref)}\``,
  });
}

async function purgeOne(
  engine: Engine,
  ref: string,
  version: number | undefined,
  out: Output,
): Promise<void> {
  const { object, versions, shardsReleased, unreachable } = await engine.delete(ref, { version });
  out.record({ ...objectRecord(object), purged: true, versions, shardsReleased, unreachable });
  if (unreachable.length === 0) return;
  const holders = unreachable.length === 1 ? '1 holder' : `${unreachable.length} holders`;
  out.warn(
    `${holders} of '${shorten(object.name)}' could not be reached, or could not delete; their shards stay until they are collected`,
  );
}
