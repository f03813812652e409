/** Two changes of one configuration that were made side by side, put together field by field. */
import { isDeepStrictEqual } from 'node:util';
import { isGroup, migrated } from './migrate.ts';
import type { ConfigFile } from './store.ts';

export interface Merged {
  /** The file now, with what was edited; where both changed a field, as it was edited. */
  file: ConfigFile;
  /** Fields that were changed on both sides, and not to the same. */
  clashes: string[];
}

/** @param base what `edited` was made from */
export function mergeEdits(base: ConfigFile, edited: ConfigFile, now: ConfigFile): Merged {
  const [from, ours, theirs] = [fieldsOf(base), fieldsOf(edited), fieldsOf(now)];
  const clashes: string[] = [];
  const file: ConfigFile = {};
  for (const key of new Set([...ours.keys(), ...theirs.keys(), ...from.keys()])) {
    const differ = (a: Fields, b: Fields) => !isDeepStrictEqual(a.get(key), b.get(key));
    const wasEdited = differ(ours, from);
    if (wasEdited && differ(theirs, from) && differ(theirs, ours)) clashes.push(key);
    const taken = (wasEdited ? ours : theirs).get(key);
    if (taken !== undefined) put(file, taken);
  }
  return { file, clashes };
}

type Fields = Map<string, { place: readonly string[]; value: unknown }>;

/** Two levels are all there is: what lies deeper is of one piece. */
function fieldsOf(file: ConfigFile): Fields {
  const fields: Fields = new Map();
  for (const [name, value] of Object.entries(migrated(file))) {
    if (!isGroup(value)) fields.set(name, { place: [name], value });
    else
      for (const [inner, of] of Object.entries(value))
        fields.set(`${name}.${inner}`, { place: [name, inner], value: of });
  }
  return fields;
}

function put(
  file: ConfigFile,
  { place: [name, inner], value }: { place: readonly string[]; value: unknown },
) {
  if (inner === undefined) file[name!] = value;
  else file[name!] = { ...(isGroup(file[name!]) ? (file[name!] as object) : {}), [inner]: value };
}
