import { resolve } from 'node:path';
import { needFolderPlace } from '../../engine/effects/file-errors.ts';
import type { Engine, ObjectView } from '../../engine/engine.ts';
import { DatameshError, EXIT } from '../../errors.ts';
import type { Command } from '../command.ts';
import { BATCH_GET_FIELDS } from '../files/fields.ts';
import { writeVerified } from '../files/get.ts';
import { objectRecord } from '../files/object-record.ts';
import { matchingObjects } from './patterns.ts';
import { PARALLEL_OPTION, runMany, type Task } from './run-many.ts';
import { makeFolders, placeFor } from './safe-place.ts';

export const batchGetCommand: Command = {
  path: ['batch-get'],
  group: 'files',
  summary: 'Read many objects into a folder',
  description: `Patterns are of names: * and ? within a part, ** across folders, {a,b}; quote them. Each file appears only when all of it is there. With
    --preserve-structure the folders in the names are made below FOLDER; nothing is ever written outside of it, and a name that is no plain path is refused.`,
  args: [
    { name: 'pattern', type: { kind: 'object' }, summary: 'Pattern of names, or a name', required: true },
    {
      name: 'folder',
      type: { kind: 'path' },
      summary: 'Folder to write to; made if need be',
      required: true,
    },
  ],
  options: [
    PARALLEL_OPTION,
    { name: 'preserve-structure', summary: 'Keep the folders in the names' },
    { name: 'tag', short: 't', type: { kind: 'string' }, summary: 'Only those with this tag' },
    { name: 'force', short: 'f', summary: 'Replace files that exist' },
  ],
  examples: [
    { line: "datamesh batch-get '*.pdf' papers", note: 'names without folders' },
    { line: "datamesh batch-get 'photos/**' . --preserve-structure", note: 'with folders and all' },
    { line: "datamesh batch-get '**/*.raw' raw --tag best --force --json", note: 'for a script' },
  ],
  effects: 'reads',
  fields: BATCH_GET_FIELDS,
  needs: 'engine',
  shape: 'list',
  columns: [
    { key: 'name', title: 'NAME' },
    { key: 'bytes', title: 'BYTES', align: 'right', format: 'bytes' },
    { key: 'file', title: 'FILE', priority: 1 },
    { key: 'version', title: 'VER', align: 'right', priority: 2 },
  ],
  exits: [
    { code: EXIT.partial, meaning: 'some could not be read or written' },
    { code: EXIT.notFound, meaning: 'no name fits' },
  ],
  async run(context, values) {
    const { out, options, cwd } = context;
    const root = resolve(cwd, values.folder as string);
    const tag = values.tag as string | undefined;
    const keep = values['preserve-structure'] === true;
    const force = values.force === true;
    const engine = await context.engine();
    const hits = await matchingObjects(engine, [values.pattern as string]);
    const objects = hits.filter(({ tags }) => tag === undefined || tags.includes(tag));
    if (objects.length === 0) {
      throw new DatameshError('not-found', {
        what: 'no name fits',
        mend: 'see the names with `datamesh list`; ** goes across folders, * does not',
      });
    }
    // Said once, not for each object.
    needFolderPlace(root);
    if (options.dryRun) {
      for (const object of objects)
        out.record({
          dryRun: true,
          ...objectRecord(object),
          bytes: object.sizeBytes,
          file: placeFor(root, object.name, keep),
        });
      out.note('nothing was written (--dry-run)');
      return;
    }
    const taken = new Set<string>();
    const tasks = objects.map((object) => getTask(engine, object, { root, keep, force, taken }));
    await runMany(context, values, 'get', tasks);
  },
};

interface Where {
  root: string;
  keep: boolean;
  force: boolean;
  /** Files of this run: one name must not replace another's. */
  taken: Set<string>;
}

function getTask(engine: Engine, object: ObjectView, { root, keep, force, taken }: Where): Task {
  return {
    label: object.name,
    bytes: object.sizeBytes,
    async run(signal, onProgress) {
      const path = placeFor(root, object.name, keep);
      if (taken.has(path)) {
        throw new DatameshError('already-exists', {
          what: `another of these objects was written to ${path}`,
          mend: 'add --preserve-structure',
        });
      }
      taken.add(path);
      await makeFolders(root, path);
      const { version } = object;
      const result = await engine.get(object.name, { version }, { signal, onProgress });
      const bytes = await writeVerified(result.body, path, force, signal);
      return { ...objectRecord(result.object), file: path, bytes };
    },
  };
}
