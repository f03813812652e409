/**
 * The configuration file. Written through conf (atomic, 0600), after the one before was kept as `.bak`. Read without it:
 * conf takes 180 ms to load and reports a damaged file as a bare SyntaxError; a one-shot command has time for neither.
 */
import { chmod, copyFile, readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname } from 'node:path';
import { makeDirs } from '../engine/effects/make-dirs.ts';
import { DatameshError } from '../errors.ts';
import { CONFIG_VERSION, type FieldValue, fieldOf } from './fields.ts';
import { jsonErrorPlace } from './json-place.ts';
import { isGroup, migrated, versionOf } from './migrate.ts';
import type { Config } from './schema.ts';
import { needKnownVersion } from './validate.ts';

/** As found in the file: any field may be missing, anything may be there. */
export type ConfigFile = Record<string, unknown>;

export const CONFIG_MODE = 0o600;
const DIR_MODE = 0o700;
/** A configuration with 1,000 bootstrap addresses has 120 KB. */
const MAX_CONFIG_BYTES = 1024 * 1024;

/** The file's content; `undefined` when there is none. Throws `config-unreadable`, with the line where it can be told. */
export async function readConfigFile(path: string): Promise<ConfigFile | undefined> {
  const text = await readText(path);
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const { line, column, reason } = jsonErrorPlace(text);
    throw new DatameshError('config-unreadable', {
      what: `the configuration ${path} is not valid JSON: line ${line}, column ${column}: ${reason}`,
      mend: `correct that line (datamesh config edit)${await orCopyBefore(path)}`,
      cause,
      details: { path, line, column },
    });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new DatameshError('config-unreadable', {
      what: `the configuration ${path} is not a JSON object`,
      mend: `write a new one: datamesh init --force${await orCopyBefore(path)}`,
      details: { path, line: 1 },
    });
  }
  return value as ConfigFile;
}

/** A file that datamesh has never written has no copy from before. */
async function orCopyBefore(path: string): Promise<string> {
  const copy = copyBefore(path);
  return (await configFileExists(copy)) ? `, or put back the copy from before: ${copy}` : '';
}

export async function configFileExists(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** Replaces the whole file; what was there is kept beside it as `.bak`. */
export async function writeConfigFile(path: string, config: Config | ConfigFile): Promise<void> {
  const store = await openStore(path);
  store.store = { ...config };
}

/** Sets one field in an existing file, or begins a file with it. The value must have been validated. */
export function setInFile(path: string, key: string, value: FieldValue): Promise<void> {
  return setAllInFile(path, { [key]: value });
}

/** The same for several, in one write: nobody reads one without the others, and `.bak` is the file before all of them. */
export async function setAllInFile(
  path: string,
  values: Readonly<Record<string, FieldValue>>,
): Promise<void> {
  for (const key of Object.keys(values)) needField(key);
  // Reading first turns a damaged file into our error instead of conf's.
  const before = await readConfigFile(path);
  needKnownVersion(before ?? {}, path);
  const store = await openStore(path);
  if (before === undefined) store.store = { version: CONFIG_VERSION };
  store.set({ ...values });
}

/** Takes a field out, so that its default holds again; also one that is not known. False when it was not set. */
export async function unsetInFile(path: string, key: string): Promise<boolean> {
  const before = await readConfigFile(path);
  if (before === undefined) return false;
  needKnownVersion(before, path);
  const after = migrated(before);
  if (!hasKey(after, key)) return false;
  const store = await openStore(path);
  store.store = without(after, key);
  return true;
}

/** By the names under which mistakes in a file are told: "group.name", or the whole of what stands at the top. */
export function hasKey(file: ConfigFile, key: string): boolean {
  const [group, name] = placeOf(key);
  const inner = Object.hasOwn(file, group) ? file[group] : undefined;
  return Object.hasOwn(file, key) || (isGroup(inner) && Object.hasOwn(inner, name));
}

function without(file: ConfigFile, key: string): ConfigFile {
  const { [key]: _, ...rest } = file;
  const [group, name] = placeOf(key);
  const inner = rest[group];
  if (Object.hasOwn(file, key) || !isGroup(inner)) return rest;
  const { [name]: __, ...others } = inner;
  return { ...rest, [group]: others };
}

function placeOf(key: string): [group: string, name: string] {
  const dot = key.indexOf('.');
  return [key.slice(0, Math.max(0, dot)), key.slice(dot + 1)];
}

async function openStore(path: string) {
  const { default: Conf } = await import('conf');
  await makeDirs(dirname(path), DIR_MODE);
  await backUp(path);
  // One that is damaged is only ever replaced whole.
  let isDamaged = false;
  const before = await readConfigFile(path).catch(() => {
    isDamaged = true;
    return undefined;
  });
  const version = before === undefined ? undefined : versionOf(before);
  const isOld = version !== undefined && version < CONFIG_VERSION;
  // `.bak` is overwritten by the next change; the file of an older version is what a return to that version needs.
  if (isOld) await backUp(path, `${path}.v${version}`);
  const extension = extname(path);
  const store = new Conf<Record<string, unknown>>({
    cwd: dirname(path),
    configName: basename(path, extension),
    fileExtension: extension.slice(1),
    configFileMode: CONFIG_MODE,
    // A file that does not parse is the user's work: only who replaces the whole of it comes here with one, and it is kept as `.bak`.
    clearInvalidConfig: isDamaged,
    serialize: (value) => `${JSON.stringify(value, null, 2)}\n`,
  });
  if (isOld) store.store = migrated(before!);
  return store;
}

const copyBefore = (path: string) => `${path}.bak`;

async function backUp(path: string, to = copyBefore(path)): Promise<void> {
  try {
    await copyFile(path, to);
    await chmod(to, CONFIG_MODE);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw fileError(to, 'cannot be written', cause);
  }
}

async function readText(path: string): Promise<string | undefined> {
  try {
    const bytes = await readFile(path);
    if (bytes.length > MAX_CONFIG_BYTES) {
      throw new DatameshError('config-unreadable', {
        what: `the configuration ${path} has ${bytes.length} bytes, more than the ${MAX_CONFIG_BYTES} allowed`,
        mend: 'is it the right file?',
        details: { path },
      });
    }
    return bytes.toString('utf8').replace(/^\uFEFF/, '');
  } catch (cause) {
    if (cause instanceof DatameshError) throw cause;
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fileError(path, 'cannot be read', cause);
  }
}

function fileError(path: string, what: string, cause: unknown): DatameshError {
  const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
  return new DatameshError('config-unreadable', {
    what: `the configuration ${path} ${what}: ${code}`,
    mend: code === 'EISDIR' ? 'name a file, not a folder' : 'check who owns the file and its folder (ls -l)',
    cause,
    details: { path },
  });
}

function needField(key: string): void {
  if (fieldOf(key) === undefined)
    throw new DatameshError('internal', { what: `no configuration field ${key}` });
}
