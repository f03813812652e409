/** `import FILE`: what a bundle holds, into the mesh or below a folder. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { asClearError, needFolderPlace } from '../../engine/effects/file-errors.ts';
import type { BundledObject } from '../../engine/sharing/bundle.ts';
import { DatameshError } from '../../errors.ts';
import type { Context, OutputRecord, Values } from '../command.ts';
import { writeVerified } from '../files/get.ts';
import { checkName, parseTags, shorten } from '../files/object-name.ts';
import { objectRecord } from '../files/object-record.ts';
import { makeFolders, placeFor } from '../many/safe-place.ts';

const READ_BYTES = 1024 * 1024;
const TOLD_FAILURES = 100;

/** Objects one by one; those that cannot be taken over are told, and the others go on. Throws what makes the bundle itself unreadable. */
export async function importBundle(context: Context, values: Values, given: string): Promise<void> {
  const { out, cwd, options, signal } = context;
  const path = resolve(cwd, given);
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) {
    throw new DatameshError('file-not-found', {
      what: `'${shorten(given)}' is neither a link nor a file`,
      mend: 'give a whole link (datamesh://…#…), in quotes, or a bundle that export has written',
    });
  }
  if (values.name !== undefined) {
    throw new DatameshError('bad-value', {
      what: '--name is for links: what is in a bundle has its names',
      mend: 'leave it out, and datamesh rename afterwards',
    });
  }
  const { secretText } = await import('../keys/keyring-access.ts');
  const { openBundle } = await import('../../engine/sharing/bundle.ts');
  const file = values['bundle-passphrase-file'] as string | undefined;
  const passphrase =
    file === undefined ? await context.secret('Passphrase of the bundle') : await secretText(context, file);
  if (passphrase === undefined) {
    throw new DatameshError('missing-argument', {
      what: 'the passphrase of the bundle is missing',
      mend: 'give it in a file (--bundle-passphrase-file), or run on a terminal',
    });
  }
  const take = values.output === undefined ? intoMesh(context, values) : intoFolder(context, values);
  let [taken, failed, existing] = [0, 0, 0];
  for await (const object of openBundle(createReadStream(path, { highWaterMark: READ_BYTES }), passphrase)) {
    signal.throwIfAborted();
    try {
      out.record(options.dryRun ? plannedRecord(object) : await take(object));
      taken++;
    } catch (thrown) {
      signal.throwIfAborted();
      const error = asClearError(thrown);
      // The bundle itself cannot be read on.
      if (error.code === 'malformed-data' || error.code === 'not-authentic') throw error;
      failed++;
      if (error.code === 'already-exists') existing++;
      if (failed <= TOLD_FAILURES) out.warn(`'${shorten(object.name)}': ${error.message}`);
    }
  }
  out.note(
    `${taken} of ${taken + failed} ${options.dryRun ? 'would be taken over (--dry-run)' : 'taken over'}`,
  );
  if (failed > 0) {
    const more = values.output === undefined ? 'add versions to names' : 'replace files';
    throw new DatameshError('some-failed', {
      what: `${failed} of ${taken + failed} were not taken over`,
      mend: existing > 0 ? `add --force to ${more} that exist` : undefined,
    });
  }
}

type Take = (object: BundledObject) => Promise<OutputRecord>;

function intoMesh(context: Context, values: Values): Take {
  const { out, signal } = context;
  return async ({ name, sizeBytes, mimeType, tags, body }) => {
    const engine = await context.engine();
    const receipt = await engine.put(
      body,
      {
        name: checkName(name),
        sizeBytes,
        mimeType,
        tags: parseTags(values.tags) ?? tags,
        pool: values.pool as string | undefined,
        ifAbsent: values.force !== true,
      },
      { signal, onProgress: (progress) => out.progress(`import ${name}`, progress) },
    );
    return { ...objectRecord(receipt.object), file: null };
  };
}

function intoFolder({ cwd, signal }: Context, values: Values): Take {
  const root = resolve(cwd, values.output as string);
  needFolderPlace(root);
  return async ({ body, ...entry }) => {
    const path = placeFor(root, entry.name, true);
    await makeFolders(root, path);
    await writeVerified(body, path, values.force === true, signal);
    return { ...entry, version: null, objectId: null, file: path };
  };
}

function plannedRecord({ body: _body, ...entry }: BundledObject): OutputRecord {
  return { dryRun: true, ...entry, version: null, objectId: null, file: null };
}
