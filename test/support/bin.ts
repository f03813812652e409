/** Runs bin/datamesh (the built one, as `pretest` leaves it) as a user would. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultConfig } from '../../src/config/fields.ts';
import type { Config } from '../../src/config/schema.ts';

const BIN = fileURLToPath(new URL('../../bin/datamesh', import.meta.url));

const EMPTY_KEYRING = '{"format":"datamesh-keyring","version":1,"default":"","keys":[]}';

export interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** A home of its own: nothing of the caller's configuration or environment reaches the command. */
export interface Home {
  folder: string;
  dataDir: string;
  configPath: string;
  config: Config;
  run(...words: string[]): Promise<Outcome>;
  spawn(...words: string[]): ChildProcess;
  remove(): void;
}

export function makeHome(change: (config: Config) => void = () => undefined): Home {
  const folder = mkdtempSync(join(tmpdir(), 'datamesh-home-'));
  const dataDir = join(folder, 'data');
  const configPath = join(folder, 'config.json');
  const config = defaultConfig({ name: 'alder', dataDir });
  config.storage.reservePercent = 0;
  change(config);
  writeFileSync(configPath, JSON.stringify(config), { mode: 0o600 });
  // As after the set-up, but without an owner key.
  mkdirSync(dataDir, { mode: 0o700 });
  writeFileSync(join(dataDir, 'keyring.json'), EMPTY_KEYRING, { mode: 0o600 });
  const start = (words: string[]) =>
    spawn(process.execPath, [BIN, ...words], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, HOME: folder, TMPDIR: folder, DATAMESH_CONFIG: configPath },
    });
  return {
    folder,
    dataDir,
    configPath,
    config,
    spawn: (...words) => start(words),
    async run(...words) {
      const child = start(words);
      let stdout = '';
      let stderr = '';
      child.stdout.on('data', (part) => (stdout += part));
      child.stderr.on('data', (part) => (stderr += part));
      const [status] = (await once(child, 'close')) as [number | null];
      return { status, stdout, stderr };
    },
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }),
  };
}

/** The first output of a process; fails with what it said on stderr when it ends without any. */
export async function firstOutput(child: ChildProcess): Promise<string> {
  let stderr = '';
  child.stderr?.on('data', (part) => (stderr += part));
  const ended = once(child, 'close').then(([status]) => {
    throw new Error(`ended with status ${status} before it said anything: ${stderr}`);
  });
  ended.catch(() => undefined);
  const [part] = (await Promise.race([once(child.stdout!, 'data'), ended])) as [Buffer];
  return part.toString();
}

export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

export { isAlive } from '../../src/commands/node/service-process.ts';
