/** Writing, removing and starting what `service install` makes. Commands of the manager are run, never emulated. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { makeDirs } from '../../engine/effects/make-dirs.ts';
import { DatameshError } from '../../errors.ts';
import type { Context } from '../command.ts';
import { LAUNCHD_LABEL, MARK, type Manager, type Scope, serviceFile } from './service-files.ts';
import { launcherPath } from './service-process.ts';

export interface Installation {
  manager: Manager;
  scope: Scope;
  /** Where the unit or property list lies. */
  path: string;
}

/** A unit has 2 KiB. */
const MAX_FILE_BYTES = 64 * 1024;
/** The managers answer at once; one that asks for a password on a terminal takes as long as its user. */
const RUN_TIMEOUT_MS = 60_000;

/** What starts services on a system of this kind. */
export function managerHere(): Manager | undefined {
  if (process.platform === 'darwin') return 'launchd';
  return process.platform === 'linux' ? 'systemd' : undefined;
}

export interface InstallWishes {
  config: string;
  dataDir: string;
  background: boolean;
  name: string;
  user: string | undefined;
  passphraseFile: string | undefined;
  writes: readonly string[];
  cwd: string;
}

/** The text of the file. Throws `file-not-found` for a passphrase file that is not there. */
export async function fileFor(where: Installation, wishes: InstallWishes): Promise<{ text: string }> {
  const { cwd, dataDir } = wishes;
  const passphraseFile =
    wishes.passphraseFile === undefined ? undefined : resolve(cwd, wishes.passphraseFile);
  if (passphraseFile !== undefined && !existsSync(passphraseFile)) {
    throw new DatameshError('file-not-found', {
      what: `the passphrase file ${passphraseFile} does not exist`,
      mend: 'write it first, readable for you alone: chmod 600',
    });
  }
  const text = serviceFile({
    manager: where.manager,
    scope: where.scope,
    node: process.execPath,
    launcher: launcherPath(),
    config: wishes.config,
    dataDir,
    background: wishes.background,
    name: wishes.name,
    user: wishes.user,
    passphraseFile,
    writes: wishes.writes.map((path) => resolve(cwd, path)),
  });
  return { text };
}

/** What is installed there; undefined when nothing is. */
export async function installedText(path: string): Promise<string | undefined> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  return bytes?.toString('utf8', 0, MAX_FILE_BYTES);
}

/** Throws `already-exists` when a file that somebody else wrote has that name. */
export async function refuseForeign(path: string): Promise<void> {
  const text = await installedText(path);
  if (text === undefined || text.includes(MARK)) return;
  throw new DatameshError('already-exists', {
    what: `${path} is not of datamesh: it was not written by "service install"`,
    why: 'it is somebody’s own work',
    mend: 'move it away, or edit it by hand; --print shows what would be written',
  });
}

/** Beside, then renamed: a manager never reads half a file. */
export async function writeFileFor({ path, scope }: Installation, text: string): Promise<void> {
  const beside = `${path}.new`;
  try {
    await makeDirs(dirname(path));
    await writeFile(beside, text, { mode: 0o644 });
    await chmod(beside, 0o644);
    await rename(beside, path);
  } catch (cause) {
    await rm(beside, { force: true }).catch(() => undefined);
    throw fileError(cause, path, scope);
  }
}

export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true }).catch((cause: unknown) => {
    throw fileError(cause, path, 'system');
  });
}

function fileError(cause: unknown, path: string, scope: Scope): unknown {
  const { code } = cause as NodeJS.ErrnoException;
  if (code !== 'EACCES' && code !== 'EPERM' && code !== 'EROFS') return cause;
  return new DatameshError('file-denied', {
    what: `${path} may not be written by this user`,
    mend: scope === 'system' ? 'run it with sudo, or leave out --system' : `who owns ${dirname(path)}?`,
    cause,
  });
}

export function startCommands({ manager, scope, path }: Installation): string[][] {
  if (manager === 'systemd') {
    const systemctl = scope === 'user' ? ['systemctl', '--user'] : ['systemctl'];
    return [
      [...systemctl, 'daemon-reload'],
      [...systemctl, 'enable', 'datamesh.service'],
      // Also when an older file is in use.
      [...systemctl, 'restart', 'datamesh.service'],
    ];
  }
  return [['launchctl', 'bootstrap', domain(scope), path]];
}

export function stopCommands({ manager, scope }: Installation): { before: string[][]; after: string[][] } {
  if (manager === 'systemd') {
    const systemctl = scope === 'user' ? ['systemctl', '--user'] : ['systemctl'];
    return {
      before: [[...systemctl, 'disable', '--now', 'datamesh.service']],
      after: [[...systemctl, 'daemon-reload']],
    };
  }
  return { before: [bootout(scope)], after: [] };
}

const bootout = (scope: Scope) => ['launchctl', 'bootout', `${domain(scope)}/${LAUNCHD_LABEL}`];
/** ESRCH and "could not find service": it was not loaded. */
const NOT_LOADED = [3, 113];

/** launchd takes up no file of a name that it has loaded; systemd's `restart` does. A failure shows when the new one is started. */
export async function unload({ manager, scope }: Installation, context: Pick<Context, 'env' | 'signal'>) {
  if (manager !== 'launchd') return;
  const [name, ...words] = bootout(scope);
  await run(name!, words, context.env, context.signal);
}

function domain(scope: Scope): string {
  return scope === 'system' ? 'system' : `gui/${process.getuid?.() ?? 0}`;
}

export const AFTER_WRITING = {
  why: 'the file is in its place; only the manager did not do its part',
  mend: 'run that command yourself, or start the node without it: datamesh service start',
};

/** One after another. Throws `failed` with what the first one that failed said, `otherwise` being what that means and what can be done. */
export async function runAll(
  commands: readonly (readonly string[])[],
  { env, signal }: Pick<Context, 'env' | 'signal'>,
  otherwise: { why: string; mend: string },
): Promise<void> {
  for (const [name, ...words] of commands) {
    const { status, said } = await run(name!, words, env, signal);
    const gone = words[0] === 'bootout' && NOT_LOADED.includes(status as number);
    if (status !== 0 && !gone)
      throw new DatameshError('failed', {
        what: `${[name, ...words].join(' ')} ended with ${status}: ${said}`,
        ...otherwise,
      });
  }
}

/** Whether systemd is what started this machine (sd_booted(3)): not so in most containers. There nothing that it was told to start can run. */
export function isBootedWithSystemd(): boolean {
  return existsSync('/run/systemd/system');
}

/** Throws `not-found` for a user that this machine does not know: the manager would take the file, and the start fail. */
export async function needUser(
  user: string,
  { env, signal }: Pick<Context, 'env' | 'signal'>,
): Promise<void> {
  if ((await run('id', ['-u', '--', user], env, signal)).status === 0) return;
  throw new DatameshError('not-found', {
    what: `there is no user ${JSON.stringify(user)} on this machine`,
    mend: 'make it first (on Linux: useradd --system --create-home NAME), or name another',
  });
}

function run(
  name: string,
  words: readonly string[],
  env: Context['env'],
  signal: AbortSignal,
): Promise<{ status: number | string; said: string }> {
  return new Promise((done) => {
    const child = spawn(name, words, {
      env,
      signal,
      stdio: ['inherit', 'ignore', 'pipe'],
      timeout: RUN_TIMEOUT_MS,
    });
    let said = '';
    child.stderr.on('data', (part: Buffer) => {
      if (said.length < 2000) said += part.toString();
    });
    child.on('error', (error) => done({ status: 'an error', said: error.message }));
    child.on('close', (code, cut) =>
      done({ status: code ?? cut ?? 'an error', said: said.trim().replace(/\s+/g, ' ').slice(0, 300) }),
    );
  });
}
