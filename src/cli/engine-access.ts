/** Configuration and engine of one process: found at the first need, opened once, closed at the end. */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Context } from '../commands/command.ts';
import type { ResolvedConfig } from '../config/resolve.ts';
import type { Engine } from '../engine/engine.ts';
import { DatameshError } from '../errors.ts';
import type { GlobalFlags } from '../lang/global-options.ts';

export interface EngineAccess {
  config(): Promise<ResolvedConfig>;
  configPath(): string;
  service(): Promise<Engine | undefined>;
  engine(): Promise<Engine>;
  close(): Promise<void>;
}

export interface EngineAccessOptions {
  flags: GlobalFlags;
  env: Context['env'];
  cwd: string;
  configPath: string;
  /** `ask` allows a question on the terminal. */
  secret(prompt: string, ask: boolean): Promise<string | undefined>;
}

/** An engine that does not close within this is left to the end of the process. */
const CLOSE_MS = 5000;

export function engineAccess(options: EngineAccessOptions): EngineAccess {
  const opened: Engine[] = [];
  const config = once(async () => {
    const { loadConfig } = await import('../config/resolve.ts');
    const { dataDir, configFile } = options.flags;
    if (dataDir !== undefined) await needFolder(resolve(options.cwd, dataDir));
    return loadConfig({
      flag: configFile,
      env: options.env,
      cwd: options.cwd,
      overrides: dataDir === undefined ? undefined : { 'node.dataDir': resolve(options.cwd, dataDir) },
    });
  });
  const service = once(async () => {
    const { connectEngine } = await import('../engine/control/client.ts');
    const engine = await connectEngine((await config()).config.node.dataDir);
    if (engine) opened.push(engine);
    return engine;
  });
  const engine = once(async () => {
    const running = await service();
    if (running) return running;
    const resolved = (await config()).config;
    const { needNodeFolder } = await import('../config/data-folder.ts');
    await needNodeFolder(resolved.node.dataDir);
    const [{ openEngine }, { toEngineOptions }] = await Promise.all([
      import('../engine/local.ts'),
      import('../config/to-engine-options.ts'),
    ]);
    const open = (passphrase: string | undefined) =>
      openEngine(toEngineOptions(resolved, { mode: 'embedded', passphrase }));
    const given = await options.secret('', false);
    const embedded = await open(given).catch(async (error: unknown) => {
      // Only the keyring knows whether it is sealed, so the question comes after the first attempt.
      if (given !== undefined || !(error instanceof DatameshError) || error.code !== 'wrong-passphrase')
        throw error;
      const asked = await options.secret('Passphrase of the keyring', true);
      if (asked === undefined) throw error;
      return open(asked);
    });
    opened.push(embedded);
    return embedded;
  });
  return {
    config,
    configPath: () => options.configPath,
    service,
    engine,
    async close() {
      const closing = Promise.allSettled(opened.splice(0).map((each) => each.close()));
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, CLOSE_MS);
      });
      await Promise.race([closing, late]);
      clearTimeout(timer);
    },
  };
}

/** The same promise for every caller; a failure is forgotten, so that the next caller may succeed. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}

/** A slip in --data-dir must not make a new node with an identity of its own. */
async function needFolder(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) return;
  throw new DatameshError('file-not-found', {
    what: `there is no data folder ${path}`,
    mend: 'check --data-dir; a new node is set up with: datamesh init',
  });
}
