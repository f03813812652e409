/** A mesh of real processes for tests: the demo's nodes, used through bin/datamesh as a person would. */
import { once } from 'node:events';
import { startService } from '../../src/commands/node/service-process.ts';
import type { DemoNode } from '../../src/commands/start/demo/nodes.ts';
import { joinNodes, openDemoMesh, startNodes, untilAllMet } from '../../src/commands/start/demo/nodes.ts';
import { setInFile } from '../../src/config/store.ts';
import { connectEngine } from '../../src/engine/control/client.ts';
import type { CodeProfile } from '../../src/engine/types.ts';
import { type CliResult, type RunOptions, runCli } from './cli.ts';

export interface Cluster {
  nodes: DemoNode[];
  folder: string;
  /** Runs a command as the user of node `index`. */
  cli(index: number, argv: readonly string[], options?: RunOptions): Promise<CliResult>;
  /** As `cli`, and throws with what the command said when it does not end with 0. */
  ok(index: number, argv: readonly string[], options?: RunOptions): Promise<CliResult>;
  /** SIGKILL, and waits until the process is gone. */
  kill(node: DemoNode): Promise<void>;
  /** Starts a killed node again on its data folder, under its old port; `env`: more variables for its process. */
  restart(node: DemoNode, env?: Readonly<Record<string, string>>): Promise<void>;
  met(): Promise<void>;
  /** Starts further nodes, and waits until all have met. */
  join(count: number): Promise<void>;
  close(): Promise<void>;
}

const NEVER = new AbortController().signal;

/** @param zoneOf zone of the node of that number, from 1; @param env more variables for the nodes' processes */
export async function startCluster(
  count: number,
  code: CodeProfile = { k: 4, m: 2 },
  zoneOf?: (number: number) => string,
  env: Readonly<Record<string, string>> = {},
  /** Most tests mean the mesh when they read, not the memory of the reading node. */
  cacheBytes = 0,
): Promise<Cluster> {
  const mesh = await openDemoMesh();
  const close = () => mesh.close(false);
  const request = {
    code,
    quotaBytes: 8 * 2 ** 30,
    env: { ...process.env, ...env },
    signal: NEVER,
    tied: true,
    cacheBytes,
    ...(zoneOf === undefined ? {} : { zoneOf }),
  };
  const settled = async () => {
    await untilAllMet(mesh, NEVER);
    // A restarted node must be found where it was.
    for (const node of mesh.nodes) {
      await setInFile(node.configPath, 'network.port', Number(/\/tcp\/(\d+)/.exec(node.address)![1]));
    }
  };
  try {
    await startNodes(mesh, { ...request, nodes: count });
    await settled();
  } catch (error) {
    await close();
    throw error;
  }
  const cli: Cluster['cli'] = (index, argv, options = {}) =>
    runCli(['--config', mesh.nodes[index]!.configPath, ...argv], {
      cwd: mesh.folder,
      timeoutMs: 120_000,
      ...options,
      env: { HOME: mesh.folder, ...options.env },
    });
  return {
    nodes: mesh.nodes,
    folder: mesh.folder,
    cli,
    async ok(index, argv, options) {
      const result = await cli(index, argv, options);
      if (result.status === 0) return result;
      throw new Error(`datamesh ${argv.join(' ')} ended with ${result.status}: ${result.stderr}`);
    },
    async kill(node) {
      const gone = once(node.child, 'exit');
      node.child.ref();
      mesh.kill(node);
      await gone;
    },
    async restart(node, more = {}) {
      await node.engine.close();
      const { child, status } = await startService({
        dataDir: node.dataDir,
        configPath: node.configPath,
        env: { ...process.env, ...more },
        passphrase: undefined,
        signal: NEVER,
        onSpawn: (spawned) => mesh.children.push(spawned),
        tied: true,
      });
      const engine = await connectEngine(node.dataDir);
      // A node that lost its keys with its disk has another identity, and so another address.
      const [address] = status.addresses;
      Object.assign(node, { child, pid: status.pid, engine: engine!, address: address!, alive: true });
    },
    met: () => untilAllMet(mesh, NEVER),
    async join(more) {
      await joinNodes(mesh, { ...request, nodes: more });
      await settled();
    },
    close,
  };
}
