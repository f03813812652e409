/** Real engines in this process, joined by real libp2p on 127.0.0.1: honest company for a test's adversaries. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realClock } from '../../src/engine/effects/clock.ts';
import { realRandom } from '../../src/engine/effects/random.ts';
import { realDisk } from '../../src/engine/effects/real-disk.ts';
import type { Engine, PeerView, Receipt } from '../../src/engine/engine.ts';
import { openKeyring } from '../../src/engine/keys/keyring.ts';
import { openEngine } from '../../src/engine/local.ts';
import { dataPaths, type EngineOptions } from '../../src/engine/options.ts';
import type { CodeProfile, PeerId } from '../../src/engine/types.ts';

export const TEST_NETWORK = 'adversary';

export interface TestEngine {
  name: string;
  engine: Engine;
  peerId: PeerId;
  address: string;
}

export interface EngineMesh {
  engines: TestEngine[];
  /** Starts an engine that joins through the first. */
  add(name: string, options?: Partial<EngineOptions>): Promise<TestEngine>;
  /** Closes an engine and opens it again on its data folder: it forgets how its peers did. */
  reopen(engine: TestEngine): Promise<void>;
  close(): Promise<void>;
}

export async function openEngineMesh(code: CodeProfile): Promise<EngineMesh> {
  const folder = await mkdtemp(join(tmpdir(), 'dm-mesh-'));
  const engines: TestEngine[] = [];
  const open = async (name: string, bootstrap: string[], options: Partial<EngineOptions>) => {
    const engine = await openEngine({
      name,
      dataDir: join(folder, name),
      role: 'regular',
      mode: 'service',
      network: { name: TEST_NETWORK, preset: 'local', port: 0, bootstrap, zone: undefined, rack: undefined },
      storage: { quotaBytes: 2 ** 30, reserveFraction: 0 },
      // What is read comes from the others every time.
      reads: { cacheBytes: 0, cacheTtlMs: 0 },
      code,
      access: { mode: 'open', allow: [], deny: [] },
      bandwidth: { upBytesPerSecond: undefined, downBytesPerSecond: undefined },
      passphrase: undefined,
      ...options,
    });
    const { peerId, addresses } = await engine.status();
    return { name, engine, peerId, address: addresses[0]! };
  };
  return {
    engines,
    async add(name, options = {}) {
      const dataDir = join(folder, name);
      const disk = realDisk();
      await disk.makeDir(dataDir, 0o700);
      const keyring = await openKeyring(
        { disk, random: realRandom(), clock: realClock() },
        dataPaths(dataDir).keyring,
      );
      await keyring.create(name);
      const made = await open(
        name,
        engines.slice(0, 1).map(({ address }) => address),
        options,
      );
      engines.push(made);
      return made;
    },
    async reopen(it) {
      await it.engine.close();
      const others = engines.filter((other) => other !== it).map(({ address }) => address);
      Object.assign(it, await open(it.name, others, {}));
    },
    async close() {
      await Promise.all(engines.map(({ engine }) => engine.close()));
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Waits until `engine` may place shards at each of `peers`. */
export async function untilEligible(
  engine: Engine,
  peers: readonly PeerId[],
  timeoutMs = 15_000,
): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const views = new Map((await engine.peers()).map((view) => [view.peerId, view]));
    const lacking = peers.filter((peer) => {
      const view = views.get(peer);
      return view?.state !== 'active' || !view.eligible;
    });
    if (lacking.length === 0) return;
    if (performance.now() > endMs) throw new Error(`not met within ${timeoutMs} ms: ${lacking.join(', ')}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export async function viewOf(engine: Engine, peer: PeerId): Promise<PeerView> {
  const found = (await engine.peers()).find(({ peerId }) => peerId === peer);
  if (found === undefined) throw new Error(`${peer} is not known`);
  return found;
}

export async function putBytes(engine: Engine, name: string, bytes: Uint8Array): Promise<Receipt> {
  const source = (async function* () {
    yield bytes;
  })();
  return await engine.put(source, { name, sizeBytes: bytes.length });
}

export async function getBytes(
  engine: Engine,
  name: string,
  range: { offset?: number; length?: number } = {},
): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of (await engine.get(name, range)).body) pieces.push(Uint8Array.from(piece));
  return Buffer.concat(pieces);
}
