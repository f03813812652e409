/** `service run`: the node in the foreground, its events as lines, until a signal asks it to stop. */
import { needNodeFolder } from '../../config/data-folder.ts';
import { realClock } from '../../engine/effects/clock.ts';
import type { Engine, EventView, NodeStatus } from '../../engine/engine.ts';
import { asDatameshError, DatameshError } from '../../errors.ts';
import type { Context } from '../command.ts';
import { findService, TIED_ENV } from './service-process.ts';

/** How often the engine's events are written out. */
const EVENTS_POLL_MS = 500;

export async function runService(context: Context): Promise<void> {
  const config = await context.config();
  const found = await findService(config.node.dataDir);
  if (found.state === 'running') throw alreadyRunning(found.status);
  await needNodeFolder(config.node.dataDir);
  const { toEngineOptions } = await import('../../config/to-engine-options.ts');
  const { openServingEngine } = await import('../../engine/serve.ts');
  const engine = await withPassphrase(context, (passphrase) =>
    openServingEngine(toEngineOptions(config, { mode: 'service', passphrase })),
  );
  if (context.env[TIED_ENV] === '1') endWithParent();
  try {
    const status = await engine.status();
    tell(context, {
      seq: 0,
      atMs: status.startedAtMs,
      level: 'info',
      source: 'service',
      text: `${status.name} runs as process ${status.pid}, ${listening(status)}`,
    });
    await tellEvents(context, engine);
  } finally {
    const why = context.signal.aborted ? 'asked to stop' : 'failed';
    tell(context, { seq: 0, atMs: Date.now(), level: 'info', source: 'service', text: `${why}, closing` });
    await engine.close();
  }
  tell(context, { seq: 0, atMs: Date.now(), level: 'info', source: 'service', text: 'stopped' });
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

async function tellEvents(context: Context, engine: Engine): Promise<void> {
  let seen = 0;
  const { signal } = context;
  // The clock takes its listener off the signal again; for a node that runs for months that matters.
  const clock = realClock();
  for (;;) {
    for (const event of (await engine.snapshot()).events) {
      if (event.seq <= seen) continue;
      seen = event.seq;
      if (event.level !== 'debug' || context.options.verbose) tell(context, event);
    }
    if (signal.aborted) return;
    await clock.sleep(EVENTS_POLL_MS, signal).catch(() => undefined);
  }
}

function tell({ out, options }: Context, event: EventView): void {
  const { atMs, level, source, text } = event;
  if (options.json) out.record({ atMs, level, source, text });
  else out.note(`${new Date(atMs).toISOString()} ${level.padEnd(5)} ${source}: ${text}`);
}
