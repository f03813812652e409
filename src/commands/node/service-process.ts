/** The service as a process: who runs on a data folder, starting one beside us, asking one to stop. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { needNodeFolder } from '../../config/data-folder.ts';
import { connectEngine } from '../../engine/control/client.ts';
import type { EventLevel, NodeStatus } from '../../engine/engine.ts';
import { dataPaths } from '../../engine/options.ts';
import { asDatameshError, DatameshError, errorTable } from '../../errors.ts';
import { NODE_ENVIRONMENT, NODE_FLAGS } from './node-flags.ts';
import { LOG_FILE_ENV } from './service-events.ts';
import { tailOf } from './service-log.ts';

/** A node opens its stores and dials its peers in a second or two; a store to recover may take longer. */
const START_TIMEOUT_MS = 60_000;
/** One that is just starting or stopping is done with that by then; a console or a long put is not. */
const SETTLE_MS = 5000;
/** A stopping node cancels what runs, tells its peers and syncs its stores. */
const STOP_TIMEOUT_MS = 20_000;
/** From letting go of the data folder to the end of the process; one that is listed for longer waits for its parent to look, where that cannot be told. */
const EXIT_GRACE_MS = existsSync('/proc/self/stat') ? STOP_TIMEOUT_MS : 2000;
const POLL_MS = 50;
/** Tells a service that its standard input is its parent's life: it stops when that ends. */
export const TIED_ENV = 'DATAMESH_TIED';

export type Found =
  | { state: 'running'; status: NodeStatus }
  /** Something holds the data folder, but does not answer: starting, stopping, stuck, or no service (a console, a put). */
  | { state: 'busy'; pid: number | undefined; stuck: boolean }
  | { state: 'stopped' };

/** What runs on a data folder, by the control socket and, where that is silent, by the lock. */
export async function findService(dataDir: string): Promise<Found> {
  let stuck = false;
  try {
    const engine = await connectEngine(dataDir);
    if (engine !== undefined) {
      try {
        return { state: 'running', status: await engine.status() };
      } finally {
        await engine.close();
      }
    }
  } catch (thrown) {
    const error = asDatameshError(thrown);
    if (error.code !== 'timeout' && error.code !== 'service-not-running') throw error;
    stuck = error.code === 'timeout';
  }
  const holder = await lockHolder(dataDir);
  return holder === undefined ? { state: 'stopped' } : { state: 'busy', pid: holder.pid, stuck };
}

/** As `findService`, but a service that is just starting or stopping is given the time to. */
export async function findSettled(dataDir: string, signal: AbortSignal): Promise<Found> {
  const deadline = performance.now() + SETTLE_MS;
  for (;;) {
    const found = await findService(dataDir);
    if (found.state !== 'busy' || found.stuck || performance.now() > deadline) return found;
    await pause(POLL_MS);
    signal.throwIfAborted();
  }
}

/**
 * Whoever holds the lock now. Its holder has written LOCK and removes it in the end; one that was killed leaves it, so what it
 * says is only believed while the lock cannot be had.
 */
export async function lockHolder(dataDir: string): Promise<{ pid: number | undefined } | undefined> {
  if (!(await stat(dataPaths(dataDir).lock).catch(() => undefined))) return undefined;
  const [{ acquireLock }, { realDisk }, { realClock }] = await Promise.all([
    import('../../engine/effects/lock.ts'),
    import('../../engine/effects/real-disk.ts'),
    import('../../engine/effects/clock.ts'),
  ]);
  try {
    const lock = await acquireLock(realDisk(), dataPaths(dataDir).lock, realClock());
    await lock.release();
    return undefined;
  } catch (thrown) {
    const error = asDatameshError(thrown);
    if (error.code !== 'lock-held') throw error;
    const pid = error.details?.pid;
    return { pid: typeof pid === 'number' ? pid : undefined };
  }
}

export interface StartRequest {
  dataDir: string;
  configPath: string;
  env: Readonly<Record<string, string | undefined>>;
  passphrase: string | undefined;
  /** In place of the configuration's. */
  logLevel?: EventLevel | undefined;
  signal: AbortSignal;
  /** Called at once, long before it answers. */
  onSpawn?: (child: ChildProcess) => void;
  /** Stop it when this process ends, however it ends. */
  tied?: boolean;
  answerWithinMs?: number;
}

/**
 * Starts a service that outlives this process, its output in the log file, and waits until it answers. Throws what the
 * service gave as its reason when it ends before that, and `timeout` when it does neither: then it goes on with what it is at,
 * for a store whose recovery takes long would begin anew with every start.
 */
export async function startService(
  request: StartRequest,
): Promise<{ status: NodeStatus; child: ChildProcess }> {
  const { dataDir, configPath, signal, answerWithinMs = START_TIMEOUT_MS } = request;
  await needNodeFolder(dataDir);
  const logPath = dataPaths(dataDir).log;
  const log = await open(logPath, 'a', 0o600);
  const logStart = (await log.stat()).size;
  const child = spawn(
    process.execPath,
    [
      ...NODE_FLAGS,
      launcherPath(),
      ...[
        'service',
        'run',
        '--no-input',
        '--log-format',
        'json',
        '--config',
        configPath,
        '--data-dir',
        dataDir,
      ],
      ...(request.logLevel === undefined ? [] : ['--log-level', request.logLevel]),
    ],
    {
      detached: true,
      stdio: [request.tied ? 'pipe' : 'ignore', log.fd, log.fd],
      cwd: dataDir,
      env: {
        ...NODE_ENVIRONMENT,
        ...request.env,
        [LOG_FILE_ENV]: logPath,
        ...(request.passphrase === undefined ? {} : { DATAMESH_PASSPHRASE: request.passphrase }),
        ...(request.tied ? { [TIED_ENV]: '1' } : {}),
      },
    },
  );
  request.onSpawn?.(child);
  // The pipe is only there to be closed by our end; it must not keep this process alive.
  (child.stdin as Socket | null)?.unref();
  const ended = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('exit', (code, name) => resolve(name === null ? `exit ${code}` : name));
  });
  let end: string | undefined;
  void ended.then((how) => {
    end = how;
  });
  await log.close();
  try {
    const deadline = performance.now() + answerWithinMs;
    while (end === undefined) {
      signal.throwIfAborted();
      const found = await answers(dataDir);
      if (found !== undefined && found.pid === child.pid) return { status: found, child };
      if (performance.now() > deadline) {
        throw new DatameshError('timeout', {
          what: `the service does not answer after ${answerWithinMs / 1000} s; it was left running as process ${child.pid}`,
          mend: 'see what it does: datamesh service logs --follow',
          details: { pid: child.pid },
        });
      }
      await pause(POLL_MS);
    }
    throw await startFailure(logPath, logStart, end);
  } catch (error) {
    const isSlow = !signal.aborted && asDatameshError(error).code === 'timeout';
    if (end === undefined && (request.tied || !isSlow)) child.kill('SIGKILL');
    throw error;
  } finally {
    child.unref();
  }
}

async function answers(dataDir: string): Promise<NodeStatus | undefined> {
  const engine = await connectEngine(dataDir).catch(() => undefined);
  try {
    return await engine?.status().catch(() => undefined);
  } finally {
    await engine?.close();
  }
}

/** The service's own error, read back from the end of its log. */
async function startFailure(logPath: string, logStart: number, end: string): Promise<DatameshError> {
  const lines = (await tailOf(logPath, 20, logStart)).lines;
  for (const line of lines.reverse()) {
    const match = /^error\[(DM-\d+)\]: (.*)$/.exec(line);
    const code = errorTable().find(({ id }) => id === match?.[1])?.code;
    if (match && code) return new DatameshError(code, { what: `the service did not start: ${match[2]}` });
  }
  return new DatameshError('failed', {
    what: `the service ended while it was starting (${end})`,
    mend: /^SIG(SEGV|BUS|ABRT)$/.test(end)
      ? 'a damaged index of the shards does this, and is built anew by: datamesh doctor --rebuild-index'
      : 'see why: datamesh service logs',
  });
}

/** Asks the process to stop and waits until it has let go of the data folder. Throws `timeout`, `denied`. */
export async function stopProcess(dataDir: string, pid: number, signal: AbortSignal): Promise<void> {
  try {
    process.kill(pid, 'SIGTERM');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH') return;
    if (code !== 'EPERM') throw error;
    throw new DatameshError('denied', {
      what: `process ${pid} belongs to another user`,
      mend: 'stop it as the user who started it',
    });
  }
  const deadline = performance.now() + STOP_TIMEOUT_MS;
  let freeSinceMs: number | undefined;
  while (isAlive(pid)) {
    signal.throwIfAborted();
    const free = (await answers(dataDir)) === undefined && (await lockHolder(dataDir)) === undefined;
    if (!free) freeSinceMs = undefined;
    else freeSinceMs ??= performance.now();
    if (freeSinceMs !== undefined && performance.now() - freeSinceMs > EXIT_GRACE_MS) return;
    if (performance.now() > deadline) {
      throw new DatameshError('timeout', {
        what: `process ${pid} is still there after ${STOP_TIMEOUT_MS / 1000} s`,
        mend: `end it at once with: kill -9 ${pid} (what was stored is on disk and stays)`,
        details: { pid },
      });
    }
    await pause(POLL_MS);
  }
}

/** It runs; one that has ended and only waits for its parent to look does not, where that can be told. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** It has ended, and its parent has not looked yet. The state follows the name in brackets, which may hold brackets itself (proc_pid_stat(5)). */
function isZombie(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat[stat.lastIndexOf(')') + 2] === 'Z';
  } catch {
    return false;
  }
}

/** bin/datamesh of this very installation: the same number of folders up from src and from dist. */
export function launcherPath(): string {
  return fileURLToPath(new URL('../../../bin/datamesh', import.meta.url));
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
