/** `service run`: the node in the foreground, its events as lines, until a signal asks it to stop. */
import { needNodeFolder } from '../../config/data-folder.ts';
import type { Config } from '../../config/schema.ts';
import type { Engine, EventLevel, NodeStatus } from '../../engine/engine.ts';
import { asDatameshError, DatameshError } from '../../errors.ts';
import type { Context } from '../command.ts';
import { giveWay } from './give-way.ts';
import { keepMemorySmall } from './keep-memory-small.ts';
import {
  boundedLog,
  type EventWriter,
  jsonWriter,
  LOG_FILE_ENV,
  recordWriter,
  textWriter,
} from './service-events.ts';
import { findService, TIED_ENV } from './service-process.ts';
import { reloader } from './service-reload.ts';

export interface RunOptions {
  /** In place of the configuration's. */
  level: EventLevel | undefined;
  format: 'text' | 'json';
}

export async function runService(context: Context, options: RunOptions): Promise<void> {
  const config = await context.config();
  const found = await findService(config.node.dataDir);
  if (found.state === 'running') throw alreadyRunning(found.status);
  await needNodeFolder(config.node.dataDir);
  const { toEngineOptions } = await import('../../config/to-engine-options.ts');
  const { openServingEngine } = await import('../../engine/serve.ts');
  const writer = await writerFor(context, options, config);
  const reload = reloader(context, config, (fresh) => {
    writer.level = levelOf(context, options, fresh);
  });
  const onEvent = writer.write;
  const engine = await withPassphrase(context, (passphrase) =>
    openServingEngine(toEngineOptions(config, { mode: 'service', passphrase, onEvent, reload })),
  );
  const tell = (text: string, level: EventLevel = 'info', atMs = Date.now()) =>
    writer.write({ atMs, level, source: 'service', text });
  const stops = [reloadOnHangUp(engine, tell), keepMemorySmall()];
  if (context.env[TIED_ENV] === '1') endWithParent();
  try {
    const status = await engine.status();
    tell(`${status.name} runs as process ${status.pid}, ${listening(status)}`, 'info', status.startedAtMs);
    // Only now: whoever starts it waits for it.
    if (config.node.priority === 'low') giveWay();
    await untilAsked(context.signal);
  } finally {
    for (const stop of stops) stop();
    tell(context.signal.aborted ? 'asked to stop, closing' : 'failed, closing');
    await engine.close();
  }
  tell('stopped');
}

function levelOf(context: Context, { level }: RunOptions, config: Config): EventLevel {
  return level ?? (context.options.verbose ? 'debug' : config.observe.logLevel);
}

async function writerFor(context: Context, options: RunOptions, config: Config): Promise<EventWriter> {
  const { out } = context;
  const level = levelOf(context, options, config);
  if (options.format === 'json')
    return jsonWriter(level, config.node.name, boundedLog(context.env[LOG_FILE_ENV] ?? ''));
  if (!context.options.json) return textWriter(level, (text) => out.note(text));
  return recordWriter(level, (record) => out.record(record));
}

/** SIGHUP, as services take it: the configuration is read again. On a terminal it still says that the terminal is gone. */
function reloadOnHangUp(
  engine: Pick<Engine, 'reload'>,
  tell: (text: string, level?: EventLevel) => void,
): () => void {
  if (process.stdin.isTTY) return () => {};
  const others = process.listeners('SIGHUP');
  const reload = () => {
    engine.reload().then(
      ({ applied, restart }) => tell(reloadText(applied, restart)),
      (error: unknown) =>
        tell(`the configuration was not taken up: ${asDatameshError(error).message}`, 'error'),
    );
  };
  for (const other of others) process.off('SIGHUP', other);
  process.on('SIGHUP', reload);
  return () => {
    process.off('SIGHUP', reload);
    for (const other of others) process.on('SIGHUP', other);
  };
}

function reloadText(applied: readonly string[], restart: readonly string[]): string {
  const parts = [
    ...(applied.length > 0 ? [`taken up: ${applied.join(', ')}`] : []),
    ...(restart.length > 0 ? [`waiting for a restart: ${restart.join(', ')}`] : []),
  ];
  return `configuration read again; ${parts.join('; ') || 'nothing has changed'}`;
}

/** A demo that is killed leaves no nodes: its end closes the pipe that is this process's standard input. */
function endWithParent(): void {
  process.stdin.on('end', () => process.kill(process.pid, 'SIGTERM'));
  process.stdin.on('error', () => process.kill(process.pid, 'SIGTERM'));
  process.stdin.resume();
}

export function alreadyRunning(status: NodeStatus): DatameshError {
  return new DatameshError('already-running', {
    what: `the service runs already as process ${status.pid}`,
    mend: 'use it, or stop it first: datamesh service stop',
    details: { pid: status.pid, dataDir: status.dataDir },
  });
}

function listening(status: NodeStatus): string {
  return status.addresses.length === 0
    ? 'and can be dialled by nobody'
    : `listening at ${status.addresses.join(', ')}`;
}

/** Opens without a passphrase first: only the keyring knows whether it wants one. */
async function withPassphrase<T>(
  context: Context,
  open: (passphrase: string | undefined) => Promise<T>,
): Promise<T> {
  try {
    return await open(undefined);
  } catch (thrown) {
    if (asDatameshError(thrown).code !== 'wrong-passphrase') throw thrown;
    const passphrase = await context.secret('Passphrase of the keyring');
    if (passphrase === undefined) throw thrown;
    return open(passphrase);
  }
}

function untilAsked(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    // Something must keep the process alive: the engine's own timers do not.
    const alive = setInterval(() => undefined, KEEP_ALIVE_MS);
    signal.addEventListener(
      'abort',
      () => {
        clearInterval(alive);
        resolve();
      },
      { once: true },
    );
  });
}

const KEEP_ALIVE_MS = 2 ** 30;
