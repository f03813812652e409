/** Patterns of names and of local files: `*` and `?` within a part, `**` across folders, `[ab]`, `{a,b}`. */
import { isUtf8 } from 'node:buffer';
import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, relative, resolve, sep } from 'node:path';
import type { Engine, ObjectView } from '../../engine/engine.ts';
import { DatameshError } from '../../errors.ts';
import { safeText } from '../format/safe-text.ts';

/** Of one command: what would take hours is better given in parts. */
const MAX_HITS = 100_000;
const MAX_PATTERN_CHARACTERS = 1_000;
const PAGE = 500;

export interface LocalFile {
  path: string;
  /** Relative to the folder that the pattern, or the folder given, begins with; parts joined by `/`. */
  inside: string;
  sizeBytes: number;
}

export interface LocalFiles {
  /** Each once, by path. */
  files: LocalFile[];
  /** What is meant as well and can be no object: its path as `bytesText` shows it. */
  skipped: { path: string; why: string }[];
}

/** Files that the patterns mean. A folder means all files in it with `recursive`. Throws `file-not-found`, `is-a-directory`, `bad-value`. */
export async function localFiles(
  patterns: readonly string[],
  cwd: string,
  recursive: boolean,
): Promise<LocalFiles> {
  const { default: picomatch } = await import('picomatch');
  const found = new Map<string, LocalFile>();
  const skipped = new Set<string>();
  /** Files below the folder. A name that is no UTF-8 is matched with signs in place of its bytes; nothing can be opened or stored by that. */
  const takeBelow = async (folder: string, fits: (below: string) => boolean, above: string) => {
    for await (const file of walk(Buffer.from(folder))) {
      const path = file.toString();
      const below = relative(folder, path);
      if (!fits(below)) continue;
      if (isUtf8(file)) await take(path, join(above, below));
      else skipped.add(bytesText(file));
    }
  };
  const take = async (path: string, inside: string) => {
    const { size } = await stat(path);
    found.set(path, { path, inside: inside.split(sep).join('/'), sizeBytes: size });
    if (found.size > MAX_HITS) throw tooMany();
  };
  for (const pattern of patterns) {
    checkPattern(pattern);
    const path = resolve(cwd, pattern);
    const itself = await stat(path).catch(() => undefined);
    if (itself?.isFile()) {
      await take(path, basename(path));
      continue;
    }
    if (itself?.isDirectory()) {
      if (!recursive) {
        throw new DatameshError('is-a-directory', {
          what: `${pattern} is a folder`,
          mend: 'add --recursive for all files in it',
        });
      }
      await takeBelow(path, () => true, basename(path));
      continue;
    }
    const { base, glob } = picomatch.scan(path);
    if (glob === '') {
      throw new DatameshError('file-not-found', {
        what: `there is no file ${pattern}`,
        mend: 'check the path; quote a pattern, so that it comes here as it is',
      });
    }
    await takeBelow(base, picomatch(glob), '');
  }
  return {
    files: [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1)),
    skipped: [...skipped].sort().map((path) => ({ path, why: 'its name is no UTF-8' })),
  };
}

/** Current objects whose names the patterns fit, each once, by name. A pattern without any sign is a name. Throws `not-found`, `bad-value`. */
export async function matchingObjects(engine: Engine, patterns: readonly string[]): Promise<ObjectView[]> {
  const { default: picomatch } = await import('picomatch');
  const found = new Map<string, ObjectView>();
  for (const pattern of patterns) {
    checkPattern(pattern);
    const { base, isGlob } = picomatch.scan(pattern);
    if (!isGlob) {
      const object = await engine.find(pattern);
      found.set(object.name, object);
      continue;
    }
    const fits = picomatch(pattern, { dot: true });
    let cursor: string | undefined;
    do {
      const page = await engine.list({ prefix: base === '' ? undefined : base, limit: PAGE, cursor });
      for (const object of page.objects) if (fits(object.name)) found.set(object.name, object);
      if (found.size > MAX_HITS) throw tooMany();
      cursor = page.cursor;
    } while (cursor !== undefined);
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Regular files below the folder; links to folders are not followed, so it ends. Paths are the system's bytes: as text, a name that is no UTF-8 would be another one. */
async function* walk(folder: Buffer): AsyncGenerator<Buffer> {
  const entries: Dirent<Buffer>[] = await readdir(folder, { withFileTypes: true, encoding: 'buffer' }).catch(
    (cause) => {
      throw new DatameshError('file-denied', { what: `${bytesText(folder)} cannot be read`, cause });
    },
  );
  for (const entry of entries.sort((a, b) => Buffer.compare(a.name, b.name))) {
    const path = Buffer.concat([folder, Buffer.from(sep), entry.name]);
    if (entry.isDirectory()) yield* walk(path);
    else if (entry.isFile()) yield path;
    else if (entry.isSymbolicLink() && (await stat(path).catch(() => undefined))?.isFile()) yield path;
  }
}

/** A path as the system has it, bytes as escapes where it is no UTF-8. */
function bytesText(path: Buffer): string {
  if (isUtf8(path)) return safeText(path.toString());
  const hex = (char: string) => `\\x${char.charCodeAt(0).toString(16)}`;
  return safeText(path.toString('latin1')).replace(/[\x80-\xff]/g, hex);
}

function checkPattern(pattern: string): void {
  if (pattern.length > 0 && pattern.length <= MAX_PATTERN_CHARACTERS) return;
  throw new DatameshError('bad-value', {
    what: pattern === '' ? 'a pattern is empty' : `a pattern of ${pattern.length} characters is too long`,
  });
}

function tooMany(): DatameshError {
  return new DatameshError('input-too-large', {
    what: `more than ${MAX_HITS} fit`,
    mend: 'give narrower patterns, one after another',
  });
}
