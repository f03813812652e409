/** Which data folder is meant where the configuration cannot be used: whoever wants to stop a service, or see why it ended, needs no more of it. */
import { readFile } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';
import { envNameOf, valueAt } from '../../config/fields.ts';
import { configDir, defaultDataDir } from '../../config/paths.ts';
import { asDatameshError, type DatameshError, type ErrorCode } from '../../errors.ts';
import type { Context } from '../command.ts';

export interface ServiceFolder {
  dataDir: string;
  /** Why the configuration cannot be used, if so: what is found in the folder counts, and that nothing is there does not. */
  problem?: DatameshError;
}

const OF_CONFIG: readonly ErrorCode[] = [
  'config-unreadable',
  'config-invalid',
  'not-configured',
  'format-too-new',
  'bad-value',
];
const KEY = 'node.dataDir';
/** In a text that does not parse as a whole. */
const IN_TEXT = /"dataDir"\s*:\s*("(?:[^"\\\n]|\\.)*")/;

/** Throws what is wrong with the configuration where no folder can be made out. */
export async function serviceFolder(context: Context): Promise<ServiceFolder> {
  try {
    return { dataDir: (await context.config()).node.dataDir };
  } catch (thrown) {
    const problem = asDatameshError(thrown);
    const dataDir = OF_CONFIG.includes(problem.code) ? await meantFolder(context) : undefined;
    if (dataDir === undefined) throw thrown;
    return { dataDir, problem };
  }
}

async function meantFolder(context: Context): Promise<string | undefined> {
  const { dataDir } = context.options as { dataDir?: string };
  const given = dataDir === undefined ? context.env[envNameOf(KEY)] : resolve(context.cwd, dataDir);
  if (given !== undefined && isAbsolute(given)) return given;
  const path = context.configPath();
  const found = (await folderIn(path)) ?? (await folderIn(`${path}.bak`));
  if (found !== undefined) return found;
  // A file of another place is of another node than the one of the default folder, as likely as not.
  return path === resolve(configDir(context.env), 'config.json') ? defaultDataDir(context.env) : undefined;
}

async function folderIn(path: string): Promise<string | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const found =
    parsed(text, (file) => valueAt(file, KEY)) ?? parsed(IN_TEXT.exec(text)?.[1] ?? '', (it) => it);
  return typeof found === 'string' && isAbsolute(found) ? found : undefined;
}

function parsed(text: string, take: (value: unknown) => unknown): unknown {
  try {
    return take(JSON.parse(text));
  } catch {
    return undefined;
  }
}
