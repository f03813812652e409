/** datamesh services on hosts of their own (net-spaces.ts). They are commanded through their control sockets, which no partition of the network cuts. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TIED_ENV } from '../../src/commands/node/service-process.ts';
import { defaultConfig } from '../../src/config/fields.ts';
import { connectEngine } from '../../src/engine/control/client.ts';
import { socketCandidates } from '../../src/engine/control/socket-path.ts';
import { realClock } from '../../src/engine/effects/clock.ts';
import { realRandom } from '../../src/engine/effects/random.ts';
import { realDisk } from '../../src/engine/effects/real-disk.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { openKeyring } from '../../src/engine/keys/keyring.ts';
import { dataPaths } from '../../src/engine/options.ts';
import type { CodeProfile, PeerId } from '../../src/engine/types.ts';
import { LAUNCHER } from './cli.ts';
import { type NetSpaces, openSpaces } from './net-spaces.ts';

export const SPACE_PORT = 4001;

export interface SpaceNode {
  engine: Engine;
  peerId: PeerId;
}

export interface SpaceCluster {
  spaces: NetSpaces;
  nodes: SpaceNode[];
  close(): Promise<void>;
}

const START_MS = 60_000;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** @param delay of each way, and share of segments lost, through the project's own relay; no relay without */
export async function startSpaceCluster(
  count: number,
  code: CodeProfile,
  delay?: { ms: number; loss: number },
): Promise<SpaceCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'dm-spaces-'));
  const children: ChildProcess[] = [];
  const dataDirs: string[] = [];
  const nodes: SpaceNode[] = [];
  const spaces = openSpaces(count);
  const close = async () => {
    await Promise.all(nodes.map(({ engine }) => engine.close().catch(() => {})));
    await Promise.all(children.map(ended));
    spaces.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    await Promise.all(
      dataDirs.flatMap((dataDir) => socketCandidates(dataDir)).map((path) => rm(path, { force: true })),
    );
  };
  try {
    if (delay !== undefined) {
      spaces.interpose();
      const relay = spaces.runInHub(
        [
          process.execPath,
          new URL('./delay-relay-entry.ts', import.meta.url).pathname,
          `${SPACE_PORT},${SPACE_PORT + 1}`,
          String(delay.ms),
          String(delay.loss),
          String(count),
        ],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      children.push(relay);
      await once(relay.stdout!, 'data');
    }
    const meetAt = [0, 1].map((host) => `/ip4/${spaces.addressOf(host)}/tcp/${SPACE_PORT}`);
    for (let host = 0; host < count; host++) {
      const name = `host-${host}`;
      const dataDir = join(folder, name);
      dataDirs.push(dataDir);
      await mkdir(dataDir, { mode: 0o700 });
      const base = defaultConfig({ name, dataDir });
      const configPath = join(folder, `${name}.json`);
      await writeFile(
        configPath,
        JSON.stringify({
          ...base,
          network: {
            ...base.network,
            name: 'spaces',
            preset: 'custom',
            port: SPACE_PORT,
            bootstrap: meetAt.filter((_, at) => at !== host),
          },
          storage: { quotaBytes: 2 ** 30, reservePercent: 0 },
          // What is read comes from the others every time.
          reads: { cacheBytes: 0, cacheSeconds: 1 },
          redundancy: code,
          access: { mode: 'open', allow: [], deny: [] },
          console: { ...base.console, history: false },
        }),
        { mode: 0o600 },
      );
      const keyring = await openKeyring(
        { disk: realDisk(), random: realRandom(), clock: realClock() },
        dataPaths(dataDir).keyring,
      );
      await keyring.create('spaces');
      const log = openSync(join(folder, `${name}.log`), 'a');
      const child = spaces.run(
        host,
        [
          process.execPath,
          LAUNCHER,
          'service',
          'run',
          '--no-input',
          '--config',
          configPath,
          '--data-dir',
          dataDir,
        ],
        {
          stdio: ['pipe', log, log],
          cwd: dataDir,
          env: { PATH: process.env.PATH ?? '', HOME: folder, [TIED_ENV]: '1' },
        },
      );
      children.push(child);
    }
    for (const [host, dataDir] of dataDirs.entries()) {
      const endMs = performance.now() + START_MS;
      let engine: Engine | undefined;
      while (engine === undefined) {
        engine = await connectEngine(dataDir).catch(() => undefined);
        if (engine !== undefined) break;
        if (performance.now() > endMs || children.at(host - count)!.exitCode !== null) {
          throw new Error(
            `host ${host} did not start: ${await readFile(join(folder, `host-${host}.log`), 'utf8')}`,
          );
        }
        await sleep(50);
      }
      const { peerId } = await engine.status();
      nodes.push({ engine, peerId });
    }
    await untilWhole(nodes, START_MS);
  } catch (error) {
    await close();
    throw error;
  }
  return { spaces, nodes, close };
}

/** Waits until each of these nodes may place shards at each other one; resolves with how long that took. */
export async function untilWhole(nodes: readonly SpaceNode[], timeoutMs: number): Promise<number> {
  const startMs = performance.now();
  for (;;) {
    const met = await Promise.all(
      nodes.map(async ({ engine }) => {
        const peers = await engine.peers();
        return peers.filter(({ state, eligible }) => state === 'active' && eligible).length;
      }),
    );
    const tookMs = performance.now() - startMs;
    if (met.every((count) => count >= nodes.length - 1)) return tookMs;
    if (tookMs > timeoutMs) throw new Error(`after ${timeoutMs} ms the nodes see ${met.join(', ')} others`);
    await sleep(100);
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}
