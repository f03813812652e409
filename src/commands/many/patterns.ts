/** Patterns of names and of local files: `*` and `?` within a part, `**` across folders, `[ab]`, `{a,b}`. */
import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, relative, resolve, sep } from 'node:path';
import type { Engine, ObjectView } from '../../engine/engine.ts';
import { DatameshError } from '../../errors.ts';

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

/** Files that the patterns mean, each once, by path. A folder means all files in it with `recursive`. Throws `file-not-found`, `is-a-directory`, `bad-value`. */
export async function localFiles(
  patterns: readonly string[],
  cwd: string,
  recursive: boolean,
): Promise<LocalFile[]> {
  const { default: picomatch } = await import('picomatch');
  const found = new Map<string, LocalFile>();
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
      for await (const file of walk(path)) await take(file, join(basename(path), relative(path, file)));
      continue;
    }
    const { base, glob } = picomatch.scan(path);
    if (glob === '') {
      throw new DatameshError('file-not-found', {
        what: `there is no file ${pattern}`,
        mend: 'check the path; quote a pattern, so that it comes here as it is',
      });
    }
    const fits = picomatch(glob);
    for await (const file of walk(base)) {
      const inside = relative(base, file);
      if (fits(inside)) await take(file, inside);
    }
  }
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
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

/** Regular files below the folder; links to folders are not followed, so it ends. */
async function* walk(folder: string): AsyncGenerator<string> {
  const entries: Dirent[] = await readdir(folder, { withFileTypes: true }).catch((cause) => {
    throw new DatameshError('file-denied', { what: `${folder} cannot be read`, cause });
  });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else if (entry.isFile()) yield path;
    else if (entry.isSymbolicLink() && (await stat(path).catch(() => undefined))?.isFile()) yield path;
  }
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
