/** A service's configuration, read again while it runs: what of it holds at once, and what waits for a restart. */
import { CONFIG_FIELDS, valueAt } from '../../config/fields.ts';
import { loadConfig } from '../../config/resolve.ts';
import type { Config } from '../../config/schema.ts';
import { toEngineOptions } from '../../config/to-engine-options.ts';
import type { Reload } from '../../engine/live-options.ts';
import type { Context } from '../command.ts';

/**
 * @param started what the service runs with
 * @param taken called with every new configuration that passed its checks
 */
export function reloader(
  context: Pick<Context, 'configPath' | 'env' | 'cwd'>,
  started: Config,
  taken: (config: Config) => void,
): () => Promise<Reload> {
  let current = started;
  return async () => {
    const { config } = await loadConfig({
      flag: context.configPath(),
      env: context.env,
      cwd: context.cwd,
      // --data-dir of the start still holds; the folder cannot change under a running node.
      overrides: { 'node.dataDir': started.node.dataDir },
    });
    const changed = CONFIG_FIELDS.filter(({ key }) => differs(valueAt(current, key), valueAt(config, key)));
    const waiting = CONFIG_FIELDS.filter(
      ({ key, restart }) => restart && differs(valueAt(started, key), valueAt(config, key)),
    );
    current = config;
    taken(config);
    const { bandwidth, code, access, nicknames } = toEngineOptions(config, { mode: 'service' });
    return {
      options: { bandwidth, code, access, nicknames },
      applied: changed.filter(({ restart }) => !restart).map(({ key }) => key),
      restart: waiting.map(({ key }) => key),
    };
  };
}

function differs(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) !== JSON.stringify(b);
}
