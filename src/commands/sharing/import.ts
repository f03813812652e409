import type { Progress, PutOptions } from '../../engine/engine.ts';
import { DatameshError, EXIT } from '../../errors.ts';
import type { Command, Context, Values } from '../command.ts';
import { destinationPath } from '../files/destination.ts';
import { writeVerified } from '../files/get.ts';
import { checkName, parseTags } from '../files/object-name.ts';
import { objectRecord } from '../files/object-record.ts';
import { IMPORT_FIELDS } from './fields.ts';

/** A link, with line end, from standard input. */
const MAX_LINK_BYTES = 4096;

export const importCommand: Command = {
  path: ['import'],
  group: 'files',
  summary: 'Take over what was shared with you, or exported',
  description: `What a link leads to is read and stored again as your own, under its name or --name; with --output it is only written to a file. A link is a
    secret: it is not kept in the history, and '-' reads it from standard input, where no list of processes shows it. Of a bundle, which export has
    written, every object is stored under its name; with --output they are written below that folder, never outside of it.`,
  args: [
    {
      name: 'link',
      type: { kind: 'string' },
      summary: "Link, in quotes, or a bundle; '-' reads a link from standard input",
      required: true,
    },
  ],
  options: [
    { name: 'name', short: 'n', type: { kind: 'string' }, summary: 'Name for it, in place of its own' },
    {
      name: 'output',
      short: 'o',
      type: { kind: 'path' },
      summary: 'Write it to this file or folder, and store nothing',
    },
    {
      name: 'tags',
      short: 't',
      type: { kind: 'string' },
      summary: 'Tags, separated by commas',
      repeatable: true,
    },
    { name: 'pool', type: { kind: 'string' }, summary: 'Pool to put it into, in place of the default one' },
    {
      name: 'bundle-passphrase-file',
      type: { kind: 'path' },
      summary: 'File with the passphrase of a bundle; asked for otherwise',
    },
    { name: 'force', short: 'f', summary: 'Replace a file, or add a version to a name, that exists' },
  ],
  examples: [
    { line: "datamesh import 'datamesh://…#k=…'", note: 'as your own' },
    { line: 'datamesh import photos.bundle --output photos', note: 'a bundle, to a folder' },
    {
      line: 'datamesh import - --name shared/report.pdf --json',
      note: 'for a script: the link comes by standard input',
    },
  ],
  effects: 'writes',
  fields: IMPORT_FIELDS,
  needs: 'engine',
  sensitive: true,
  shape: 'single',
  columns: [
    { key: 'name', title: 'Name' },
    { key: 'sizeBytes', title: 'Size', format: 'bytes' },
    { key: 'version', title: 'Version' },
    { key: 'file', title: 'File' },
    { key: 'objectId', title: 'Id' },
  ],
  exits: [
    { code: EXIT.denied, meaning: 'the link is for somebody else, or has expired' },
    { code: EXIT.notFound, meaning: 'nobody has what the link leads to' },
    { code: EXIT.partial, meaning: 'some objects of a bundle were not taken over' },
    {
      code: EXIT.integrity,
      meaning: 'the bundle was changed or is not whole; what came before that is there',
    },
    { code: EXIT.conflict, meaning: 'the name or file exists (give --force)' },
  ],
  run: importLink,
};

async function importLink(context: Context, values: Values): Promise<void> {
  const { out, signal, options, cwd } = context;
  const given = values.link as string;
  if (given !== '-' && !given.trim().startsWith('datamesh:')) {
    const { importBundle } = await import('./import-bundle.ts');
    return await importBundle(context, values, given);
  }
  const link = given === '-' ? await fromStdin(context) : given;
  const force = values.force === true;
  const output = values.output as string | undefined;
  const engine = await context.engine();
  // Lets go of the body, also where it is not read at all.
  const stop = new AbortController();
  try {
    const shared = await engine.shares.open(link, { signal: AbortSignal.any([signal, stop.signal]) });
    const { object, body } = shared;
    if (shared.readOnce) out.note('its owner asks you to read it once only');
    const name = checkName((values.name as string | undefined) ?? object.name);
    if (options.dryRun) {
      out.record({ dryRun: true, ...objectRecord(object), name, file: output ?? null });
      out.note('nothing was stored (--dry-run)');
      return;
    }
    if (output !== undefined) {
      const file = await destinationPath(name, output, cwd, force);
      await writeVerified(body, file, force, signal);
      out.record({ ...objectRecord(object), name, file });
      return;
    }
    const copied = (async function* () {
      for await (const piece of body) yield Uint8Array.from(piece);
    })();
    const put: PutOptions = {
      name,
      sizeBytes: object.sizeBytes,
      mimeType: object.mimeType,
      tags: parseTags(values.tags) ?? object.tags,
      pool: values.pool as string | undefined,
      ifAbsent: !force,
    };
    const onProgress = (progress: Progress) => out.progress(`import ${name}`, progress);
    const receipt = await engine.put(copied, put, { signal, onProgress }).catch(sayForce);
    out.record({ ...objectRecord(receipt.object), file: null });
  } finally {
    stop.abort();
  }
}

/** The engine's mend is that of put, which leaves out --if-absent. */
function sayForce(thrown: unknown): never {
  if (!(thrown instanceof DatameshError) || thrown.code !== 'already-exists') throw thrown;
  throw new DatameshError('already-exists', {
    what: thrown.message,
    mend: 'add --force to store a new version of it, or give another name with --name',
    details: thrown.details,
    cause: thrown,
  });
}

async function fromStdin(context: Context): Promise<string> {
  let text = '';
  for await (const piece of context.stdin()) {
    text += Buffer.from(piece).toString('utf8');
    if (text.length > MAX_LINK_BYTES)
      throw new DatameshError('bad-value', { what: 'standard input holds more than a link' });
  }
  return text.trim();
}
