/** Where below a folder a name of the mesh may be written: names are anybody's words and never lead out of it. */
import { lstat, mkdir, realpath } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { makeDirs } from '../../engine/effects/make-dirs.ts';
import { DatameshError } from '../../errors.ts';
import { fileNameFor, shorten } from '../files/object-name.ts';

/** Of a part on every common file system. */
const MAX_PART_BYTES = 255;
const MAX_PARTS = 128;

/**
 * The path for the name below `root`, with the name's folders (`keepFolders`) or its last part alone. Throws `bad-name` for a name that is no plain relative path.
 */
export function placeFor(root: string, name: string, keepFolders: boolean): string {
  if (!keepFolders) return join(root, fileNameFor(name));
  const parts = name.split('/');
  const fault =
    parts.length > MAX_PARTS
      ? `it has more than ${MAX_PARTS} parts`
      : name.includes('\\') || /^[a-z]:/i.test(name)
        ? 'another system would read a path in it'
        : parts
            .map((part) =>
              part === '' || part === '.' || part === '..'
                ? `a part of it is '${part}'`
                : Buffer.byteLength(part) > MAX_PART_BYTES
                  ? 'a part of it is too long for a file'
                  : /\p{Cc}/u.test(part)
                    ? 'it holds a control character'
                    : undefined,
            )
            .find((it) => it !== undefined);
  if (fault === undefined) return join(root, ...parts);
  throw new DatameshError('bad-name', {
    what: `nothing is written for '${shorten(name)}'`,
    why: fault,
    mend: 'get it by itself: datamesh get NAME FILE',
  });
}

/** Makes the folders of a path from `placeFor`, and sees that they lie in `root`: a link among them could lead elsewhere. Throws `denied`, `already-exists`. */
export async function makeFolders(root: string, path: string): Promise<void> {
  const folder = dirname(path);
  await makeDirs(root);
  const realRoot = await realpath(root);
  // One by one, so that nothing is made behind a link that leads out.
  const inside = folder === root ? [] : folder.slice(root.length + 1).split(sep);
  let at = root;
  for (const part of inside) {
    at = join(at, part);
    await mkdir(at).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'EEXIST') throw cause;
    });
    const found = await lstat(at);
    if (!found.isDirectory() && !found.isSymbolicLink()) {
      throw new DatameshError('already-exists', { what: `${at} is a file, and a folder is needed there` });
    }
    const real = await realpath(at);
    if (real !== realRoot && !real.startsWith(`${realRoot}${sep}`)) {
      throw new DatameshError('denied', {
        what: `${at} is a link that leads out of ${root}`,
        mend: 'remove it, or write to another folder',
      });
    }
  }
}
