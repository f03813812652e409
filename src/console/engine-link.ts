/** The engine behind a console: a service that runs already, else a node in this process. */

import { needNodeFolder } from '../config/data-folder.ts';
import type { Config } from '../config/schema.ts';
import { toEngineOptions } from '../config/to-engine-options.ts';
import type { EngineOptions } from '../engine/options.ts';
import { DatameshError } from '../errors.ts';
import type { EngineLink } from './session-contract.ts';

export interface LinkOptions {
  config: Config;
  /** Only a running service will do. */
  attach: boolean;
  /** From --passphrase-file or the environment. */
  passphrase: string | undefined;
  /** Reads the configuration again, for a node of the console's own. */
  reload: NonNullable<EngineOptions['reload']>;
}

/** `ask` is called only when the keyring turns out to be sealed and no passphrase was given. */
export async function openLink(
  options: LinkOptions,
  ask: (prompt: string) => Promise<string | undefined>,
): Promise<EngineLink> {
  const { config, attach } = options;
  const { connectEngine } = await import('../engine/control/client.ts');
  const service = await connectEngine(config.node.dataDir);
  if (service !== undefined) return { engine: service, kind: 'attached' };
  if (attach) {
    throw new DatameshError('service-not-running', {
      what: `no service runs on ${config.node.dataDir}`,
      mend: 'start one with "datamesh service start", or open the console without --attach',
    });
  }
  await needNodeFolder(config.node.dataDir);
  // Served, so that one-shot commands in another terminal talk to this node instead of meeting its lock.
  const { openServingEngine } = await import('../engine/serve.ts');
  const open = async (passphrase: string | undefined): Promise<EngineLink> => ({
    engine: await openServingEngine(
      toEngineOptions(config, { mode: 'service', passphrase, reload: options.reload }),
    ),
    kind: 'embedded',
  });
  try {
    return await open(options.passphrase);
  } catch (error) {
    const sealed = error instanceof DatameshError && error.code === 'wrong-passphrase';
    if (!sealed || options.passphrase !== undefined) throw error;
    const asked = await ask('Passphrase of the keyring:');
    if (asked === undefined) throw error;
    return open(asked);
  }
}
