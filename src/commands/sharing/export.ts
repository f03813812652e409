import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import type { Engine, ObjectView } from '../../engine/engine.ts';
import { DatameshError, EXIT } from '../../errors.ts';
import type { Command, Context, Values } from '../command.ts';
import { openDestination, throughLinks } from '../files/destination.ts';
import { objectRecord } from '../files/object-record.ts';
import { matchingObjects } from '../many/patterns.ts';
import { EXPORT_FIELDS } from './fields.ts';

export const exportCommand: Command = {
  path: ['export'],
  group: 'files',
  summary: 'Write objects to one encrypted file',
  description: `The bundle holds names, tags and content under a passphrase of its own (Argon2id, AES-256-GCM) and needs no mesh, key or words to be opened:
    datamesh import FILE. Patterns are of names: * and ? within a part, ** across folders; quote them. Current versions only.`,
  args: [
    { name: 'file', type: { kind: 'path' }, summary: 'Bundle to write', required: true },
    {
      name: 'patterns',
      type: { kind: 'object' },
      summary: 'Names and patterns of names',
      required: true,
      variadic: true,
    },
  ],
  options: [
    {
      name: 'bundle-passphrase-file',
      type: { kind: 'path' },
      summary: 'File with the passphrase; asked for otherwise',
    },
    { name: 'force', short: 'f', summary: 'Replace a file that exists' },
  ],
  examples: [
    { line: "datamesh export photos.bundle 'photos/**'", note: 'all below a folder' },
    { line: 'datamesh export two.bundle a.txt b.txt --dry-run', note: 'shows what would be in it' },
    {
      line: "datamesh export all.bundle '**' --bundle-passphrase-file pass.txt --json",
      note: 'for a script',
    },
  ],
  effects: 'reads',
  fields: EXPORT_FIELDS,
  needs: 'engine',
  shape: 'list',
  columns: [
    { key: 'name', title: 'NAME' },
    { key: 'sizeBytes', title: 'SIZE', align: 'right', format: 'bytes' },
    { key: 'version', title: 'VER', align: 'right', priority: 1 },
    { key: 'file', title: 'BUNDLE', priority: 2 },
  ],
  exits: [
    { code: EXIT.notFound, meaning: 'no name fits; nothing is written' },
    { code: EXIT.conflict, meaning: 'the file exists (give --force)' },
    { code: EXIT.integrity, meaning: 'an object cannot be read; no file is written' },
  ],
  run: exportObjects,
};

async function exportObjects(context: Context, values: Values): Promise<void> {
  const { out, options, cwd, signal } = context;
  const path = resolve(cwd, values.file as string);
  const engine = await context.engine();
  const objects = await matchingObjects(engine, values.patterns as string[]);
  if (objects.length === 0) {
    throw new DatameshError('not-found', {
      what: 'no name fits',
      mend: 'see the names with `datamesh list`; ** goes across folders, * does not',
    });
  }
  if (options.dryRun) {
    for (const object of objects) out.record({ dryRun: true, ...objectRecord(object), file: path });
    out.note('nothing was written (--dry-run)');
    return;
  }
  const { newPassphrase } = await import('../keys/keyring-access.ts');
  const { sealBundle } = await import('../../engine/sharing/bundle.ts');
  const { realRandom } = await import('../../engine/effects/random.ts');
  const file = values['bundle-passphrase-file'] as string | undefined;
  const passphrase = await newPassphrase(context, 'Passphrase for the bundle', file);
  const force = values.force === true;
  const place = force ? await throughLinks(path) : path;
  const destination = await openDestination(place, force, undefined, signal);
  const hash = createHash('sha256');
  try {
    for await (const piece of sealBundle(contents(engine, objects, context), passphrase, realRandom())) {
      signal.throwIfAborted();
      hash.update(piece);
      await destination.write(piece);
    }
    await destination.commit();
  } finally {
    await destination.discard();
  }
  for (const object of objects) out.record({ ...objectRecord(object), file: path });
  out.note(`${objects.length} objects in ${path} (SHA-256 ${hash.digest('hex')})`);
}

async function* contents(engine: Engine, objects: readonly ObjectView[], { out, signal }: Context) {
  const totalBytes = objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  let doneBytes = 0;
  for (const [at, object] of objects.entries()) {
    const { name, version, sizeBytes, mimeType, tags, createdAtMs } = object;
    const { body } = await engine.get(name, { version }, { signal });
    const counted = (async function* () {
      for await (const piece of body) {
        yield piece;
        doneBytes += piece.length;
        out.progress(`export ${name}`, { doneBytes, totalBytes, doneItems: at, totalItems: objects.length });
      }
    })();
    yield { name, sizeBytes, mimeType, tags, createdAtMs, body: counted };
  }
}
