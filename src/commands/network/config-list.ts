/** One list of the configuration file, for commands that add to it and take from it. */
import { changing } from '../../config/changing.ts';
import { fieldOf, valueAt } from '../../config/fields.ts';
import { migrated } from '../../config/migrate.ts';
import { readConfigFile, setInFile } from '../../config/store.ts';
import { fieldProblem } from '../../config/values.ts';
import { DatameshError } from '../../errors.ts';
import { tellAboutEffect } from '../care/config-effect.ts';
import type { Context } from '../command.ts';

export type ListKey = 'access.deny' | 'network.nicknames';

/** As the file has it: a variable that beats the file is no part of it. Throws `config-invalid`. */
export async function listInFile(context: Context, key: ListKey): Promise<string[]> {
  const path = context.configPath();
  const file = await readConfigFile(path);
  const value = file === undefined ? undefined : valueAt(migrated(file), key);
  if (value === undefined) return [];
  const problem = fieldProblem(fieldOf(key)!, value);
  if (problem === undefined) return value as string[];
  throw new DatameshError('config-invalid', {
    what: `${key} in ${path}: ${problem}`,
    mend: 'correct it with `datamesh config edit`',
  });
}

/**
 * Checks what `change` makes of the list as it is then, writes it unless this is a dry run, and has the running node take it up. Throws `bad-value`.
 * Meanwhile another process may have changed the list that the caller looked at.
 */
export async function changeList(
  context: Context,
  key: ListKey,
  change: (list: string[]) => string[],
): Promise<void> {
  const field = fieldOf(key)!;
  const writes = !context.options.dryRun;
  const path = context.configPath();
  const work = async () => {
    const list = change(await listInFile(context, key));
    const problem = field.check?.(list);
    if (problem !== undefined) throw new DatameshError('bad-value', { what: `${key}: ${problem}` });
    if (writes) await setInFile(path, key, list);
  };
  await changing(path, work, writes);
  if (writes) await tellAboutEffect(context, [field]);
}
