/**
 * What the image of ops/docker does, without Docker, which need not be here: its entrypoint sets up two nodes of one owner that meet, as compose.yaml has it; and the files it is built from are there. Building the image is
 * not tested.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { phraseOfEntropy } from '../../src/engine/keys/phrase.ts';
import { jsonLines } from '../support/bin.ts';
import { LAUNCHER } from '../support/cli.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, 'ops/docker', path), 'utf8');
const SLOW_MS = 120_000;

let folder: string;
const running: ChildProcess[] = [];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dm-containers-'));
  mkdirSync(join(folder, 'bin'));
  const datamesh = join(folder, 'bin/datamesh');
  writeFileSync(datamesh, `#!/bin/sh\nexec '${process.execPath}' '${LAUNCHER}' "$@"\n`);
  chmodSync(datamesh, 0o755);
  writeFileSync(join(folder, 'words'), `${phraseOfEntropy(new Uint8Array(32).fill(9))}\n`, { mode: 0o600 });
});
afterAll(async () => {
  for (const child of running) child.kill('SIGTERM');
  await Promise.all(
    running.map((child) => child.exitCode ?? new Promise((resolve) => child.on('exit', resolve))),
  );
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
});

function environment(name: string): Record<string, string> {
  return {
    PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
    HOME: join(folder, name),
    DATAMESH_CONFIG: join(folder, name, 'config/config.json'),
    DATAMESH_NODE_DATA_DIR: join(folder, name, 'data'),
    DATAMESH_WORDS_FILE: join(folder, 'words'),
    DATAMESH_MEET: join(folder, 'address'),
    DATAMESH_NET: 'local',
    DATAMESH_LISTEN: 'auto',
    DATAMESH_INIT: `--name ${name} --quota 64MiB --reserve 0 --redundancy small`,
  };
}

function container(name: string, more: Record<string, string> = {}): void {
  mkdirSync(join(folder, name));
  const env = { ...environment(name), ...more };
  const child = spawn('sh', [join(ROOT, 'ops/docker/entrypoint.sh'), 'service', 'run'], {
    env,
    stdio: 'ignore',
  });
  running.push(child);
}

test(
  'two containers of one owner are set up by themselves and meet',
  async () => {
    container('second');
    container('first', {
      DATAMESH_FIRST: 'yes',
      DATAMESH_INIT: '--name first --quota 64MiB --reserve 0 --role bootstrap',
    });
    const end = performance.now() + SLOW_MS - 20_000;
    const ask = (...argv: string[]) =>
      spawnSync(join(folder, 'bin/datamesh'), argv, { env: environment('second'), encoding: 'utf8' });
    for (;;) {
      // Without its service `peers` would be a node itself, and take the data folder from the service that is about to start.
      const isUp = ask('service', 'status', '--quiet').status === 0;
      const { status, stdout } = isUp ? ask('peers', '--json') : { status: null, stdout: 'no service' };
      const [peer] = status === 0 ? jsonLines(stdout) : [];
      if (peer?.name === 'first' && peer.state === 'active') break;
      if (performance.now() > end) throw new Error(`they have not met: ${stdout}`);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    expect(readFileSync(join(folder, 'address'), 'utf8')).toMatch(
      /^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/\w+\n$/,
    );
  },
  SLOW_MS,
);

test('the image is built from files that are there, on a Node that is new enough, and runs as nobody special', () => {
  const file = read('Dockerfile');
  const sources = [...file.matchAll(/^COPY (?!--from)(?:--\S+ )*(.+) \S+$/gm)].flatMap(([, list]) =>
    list!.split(' '),
  );
  expect(sources.length).toBeGreaterThan(8);
  for (const source of sources) expect(existsSync(join(ROOT, source)), source).toBe(true);
  const versions = [...file.matchAll(/^FROM node:(\d+)\.(\d+)/gm)].map(
    ([, major, minor]) => [Number(major), Number(minor)] as const,
  );
  expect(versions).toHaveLength(2);
  for (const [major, minor] of versions) expect(major > 22 || (major === 22 && minor >= 13)).toBe(true);
  expect(file.match(/^USER (.+)$/gm)).toEqual(['USER node']);
});

test('compose has six nodes, each with a volume of its own and without rights it does not need', () => {
  const file = read('compose.yaml');
  const nodes = [...file.matchAll(/^ {2}(node-\d):\n {4}<<: \*node\n(?: {4}.*\n| {6}.*\n)*/gm)];
  expect(nodes.map(([, name]) => name)).toEqual([1, 2, 3, 4, 5, 6].map((i) => `node-${i}`));
  for (const [text, name] of nodes) {
    expect(text).toContain(`volumes: [${name}:/var/lib/datamesh, meet:/meet]`);
    expect(file).toMatch(new RegExp(`^volumes:\\n(?: {2}.*\\n)* {2}${name}:$`, 'm'));
  }
  for (const needed of ['read_only: true', 'cap_drop: [ALL]', 'no-new-privileges:true'])
    expect(file).toContain(needed);
  expect(file.match(/DATAMESH_FIRST: "yes"/g)).toHaveLength(1);
});
