/** One service as a victim, a flooder as a process of its own, and a peer of good manners that goes on reading from the victim and takes the times. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { DemoMesh, DemoNode } from '../../src/commands/start/demo/nodes.ts';
import { openDemoMesh, startNodes } from '../../src/commands/start/demo/nodes.ts';
import { peerBackend } from '../../src/engine/backends/peer-backend.ts';
import { shardIdOfBytes } from '../../src/engine/codec/hash.ts';
import { realClock } from '../../src/engine/effects/clock.ts';
import { realRandom } from '../../src/engine/effects/random.ts';
import { certifyDevice } from '../../src/engine/keys/certificate.ts';
import { deviceOfSeed } from '../../src/engine/keys/device.ts';
import { deriveOwner } from '../../src/engine/keys/owner.ts';
import { newPhrase } from '../../src/engine/keys/phrase.ts';
import { openBulkPlane } from '../../src/engine/mesh/bulk/bulk-plane.ts';
import { RateLimit } from '../../src/engine/mesh/rate-limit.ts';
import type { PeerId, ShardId } from '../../src/engine/types.ts';
import { startPeer, until } from '../engine/mesh/support.ts';
import { residentBytes } from './process-memory.ts';

export interface FloodRequest {
  mode:
    | 'requests'
    | 'custody'
    | 'puts'
    | 'deaf'
    | 'streams'
    | 'connections'
    | 'slowloris'
    | 'slowloris-bulk'
    | 'slowloris-control'
    | 'giant-frames'
    | 'half-headers'
    | 'gossip'
    | 'giant-messages';
  address: string;
  peerId: PeerId;
  network: string;
  bulkPort?: number;
  controlSocket?: string;
  /** A large shard that the victim holds. */
  shard?: ShardId;
}

export interface FloodFigures {
  /** What the flooder says it did. */
  did: Record<string, number>;
  idleBytes: number;
  /** The largest resident set seen while it went on. */
  peakBytes: number;
  reads: number;
  failed: string[];
  /** Of the reads while it went on. */
  p50Ms: number;
  p99Ms: number;
  worstMs: number;
  /** The victim's control API answered within this time. */
  statusMs: number;
}

export interface FloodBench {
  victim: DemoNode;
  /** One flood; the victim is idle and settled before and alive after. */
  flood(mode: FloodRequest['mode'], forMs: number): Promise<FloodFigures>;
  close(): Promise<void>;
}

const NETWORK = 'demo';
const SHARD_BYTES = 256 * 1024;
const LARGE_BYTES = 4 * 1024 * 1024;
const READ_EVERY_MS = 10;
const START_MS = 30_000;
const ENTRY = new URL('./flooder-entry.ts', import.meta.url).pathname;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export async function openFloodBench(): Promise<FloodBench> {
  const mesh: DemoMesh = await openDemoMesh();
  await startNodes(mesh, {
    nodes: 1,
    code: { k: 1, m: 1 },
    quotaBytes: 2 ** 30,
    env: process.env,
    signal: new AbortController().signal,
    tied: true,
  });
  const victim = mesh.nodes[0]!;
  const owner = deriveOwner(newPhrase(realRandom()), 'reader');
  const seed = randomBytes(32);
  const reader = await startPeer('reader', {
    network: NETWORK,
    seed,
    certificates: [certifyDevice(owner, deviceOfSeed(seed).peerId, Date.now())],
    bootstrap: [victim.address],
  });
  await until(
    () => reader.membership.member(victim.peerId)?.greeted === true,
    10_000,
    'the reader introduced',
  );
  const clock = realClock();
  const plane = await openBulkPlane({
    net: reader.net,
    clock,
    random: realRandom(),
    caps: { up: new RateLimit(clock, 0), down: new RateLimit(clock, 0) },
    host: '127.0.0.1',
    port: 0,
    count() {},
    log() {},
  });
  const backend = peerBackend(plane, victim.peerId, realClock());
  const shards: ShardId[] = [];
  for (const bytes of [
    ...Array.from({ length: 8 }, () => randomBytes(SHARD_BYTES)),
    randomBytes(LARGE_BYTES),
  ]) {
    const id = shardIdOfBytes(bytes);
    await backend.put(id, bytes, owner.ownerId, { timeoutMs: 10_000 });
    shards.push(id);
  }
  const large = shards.pop()!;

  async function readFor(until: () => boolean): Promise<{ took: number[]; failed: string[] }> {
    const took: number[] = [];
    const failed: string[] = [];
    for (let i = 0; !until(); i++) {
      const before = performance.now();
      try {
        const bytes = await backend.get(shards[i % shards.length]!, { timeoutMs: 20_000 });
        if (bytes === undefined || shardIdOfBytes(bytes) !== shards[i % shards.length])
          failed.push('other bytes');
      } catch (error) {
        failed.push((error as Error).message);
      }
      took.push(performance.now() - before);
      await sleep(READ_EVERY_MS);
    }
    return { took: took.sort((a, b) => a - b), failed };
  }

  return {
    victim,
    async flood(mode, forMs) {
      const settledAtMs = performance.now() + 1_000;
      await readFor(() => performance.now() > settledAtMs);
      const idleBytes = residentBytes(victim.pid);
      const request: FloodRequest = {
        mode,
        address: victim.address,
        peerId: victim.peerId,
        network: NETWORK,
        shard: large,
        controlSocket: `${victim.dataDir}/control.sock`,
        bulkPort: portsOf(victim.pid).find((port) => !victim.address.includes(`/tcp/${port}/`))!,
      };
      const child: ChildProcess = spawn(process.execPath, [ENTRY, JSON.stringify(request)], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      let did: Record<string, number> = {};
      child.stdout!.on('data', (bytes: Buffer) => {
        const line = bytes.toString().trim().split('\n').at(-1)!;
        if (line.startsWith('{')) did = JSON.parse(line);
      });
      // It has joined, and begun.
      for (let waitedMs = 0; Object.keys(did).length === 0; waitedMs += 50) {
        if (waitedMs > START_MS || child.exitCode !== null)
          throw new Error(`the flood of ${mode} did not begin`);
        await sleep(50);
      }
      const endMs = performance.now() + forMs;
      let peakBytes = 0;
      let statusMs = 0;
      let watching = true;
      const watch = (async () => {
        for (let i = 0; watching; i++) {
          peakBytes = Math.max(peakBytes, residentBytes(victim.pid));
          if (i % 20 === 0) {
            const before = performance.now();
            await victim.engine.status();
            statusMs = Math.max(statusMs, performance.now() - before);
          }
          await sleep(25);
        }
      })();
      try {
        const { took, failed } = await readFor(() => performance.now() > endMs);
        const at = (share: number) => took[Math.floor((took.length - 1) * share)]!;
        watching = false;
        await watch;
        return {
          did,
          idleBytes,
          peakBytes,
          reads: took.length,
          failed,
          p50Ms: at(0.5),
          p99Ms: at(0.99),
          worstMs: at(1),
          statusMs,
        };
      } finally {
        watching = false;
        const gone = once(child, 'exit');
        child.kill('SIGKILL');
        await gone;
      }
    },
    async close() {
      plane.close();
      await reader.stop();
      await mesh.close(false);
    },
  };
}

function socketsOf(pid: number): Set<string> {
  const found = new Set<string>();
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      if (inode !== undefined) found.add(inode);
    } catch {
      // closed meanwhile
    }
  }
  return found;
}

/** TCP ports that a process of this machine listens on. */
function portsOf(pid: number): number[] {
  const ports: number[] = [];
  const own = socketsOf(pid);
  for (const line of readFileSync(`/proc/${pid}/net/tcp`, 'utf8').trim().split('\n').slice(1)) {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
    if (state === '0A' && own.has(inode!)) ports.push(Number.parseInt(local!.split(':')[1]!, 16));
  }
  return ports;
}
