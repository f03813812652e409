/** Local paths for completion. Hidden files appear when a dot is typed. */
import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import type { Suggestion } from './complete.ts';

/** A folder with more entries is completed from its first ones only. */
const MAX_ENTRIES = 5000;

/** Entries of the folder in `prefix`, each with the folder part as it was typed; folders end in a slash. */
export async function completePath(prefix: string, cwd: string): Promise<Suggestion[]> {
  const slash = prefix.lastIndexOf('/') + 1;
  const typedFolder = prefix.slice(0, slash);
  const folder = typedFolder.startsWith('~/')
    ? `${homedir()}${typedFolder.slice(1)}`
    : resolve(cwd, typedFolder || '.');
  const entries = await readdir(folder, { withFileTypes: true });
  const hidden = prefix.slice(slash).startsWith('.');
  return entries
    .slice(0, MAX_ENTRIES)
    .filter((entry) => hidden || !entry.name.startsWith('.'))
    .map((entry) =>
      entry.isDirectory()
        ? { value: `${typedFolder}${entry.name}/`, partial: true }
        : { value: `${typedFolder}${entry.name}` },
    );
}
