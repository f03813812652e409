/** Runs bin/datamesh as a process of its own, against a fake engine behind a real control socket. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultConfig } from '../../src/config/fields.ts';
import { startControl } from '../../src/engine/control/server.ts';
import { realClock } from '../../src/engine/effects/clock.ts';
import { createFakeEngine, type FakeEngine, type FakeEngineOptions } from './fake-engine.ts';

export const LAUNCHER = new URL('../../bin/datamesh', import.meta.url).pathname;

export interface CliResult {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
  input?: string | Uint8Array;
  /** Options of node itself, before the launcher. */
  node?: string[];
  /** Called with the running process, e.g. to send it a signal. */
  started?(child: ChildProcess): void;
  /** Default 15 s. */
  timeoutMs?: number;
}

/** A run that does not end is a failure of the test. */
const RUN_MS = 30_000;

export function runCli(argv: readonly string[], options: RunOptions = {}): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...(options.node ?? []), LAUNCHER, ...argv], {
      cwd: options.cwd,
      env: { PATH: process.env.PATH ?? '', ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.stdin.on('error', () => {});
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`datamesh ${argv.join(' ')} did not end: ${Buffer.concat(stderr)}`));
    }, options.timeoutMs ?? RUN_MS);
    child.on('error', reject);
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      resolve({
        status,
        signal,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
      });
    });
    child.stdin.end(options.input ?? '');
    options.started?.(child);
  });
}

export interface CliSetup {
  folder: string;
  env: Record<string, string>;
  engine: FakeEngine;
  run(argv: readonly string[], options?: RunOptions): Promise<CliResult>;
  close(): Promise<void>;
}

/** A home folder with a configuration, and a service that answers with a fake engine. */
export async function cliSetup(options: FakeEngineOptions = {}): Promise<CliSetup> {
  const folder = await mkdtemp(join(tmpdir(), 'dm-cli-'));
  const dataDir = join(folder, 'data');
  await mkdir(dataDir, { mode: 0o700 });
  const configFile = join(folder, 'config.json');
  await writeFile(configFile, JSON.stringify(defaultConfig({ name: 'cli-test', dataDir })), { mode: 0o600 });
  const engine = createFakeEngine({ mode: 'service', ...options });
  const server = await startControl(engine, { dataDir, clock: realClock() });
  const env = { HOME: folder, DATAMESH_CONFIG: configFile };
  return {
    folder,
    env,
    engine,
    run: (argv, own = {}) => runCli(argv, { cwd: folder, ...own, env: { ...env, ...own.env } }),
    async close() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
