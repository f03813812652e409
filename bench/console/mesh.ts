/** Six nodes that store, and guests that are peers and nothing else, so that a console has many rows to show. */
import { mkdtempSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDemoMesh, startNodes, untilAllMet } from '../../src/commands/start/demo/nodes.ts';
import { defaultConfig } from '../../src/config/fields.ts';
import { realClock } from '../../src/engine/effects/clock.ts';
import { realRandom } from '../../src/engine/effects/random.ts';
import { realDisk } from '../../src/engine/effects/real-disk.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { openKeyring } from '../../src/engine/keys/keyring.ts';
import { dataPaths } from '../../src/engine/options.ts';
import { seedOf, startProcess } from '../../test/support/many-nodes.ts';
import { type Pty, ptyProgram } from '../../test/support/pty.ts';

const LAUNCHER = new URL('../../bin/datamesh', import.meta.url).pathname;
const NEVER = new AbortController().signal;
const STORING = 6;
const MEET_MS = 180_000;

export interface BenchMesh {
  /** Peers that a console of its own will have. */
  readonly peers: number;
  readonly folder: string;
  /** A node with a service: its configuration, its process, its engine. */
  readonly service: { configPath: string; pid: number; engine: Engine };
  /** Pid of another storing node, for what a node costs without a console. */
  readonly otherPid: number;
  /** Configuration of a node that is not running: its console is the node. */
  ownConfig(): Promise<string>;
  /** The console in a terminal of 200x50. */
  console(configPath: string, env?: Record<string, string>): Pty;
  close(): Promise<void>;
}

export async function openMesh(peers: number): Promise<BenchMesh> {
  const mesh = await openDemoMesh();
  const guests = startProcess(true);
  const folder = mkdtempSync(join(tmpdir(), 'datamesh-console-'));
  const close = async () => {
    await guests.kill();
    await mesh.close(false);
  };
  let own = 0;
  try {
    await startNodes(mesh, {
      nodes: STORING,
      code: { k: 4, m: 2 },
      quotaBytes: 8 * 2 ** 30,
      // As services are when nobody says otherwise: they stand for machines of their own.
      priority: 'low',
      env: process.env,
      signal: NEVER,
      tied: true,
    });
    await untilAllMet(mesh, NEVER);
    const first = mesh.nodes[0]!;
    for (let i = 0; i < peers - STORING; i++) {
      const nodes = [{ name: `guest-${i}`, seed: seedOf(`guest-${i}`) }];
      await guests.ask({ do: 'start', nodes, bootstrap: [first.address], as: 'demo' });
    }
    await untilConnected(first.engine, peers - 1);
    return {
      peers,
      folder,
      service: { configPath: first.configPath, pid: first.pid, engine: first.engine },
      otherPid: mesh.nodes[1]!.pid,
      async ownConfig() {
        const dataDir = join(folder, `node-${++own}`);
        await mkdir(dataDir, { mode: 0o700 });
        const base = defaultConfig({ name: `console-${own}`, dataDir });
        const config = {
          ...base,
          network: { ...base.network, name: 'demo', preset: 'local', port: 0, bootstrap: [first.address] },
          storage: { quotaBytes: 8 * 2 ** 30, reservePercent: 0 },
          access: { mode: 'open', allow: [], deny: [] },
          console: { ...base.console, history: false },
        };
        const configPath = join(folder, `node-${own}.json`);
        await writeFile(configPath, JSON.stringify(config), { mode: 0o600 });
        const parts = { disk: realDisk(), random: realRandom(), clock: realClock() };
        await (await openKeyring(parts, dataPaths(dataDir).keyring)).create('bench');
        return configPath;
      },
      console: (configPath, env) =>
        ptyProgram(process.execPath, [LAUNCHER, '--config', configPath, 'console'], {
          columns: 200,
          rows: 50,
          env: { NODE_ENV: undefined, ...env },
        }),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function untilConnected(engine: Engine, count: number): Promise<void> {
  const deadline = performance.now() + MEET_MS;
  for (;;) {
    const { peersConnected } = await engine.status();
    if (peersConnected >= count) return;
    if (performance.now() > deadline)
      throw new Error(`${peersConnected} of ${count} peers after ${MEET_MS} ms`);
    await sleep(200);
  }
}
