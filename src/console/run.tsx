/** `datamesh` and `datamesh console`: finds out what this terminal can show and what is configured, and runs the console on it. */
import { setFlagsFromString } from 'node:v8';
import { reloader } from '../commands/node/service-reload.ts';
import { loadConfig } from '../config/resolve.ts';
import type { Config } from '../config/schema.ts';
import { configFileExists } from '../config/store.ts';
import { realClock } from '../engine/effects/clock.ts';
import { DatameshError } from '../errors.ts';
import { themeFrom, wantsColour } from '../panels/theme.ts';
import { historyPath, openHistory } from '../repl/history.ts';
import { completer } from './completer.ts';
import { openLink } from './engine-link.ts';
import { keysPath, readKeysFile } from './keys-file.ts';
import { lateRegistry } from './late-registry.ts';
import { leanInk } from './lean-ink.ts';
import type { SessionStart, StartOf } from './open-session.tsx';
import { newSessionId } from './session.ts';
import { chooseSurface, type Surface } from './surface.ts';

export interface ConsoleOptions {
  configPath: string;
  /** Look into the running service; never start a node. */
  attach?: boolean;
  /** The line REPL whatever the terminal. */
  plain?: boolean;
  /** Go through the set-up questions although there is a configuration. */
  forceWizard?: boolean;
  /** Value of --data-dir. */
  dataDir?: string | undefined;
  /** Passphrase of the keyring, already read from a file. */
  passphrase?: string | undefined;
}

/** The exit status. Errors before the console stands go to stderr. */
export async function runConsole(options: ConsoleOptions): Promise<number> {
  const { stdin, stdout, env } = process;
  const surface = chooseSurface({
    stdinIsTty: stdin.isTTY === true,
    stdoutIsTty: stdout.isTTY === true,
    columns: stdout.columns ?? 80,
    rows: stdout.rows ?? 24,
    env,
    plain: options.plain === true,
  });
  if (surface.kind === 'none') {
    throw new DatameshError('not-a-terminal', {
      what: surface.what,
      mend: 'give a command, use "datamesh batch", or "datamesh console --plain"',
    });
  }
  const needsWizard = options.forceWizard === true || !(await configFileExists(options.configPath));
  const canAsk = surface.kind === 'screen' || (surface.reason !== undefined && env.TERM !== 'dumb');
  if (needsWizard && !canAsk) {
    throw new DatameshError('not-configured', {
      what: `there is no configuration at ${options.configPath}`,
      mend: 'run the questions with "datamesh init", or take the defaults: datamesh init --yes',
    });
  }
  prepareForInk(env);
  leanInk();
  if (needsWizard) {
    const { runWizardAlone, runWizardThenConsole } = await import('./wizard-stage.tsx');
    // Read back, so that flags and variables beat the file in the first console as in every later one.
    const startOf: StartOf = async (passphrase) =>
      sessionStart(options, await readConfig(options), passphrase ?? options.passphrase);
    if (surface.kind === 'screen') return runWizardThenConsole(options, startOf);
    const start = await runWizardAlone(options, startOf);
    return typeof start === 'number' ? start : openOn(surface, start);
  }
  const config = await readConfig(options);
  const start = await sessionStart(options, config, options.passphrase);
  return openOn(surface, start);
}

async function openOn(surface: Exclude<Surface, { kind: 'none' }>, start: SessionStart): Promise<number> {
  if (surface.kind === 'line') {
    const { runLineRepl } = await import('./line-repl.ts');
    const colour = wantsColour(process.env) && process.stdout.isTTY === true;
    return runLineRepl({ start, note: surface.reason, colour });
  }
  const [{ openTerminal }, { runSession }] = await Promise.all([
    import('./terminal.ts'),
    import('./open-session.tsx'),
  ]);
  return runSession(openTerminal(process.stdin, process.stdout), start);
}

/**
 * Frames are made of strings that nobody needs a moment later. V8 lets the space for such grow to 96 MiB before it looks through it; held at the size that loading
 * the first frame gave it, it is looked through more often, each time in well under a millisecond. To be called when the first frame stands: what is loaded
 * for it stays, and to look through it again and again would delay it. What the engine loads would make that space four times as large.
 */
function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** React keeps every measurement unless NODE_ENV says production, and chalk does not know NO_COLOR: both look when they are loaded. */
function prepareForInk(env: NodeJS.ProcessEnv): void {
  env.NODE_ENV ??= 'production';
  if (!wantsColour(env)) env.FORCE_COLOR = '0';
}

async function readConfig(options: ConsoleOptions): Promise<Config> {
  const overrides = options.dataDir === undefined ? undefined : { 'node.dataDir': options.dataDir };
  const request = { flag: options.configPath, env: process.env, cwd: process.cwd(), overrides };
  return (await loadConfig(request)).config;
}

async function sessionStart(
  options: ConsoleOptions,
  config: Config,
  passphrase: string | undefined,
): Promise<SessionStart> {
  const { env } = process;
  const session = newSessionId();
  const path = config.console.history ? historyPath(env) : undefined;
  const { history, problem } = await openHistory({ path, session, profile: config.network.name });
  const { keys, problems } = await readKeysFile(keysPath(options.configPath));
  const registry = lateRegistry();
  const reload = reloader(
    { configPath: () => options.configPath, env, cwd: process.cwd() },
    config,
    () => {},
  );
  return {
    clock: realClock(),
    env,
    cwd: process.cwd(),
    theme: themeFrom(env),
    registry,
    history,
    name: config.node.name,
    network: config.network.name,
    welcome: [...(problem === undefined ? [] : [problem]), ...problems],
    keys,
    editorMode: config.console.editorMode,
    mouse: config.console.mouse,
    openEngine(ask) {
      keepHeapSmall();
      return openLink({ config, attach: options.attach === true, passphrase, reload }, ask);
    },
    surroundings: {
      config: () => readConfig(options),
      configPath: () => options.configPath,
      async service() {
        const { connectEngine } = await import('../engine/control/client.ts');
        return connectEngine(config.node.dataDir);
      },
    },
    complete: completer(registry, process.cwd()),
  };
}
