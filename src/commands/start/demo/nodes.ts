/** The demo's nodes: real processes on loopback, with configurations of their own in a temporary folder. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultConfig } from '../../../config/fields.ts';
import type { Config } from '../../../config/schema.ts';
import { connectEngine } from '../../../engine/control/client.ts';
import { socketCandidates } from '../../../engine/control/socket-path.ts';
import { realClock } from '../../../engine/effects/clock.ts';
import { realRandom } from '../../../engine/effects/random.ts';
import { realDisk } from '../../../engine/effects/real-disk.ts';
import type { Engine } from '../../../engine/engine.ts';
import { openKeyring } from '../../../engine/keys/keyring.ts';
import { dataPaths } from '../../../engine/options.ts';
import type { CodeProfile, PeerId } from '../../../engine/types.ts';
import { DatameshError } from '../../../errors.ts';
import { pause, startService } from '../../node/service-process.ts';

/** All nodes have met within a second or two; a slow machine with many nodes takes longer. */
const MEET_TIMEOUT_MS = 60_000;
const MEET_POLL_MS = 100;
/** A process that was killed a moment ago may still be making its last file. */
const STILL_WRITING = { maxRetries: 20, retryDelay: 50 };

export interface DemoNode {
  name: string;
  dataDir: string;
  configPath: string;
  pid: number;
  peerId: PeerId;
  address: string;
  engine: Engine;
  child: ChildProcess;
  alive: boolean;
}

export interface DemoMesh {
  folder: string;
  nodes: DemoNode[];
  /** Every process started, those that do not answer yet too. */
  children: ChildProcess[];
  /** SIGKILL: the process has no chance to say goodbye. */
  kill(node: DemoNode): void;
  /** Ends all processes and, unless `keep`, removes the folder. */
  close(keep: boolean): Promise<void>;
}

export interface MeshRequest {
  nodes: number;
  code: CodeProfile;
  /** Bytes each node must have room for. */
  quotaBytes: number;
  env: Readonly<Record<string, string | undefined>>;
  signal: AbortSignal;
  /** Zone of the node of that number, from 1; none when absent. */
  zoneOf?: (number: number) => string;
  /** `normal` when absent: whoever starts a mesh to look at it waits for its nodes, and they are no background. */
  priority?: Config['node']['priority'];
  /** Memory of each node for shards it has read; the usual when absent. */
  cacheBytes?: number;
  /** Nodes end with this process, however it ends. */
  tied: boolean;
}

/** An empty mesh that can be closed whatever happens later; also when this process is ended by a second Ctrl-C. */
export async function openDemoMesh(): Promise<DemoMesh> {
  const folder = await mkdtemp(join(tmpdir(), 'datamesh-demo-'));
  const nodes: DemoNode[] = [];
  const children: ChildProcess[] = [];
  const emergency = () => {
    for (const child of children) child.kill('SIGKILL');
    try {
      rmSync(folder, { recursive: true, force: true, ...STILL_WRITING });
    } catch (error) {
      writeSync(2, `${folder} could not be removed: ${(error as Error).message}\n`);
    }
  };
  process.once('exit', emergency);
  return {
    folder,
    nodes,
    children,
    kill(node) {
      node.alive = false;
      node.child.kill('SIGKILL');
    },
    async close(keep) {
      if (keep) process.off('exit', emergency);
      await Promise.all(nodes.map((node) => node.engine.close()));
      if (keep) return;
      await Promise.all(children.map(ended));
      await rm(folder, { recursive: true, force: true, ...STILL_WRITING });
      const sockets = nodes.flatMap((node) => socketCandidates(node.dataDir));
      await Promise.all(sockets.map((path) => rm(path, { force: true })));
      process.off('exit', emergency);
    },
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  child.ref();
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

/** Starts the first node, which the others meet through, and then those together. */
export async function startNodes(mesh: DemoMesh, request: MeshRequest): Promise<void> {
  await startNode(mesh, request, 1, []);
  await joinNodes(mesh, { ...request, nodes: request.nodes - 1 });
}

/** Starts so many further nodes, which meet the others through the first. */
export async function joinNodes(mesh: DemoMesh, request: MeshRequest): Promise<void> {
  const before = mesh.nodes.length;
  const { address } = mesh.nodes[0]!;
  const joining = Array.from({ length: request.nodes }, (_, i) =>
    startNode(mesh, request, before + 1 + i, [address]),
  );
  const results = await Promise.allSettled(joining);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  mesh.nodes.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
}

async function startNode(
  mesh: DemoMesh,
  request: MeshRequest,
  number: number,
  bootstrap: string[],
): Promise<DemoNode> {
  const name = `node-${number}`;
  const dataDir = join(mesh.folder, name);
  const configPath = join(mesh.folder, `${name}.json`);
  await mkdir(dataDir, { mode: 0o700 });
  const base = defaultConfig({ name, dataDir });
  const config: Config = {
    ...base,
    node: {
      ...base.node,
      role: number === 1 ? 'bootstrap' : 'regular',
      priority: request.priority ?? 'normal',
    },
    network: {
      ...base.network,
      name: 'demo',
      preset: 'local',
      port: 0,
      bootstrap,
      zone: request.zoneOf?.(number) ?? '',
    },
    storage: { quotaBytes: request.quotaBytes, reservePercent: 0 },
    reads: { ...base.reads, cacheBytes: request.cacheBytes ?? base.reads.cacheBytes },
    redundancy: request.code,
    access: { mode: 'open', allow: [], deny: [] },
    console: { ...base.console, history: false },
  };
  await writeFile(configPath, JSON.stringify(config, null, 2), { mode: 0o600 });
  const keyring = await openKeyring(
    { disk: realDisk(), random: realRandom(), clock: realClock() },
    dataPaths(dataDir).keyring,
  );
  await keyring.create('demo');
  const { status, child } = await startService({
    dataDir,
    configPath,
    env: withoutOwnSettings(request.env),
    passphrase: undefined,
    signal: request.signal,
    tied: request.tied,
    onSpawn: (spawned) => mesh.children.push(spawned),
  });
  const engine = await connectEngine(dataDir);
  const address = status.addresses[0];
  if (engine === undefined || address === undefined) {
    throw new DatameshError('failed', { what: `${name} has stopped just after its start` });
  }
  const node = {
    name,
    dataDir,
    configPath,
    pid: status.pid,
    peerId: status.peerId,
    address,
    engine,
    child,
    alive: true,
  };
  mesh.nodes.push(node);
  return node;
}

/** A DATAMESH_ variable would override the generated configurations. */
function withoutOwnSettings(env: Readonly<Record<string, string | undefined>>) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('DATAMESH_')));
}

/** Waits until every node is connected to every other and may store there. Throws `too-few-nodes`. */
export async function untilAllMet(mesh: DemoMesh, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + MEET_TIMEOUT_MS;
  const wanted = mesh.nodes.length - 1;
  for (;;) {
    signal.throwIfAborted();
    const met = await Promise.all(
      mesh.nodes.map(async (node) => {
        const peers = await node.engine.peers();
        return peers.filter((peer) => peer.state === 'active' && peer.eligible).length;
      }),
    );
    if (met.every((count) => count >= wanted)) return;
    if (performance.now() > deadline) {
      throw new DatameshError('too-few-nodes', {
        what: `the nodes have not all met within ${MEET_TIMEOUT_MS / 1000} s`,
        why: mesh.nodes.map((node, i) => `${node.name} sees ${met[i]} of ${wanted}`).join(', '),
        mend: 'try fewer --nodes, or look at the logs with --keep',
      });
    }
    await pause(MEET_POLL_MS);
  }
}
