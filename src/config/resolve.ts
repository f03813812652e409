/** Which value holds: flag > DATAMESH_* variable > file > built-in default, with the origin of each. */
import { hostname } from 'node:os';
import { DatameshError } from '../errors.ts';
import { nodeNameOf } from './default-name.ts';
import {
  CONFIG_FIELDS,
  CONFIG_KEYS,
  configFromFields,
  defaultConfig,
  envNameOf,
  type FieldValue,
  fieldOf,
  valueAt,
} from './fields.ts';
import { migrated } from './migrate.ts';
import { configFilePath, defaultDataDir, type Environment } from './paths.ts';
import type { Config } from './schema.ts';
import { type ConfigFile, readConfigFile } from './store.ts';
import { didYouMean } from './suggest.ts';
import { crossProblems, fileProblems, needKnownVersion, needValid } from './validate.ts';
import { parseFieldText } from './values.ts';

export type Layer = 'flag' | 'env' | 'file' | 'default';

export interface Origin {
  layer: Layer;
  /** The flag, the variable, the file; '' for the default. */
  source: string;
}

export interface ResolvedConfig {
  config: Config;
  origins: Record<string, Origin>;
  path: string;
}

export interface ConfigRequest {
  /** Value of --config. */
  flag?: string | undefined;
  env: Environment;
  cwd: string;
  /** Single fields given on the command line, by key. */
  overrides?: Readonly<Record<string, string>> | undefined;
}

/** The configuration in force. Throws `not-configured`, `config-unreadable`, `config-invalid` or `bad-value`. */
export async function loadConfig(request: ConfigRequest): Promise<ResolvedConfig> {
  const path = configFilePath(request);
  const file = await readConfigFile(path);
  if (file === undefined) {
    throw new DatameshError('not-configured', {
      what: `there is no configuration at ${path}`,
      mend: 'run datamesh on a terminal for the set-up, or: datamesh init --yes',
      details: { path },
    });
  }
  return resolveConfig(file, path, request);
}

/** The same from a file already read. Throws `config-invalid` or `bad-value`. */
export function resolveConfig(
  given: ConfigFile,
  path: string,
  request: Pick<ConfigRequest, 'env' | 'overrides'>,
): ResolvedConfig {
  needKnownVersion(given, path);
  const file = migrated(given);
  needValid(fileProblems(file), path);
  const overrides = request.overrides ?? {};
  needKnown(Object.keys(overrides));
  const defaults = defaultConfig({ name: nodeNameOf(hostname()), dataDir: defaultDataDir(request.env) });
  const origins: Record<string, Origin> = {};
  const config = configFromFields((key) => {
    const field = fieldOf(key)!;
    const flag = overrides[key];
    if (flag !== undefined) {
      origins[key] = { layer: 'flag', source: key };
      return parseFieldText(field, flag, key);
    }
    const names = [key, ...(field.formerly === undefined ? [] : [field.formerly])].map(envNameOf);
    // An empty variable is how a shell unsets one for a single command.
    const variable = names.find((name) => (request.env[name] ?? '') !== '');
    if (variable !== undefined) {
      origins[key] = { layer: 'env', source: variable };
      return parseFieldText(field, request.env[variable]!, variable);
    }
    const inFile = valueAt(file, key);
    if (inFile !== undefined) {
      origins[key] = { layer: 'file', source: path };
      return inFile as FieldValue;
    }
    origins[key] = { layer: 'default', source: '' };
    return valueAt(defaults, key) as FieldValue;
  });
  needValid(crossProblems(config), path);
  return { config, origins, path };
}

/** Throws `unknown-option` with a suggestion for a key that is in no table. */
export function needKnown(keys: readonly string[]): void {
  const unknown = keys.find((key) => fieldOf(key) === undefined);
  if (unknown === undefined) return;
  throw new DatameshError('unknown-option', {
    what: `there is no configuration key "${unknown.slice(0, 80)}"`,
    mend: didYouMean(unknown, CONFIG_KEYS) || 'datamesh config list shows every key',
    details: { known: CONFIG_FIELDS.map(({ key }) => key) },
  });
}
