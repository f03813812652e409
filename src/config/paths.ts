/** Where things lie: the XDG folders, and the configuration file in force. */
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

export type Environment = Readonly<Record<string, string | undefined>>;

/** --config > DATAMESH_CONFIG > $XDG_CONFIG_HOME/datamesh/config.json. */
export function configFilePath(request: {
  flag?: string | undefined;
  env: Environment;
  cwd: string;
}): string {
  const named = request.flag ?? nonEmpty(request.env.DATAMESH_CONFIG);
  return named === undefined ? join(configDir(request.env), 'config.json') : resolve(request.cwd, named);
}

export function configDir(env: Environment): string {
  return join(xdg(env, 'XDG_CONFIG_HOME', '.config'), 'datamesh');
}

/** Shards, catalog, identity. */
export function defaultDataDir(env: Environment): string {
  return join(xdg(env, 'XDG_DATA_HOME', '.local/share'), 'datamesh');
}

/** The XDG specification says to ignore a relative path. */
function xdg(env: Environment, name: string, fallback: string): string {
  const value = env[name];
  return value !== undefined && isAbsolute(value) ? value : join(nonEmpty(env.HOME) ?? homedir(), fallback);
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text;
}
