import type { Engine } from '../../engine/engine.ts';
import { DatameshError, EXIT } from '../../errors.ts';
import type { Command, Context, Values } from '../command.ts';
import { BATCH_PUT_FIELDS } from '../files/fields.ts';
import { mimeTypeOf } from '../files/mime-type.ts';
import { checkName, parseTags } from '../files/object-name.ts';
import { objectRecord } from '../files/object-record.ts';
import { changedWarning, openSource } from '../files/source-file.ts';
import { type LocalFile, localFiles } from './patterns.ts';
import { PARALLEL_OPTION, runMany, type Task, TOLD_FAILURES } from './run-many.ts';

export const batchPutCommand: Command = {
  path: ['batch-put'],
  group: 'files',
  summary: 'Store many files',
  description: `Patterns are of this disk: * and ? within a name, ** across folders, {a,b}; quote them, or let the shell fill them in. A file's name
    in the mesh is its own, or with --preserve-structure its path below where the pattern's fixed part ends.`,
  args: [
    {
      name: 'patterns',
      type: { kind: 'path' },
      summary: 'Files, folders (with --recursive) and patterns',
      required: true,
      variadic: true,
    },
  ],
  options: [
    { name: 'recursive', short: 'r', summary: 'All files in folders that are given' },
    PARALLEL_OPTION,
    { name: 'preserve-structure', summary: 'Keep folders in the names' },
    { name: 'prefix', type: { kind: 'string' }, summary: 'Put this before each name, e.g. photos/' },
    {
      name: 'tags',
      short: 't',
      type: { kind: 'string' },
      summary: 'Tags for each, separated by commas',
      repeatable: true,
    },
    { name: 'pool', type: { kind: 'string' }, summary: 'Pool to put them into, in place of the default one' },
    { name: 'if-absent', summary: 'Refuse those whose names exist' },
  ],
  examples: [
    { line: "datamesh batch-put '*.jpg' --tags holiday", note: 'files of this folder' },
    {
      line: 'datamesh batch-put photos --recursive --preserve-structure --parallel 8',
      note: 'a folder with all that is in it',
    },
    { line: "datamesh batch-put 'src/**/*.{ts,tsx}' --prefix code/ --json", note: 'for a script' },
  ],
  effects: 'writes',
  fields: BATCH_PUT_FIELDS,
  needs: 'engine',
  shape: 'list',
  columns: [
    { key: 'name', title: 'NAME' },
    { key: 'sizeBytes', title: 'SIZE', align: 'right', format: 'bytes' },
    { key: 'version', title: 'VER', align: 'right', priority: 2 },
    { key: 'spare', title: 'SPARE', align: 'right', priority: 3 },
    { key: 'file', title: 'FILE', priority: 4 },
    { key: 'objectId', title: 'ID', format: 'id', priority: 1 },
  ],
  exits: [
    {
      code: EXIT.partial,
      meaning: 'some could not be stored, or with fewer shards than wanted; also names that are no UTF-8',
    },
    { code: EXIT.notFound, meaning: 'a file that was named is not there; nothing is stored' },
  ],
  async run(context, values) {
    const { out, options, cwd } = context;
    const { files, skipped } = await localFiles(values.patterns as string[], cwd, values.recursive === true);
    for (const { path, why } of skipped.slice(0, TOLD_FAILURES)) out.warn(`'${path}' is skipped: ${why}`);
    const ending = skipped.length > 0 ? EXIT.partial : EXIT.ok;
    if (files.length + skipped.length === 0) {
      throw new DatameshError('file-not-found', {
        what: 'no file fits',
        mend: 'check the patterns; ** goes across folders, * does not',
      });
    }
    const named = withNames(files, values);
    if (options.dryRun) {
      for (const { name, path, sizeBytes } of named)
        out.record({ dryRun: true, name, file: path, sizeBytes, mimeType: mimeTypeOf(name) });
      out.note(`nothing was stored (--dry-run); ${named.length} files would be`);
      return ending;
    }
    const engine = await context.engine();
    // Once, not for every file.
    if (values.pool !== undefined) await engine.pools.show(values.pool as string);
    const tasks = named.map((file): Task => putTask(engine, context, values, file));
    await runMany(context, values, 'put', tasks);
    return ending;
  },
};

type NamedFile = LocalFile & { name: string };

/** Throws `bad-name`, and `bad-value` where two files would get one name: one would hide the other. */
function withNames(files: readonly LocalFile[], values: Values): NamedFile[] {
  const prefix = (values.prefix as string | undefined) ?? '';
  const keep = values['preserve-structure'] === true;
  const seen = new Map<string, string>();
  return files.map((file) => {
    const name = checkName(
      `${prefix}${keep ? file.inside : file.inside.split('/').at(-1)!}`,
      'choose another --prefix, or store the file by itself: datamesh put FILE --name NAME',
    );
    const other = seen.get(name);
    if (other !== undefined) {
      throw new DatameshError('bad-value', {
        what: `${other} and ${file.path} would both be called '${name}'`,
        mend: 'add --preserve-structure, or put them one by one',
      });
    }
    seen.set(name, file.path);
    return { ...file, name };
  });
}

function putTask(engine: Engine, { cwd, out }: Context, values: Values, file: NamedFile): Task {
  const { name, path, sizeBytes } = file;
  return {
    label: name,
    bytes: sizeBytes,
    async run(signal, onProgress) {
      const source = await openSource(path, cwd);
      const receipt = await engine.put(
        source.read(signal),
        {
          name,
          sizeBytes: source.sizeBytes,
          mimeType: mimeTypeOf(name),
          tags: parseTags(values.tags),
          pool: values.pool as string | undefined,
          ifAbsent: values['if-absent'] as boolean | undefined,
          source: await source.fingerprint(),
        },
        { signal, onProgress, givesPieces: true },
      );
      if (await source.changed()) out.warn(changedWarning(path));
      const { object, degraded, spare, shardsDurable, shardsWanted } = receipt;
      if (degraded) {
        throw new DatameshError('some-failed', {
          what: `stored, but with ${shardsDurable} of ${shardsWanted} shards`,
        });
      }
      return { ...objectRecord(object), file: path, spare, degraded, shardsDurable, shardsWanted };
    },
  };
}
