/**
 * Files of older versions, one step at a time. A file is read as if it had been written by this version; the file itself is rewritten with the next change,
 * after a copy of it was kept beside it as `.v1`, `.v2` … (store.ts).
 */
import { CONFIG_VERSION } from './fields.ts';

type File = Record<string, unknown>;

/** By the version that they read; each gives the next. Fields that merely came later need none: without them the default holds. */
const STEPS: Readonly<Record<number, (file: File) => File>> = {
  // "Extras" said nothing of what it was.
  1: (file) => renamed(file, 'extras', 'history', 'console'),
};

/** Undefined where it is no version. */
export function versionOf(file: File): number | undefined {
  return typeof file.version === 'number' && Number.isSafeInteger(file.version) && file.version >= 1
    ? file.version
    : undefined;
}

/** The same content as a file of `CONFIG_VERSION`; what is newer, or says no version, comes back as it is. */
export function migrated(file: File): File {
  let now = file;
  for (let version = versionOf(file); version !== undefined && version < CONFIG_VERSION; version++) {
    now = { ...STEPS[version]!(now), version: version + 1 };
  }
  return now;
}

/** A field in another group, under the same name. A group that becomes empty goes; one that is no group stays, for the checks to name it. */
function renamed(file: File, group: string, name: string, to: string): File {
  const from = file[group];
  if (!isGroup(from) || !(name in from)) return file;
  const { [name]: value, ...others } = from;
  const { [group]: _, ...rest } = file;
  const target = isGroup(rest[to]) ? rest[to] : {};
  return {
    ...rest,
    ...(Object.keys(others).length > 0 ? { [group]: others } : {}),
    [to]: { [name]: value, ...target },
  };
}

export function isGroup(value: unknown): value is File {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
