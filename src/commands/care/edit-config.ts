/** `config edit`: the file in the user's editor, on a copy, taken over only when it is right. */
import { copyFile, rm } from 'node:fs/promises';
import { CONFIG_FIELDS } from '../../config/fields.ts';
import { resolveConfig } from '../../config/resolve.ts';
import { configFileExists, readConfigFile, writeConfigFile } from '../../config/store.ts';
import { DatameshError } from '../../errors.ts';
import type { Context } from '../command.ts';
import { runEditor } from '../edit-file.ts';
import { tellAboutEffect } from './config-effect.ts';

export async function editConfig(context: Context): Promise<void> {
  const path = context.configPath();
  const { input } = context.options as { input?: boolean };
  if (
    context.mode !== 'one-shot' ||
    !context.interactive ||
    input === false ||
    process.stdin.isTTY !== true
  ) {
    throw new DatameshError('not-a-terminal', {
      what: 'an editor needs a terminal of its own',
      mend: 'change single fields with: datamesh config set KEY VALUE',
    });
  }
  if (!(await configFileExists(path))) {
    throw new DatameshError('not-configured', {
      what: `there is no configuration at ${path}`,
      mend: 'make one with: datamesh init',
    });
  }
  const copy = `${path}.edit`;
  // A copy that is there did not pass last time, and is what its author wants to go on with.
  if (!(await configFileExists(copy))) await copyFile(path, copy);
  await runEditor(context, copy);
  const edited = await readConfigFile(copy);
  if (edited === undefined)
    throw new DatameshError('failed', { what: `${copy} is gone; nothing was changed` });
  resolveConfig(edited, copy, { env: {} });
  if (!context.options.dryRun) await writeConfigFile(path, edited);
  await rm(copy);
  context.out.note(`${path} ${context.options.dryRun ? 'would be' : 'is'} replaced`);
  await tellAboutEffect(context, CONFIG_FIELDS);
}
