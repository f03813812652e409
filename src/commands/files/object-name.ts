/** Names of stored objects: free text, a key in the catalog and never a path on this disk. */
import { checkTags } from '../../engine/catalog/tags.ts';
import { MAX_NAME_BYTES } from '../../engine/codec/manifest-limits.ts';
import { DatameshError } from '../../errors.ts';
import { safeText } from '../format/safe-text.ts';

/** Bytes of a file name on every common file system. */
const MAX_FILE_NAME_BYTES = 255;

/**
 * Throws `bad-name`. Spaces, quotes, line ends and `../` are all right.
 * @param mend how the command at hand is given another
 */
export function checkName(name: string, mend = 'give another with --name'): string {
  const reason =
    name === ''
      ? 'it is empty'
      : Buffer.byteLength(name, 'utf8') > MAX_NAME_BYTES
        ? `it has ${Buffer.byteLength(name, 'utf8')} bytes, and at most ${MAX_NAME_BYTES} are allowed`
        : name.includes('\0')
          ? 'it holds a NUL character'
          : name.isWellFormed()
            ? undefined
            : 'it is no valid Unicode text';
  if (reason === undefined) return name;
  throw new DatameshError('bad-name', {
    what: `'${shorten(name)}' cannot be the name of an object`,
    why: reason,
    mend,
  });
}

/** "a, b,c" and repeated options alike → distinct tags in order. Throws `bad-value`. */
export function parseTags(given: unknown): string[] | undefined {
  if (given === undefined) return undefined;
  const tags = (given as string[]).flatMap((text) => text.split(',')).map((tag) => tag.trim());
  const named = [...new Set(tags.filter((tag) => tag !== ''))];
  checkTags(named);
  return named;
}

/**
 * The name of a file that `get` may write for an object: the last part of its name, with control characters and
 * separators made visible. Throws `bad-name` when nothing usable is left.
 */
export function fileNameFor(name: string): string {
  const last = name.split(/[/\\]/).at(-1) ?? '';
  const safe = safeText(last).replaceAll('\\', '_');
  const cut = cutBytes(safe, MAX_FILE_NAME_BYTES);
  if (cut.trim() === '' || cut === '.' || cut === '..') {
    throw new DatameshError('bad-name', {
      what: `the name '${shorten(name)}' gives no usable file name`,
      mend: 'say where to write it: datamesh get NAME FILE',
    });
  }
  return cut;
}

export function shorten(name: string): string {
  return name.length > 60 ? `${name.slice(0, 57)}…` : name;
}

/** At most `max` bytes of UTF-8, the extension kept. */
function cutBytes(name: string, max: number): string {
  if (Buffer.byteLength(name) <= max) return name;
  const dot = name.lastIndexOf('.');
  const extension = dot > 0 && name.length - dot <= 16 ? name.slice(dot) : '';
  let stem = '';
  let used = Buffer.byteLength(extension);
  for (const char of extension === '' ? name : name.slice(0, dot)) {
    used += Buffer.byteLength(char);
    if (used > max) break;
    stem += char;
  }
  return stem + extension;
}
