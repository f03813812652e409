/** A mesh that loses a node with its disk every so often while somebody reads: what it counts is for the test to judge. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { setInFile } from '../../src/config/store.ts';
import { realClock } from '../../src/engine/effects/clock.ts';
import { realRandom } from '../../src/engine/effects/random.ts';
import { realDisk } from '../../src/engine/effects/real-disk.ts';
import type { Engine, HealthReport } from '../../src/engine/engine.ts';
import { openKeyring } from '../../src/engine/keys/keyring.ts';
import { dataPaths } from '../../src/engine/options.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { compareDisks } from './disk-checker.ts';

export interface HealRun {
  nodes: number;
  objects: number;
  kills: number;
  everyMs: number;
  /** The node that stored everything is off from before the first kill until this long after the last one. */
  ownerOffForMs?: number | undefined;
  /** How long full redundancy may take. */
  wholeWithinMs: number;
  /** Of the objects, the largest; most are much smaller. */
  maxBytes: number;
  log(text: string): void;
}

export interface HealResult {
  reads: number;
  readsFailed: string[];
  /** After the last kill; undefined when redundancy was not full in time. */
  wholeAfterMs: number | undefined;
  health: HealthReport;
  /** Objects that could not be read at the end, or read wrongly. */
  lost: string[];
  /** Figures in which the independent checker of the disks differs from `health --proved` at the end. */
  differs: unknown[];
}

const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Sizes of files as people have them: half in the manifest, most of a stripe, some of several. */
function sizeOf(index: number, maxBytes: number): number {
  if (index % 2 === 0) return 200 + ((index * 37) % 3_800);
  if (index % 50 === 1) return maxBytes;
  return 5_000 + ((index * 7_919) % 60_000);
}

export async function healRun(run: HealRun): Promise<HealResult> {
  const cluster = await startCluster(run.nodes);
  try {
    return await healed(cluster, run);
  } finally {
    await cluster.close();
  }
}

async function healed(cluster: Cluster, run: HealRun): Promise<HealResult> {
  const { log } = run;
  const owner = cluster.nodes[0]!;
  const hashes = new Map<string, string>();
  const startedMs = performance.now();
  await inLanes(16, run.objects, async (index) => {
    const name = `object-${index}`;
    const bytes = randomBytes(sizeOf(index, run.maxBytes));
    hashes.set(name, sha(bytes));
    await owner.engine.put(once(bytes), { name, sizeBytes: bytes.length });
  });
  log(`${run.objects} objects put in ${seconds(performance.now() - startedMs)}`);
  await until(() => pendingOrders(owner.dataDir) === 0, 120_000, 'custodians have confirmed all orders');
  log(`custodians have them after ${seconds(performance.now() - startedMs)}`);

  const result: HealResult = {
    reads: 0,
    readsFailed: [],
    wholeAfterMs: undefined,
    health: await owner.engine.health(),
    lost: [],
    differs: [],
  };
  if (result.health.ok !== run.objects) throw new Error('not all objects are whole before the first kill');
  const stop = new AbortController();
  if (run.ownerOffForMs !== undefined) await cluster.kill(owner);
  const readers =
    run.ownerOffForMs === undefined ? [1, 2].map(() => read(owner.engine, hashes, result, stop.signal)) : [];

  let lastKillMs = performance.now();
  for (let kill = 0; kill < run.kills; kill++) {
    if (kill > 0) await pause(Math.max(0, run.everyMs - (performance.now() - lastKillMs)));
    // Every other node in turn; the owner's is the one that reads, or is off.
    const victim = cluster.nodes[1 + ((kill * 5 + 2) % (run.nodes - 1))]!;
    await cluster.kill(victim);
    lastKillMs = performance.now();
    await rm(victim.dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    await mkdir(victim.dataDir, { mode: 0o700 });
    // A new machine in place of the old one: other keys, another identity.
    const effects = { disk: realDisk(), random: realRandom(), clock: realClock() };
    await (await openKeyring(effects, dataPaths(victim.dataDir).keyring)).create('demo');
    const living = cluster.nodes.filter((node) => node.alive).map((node) => node.address);
    await setInFile(victim.configPath, 'network.bootstrap', living);
    await cluster.restart(victim);
    log(`kill ${kill + 1}: ${victim.name} is back, empty, after ${seconds(performance.now() - lastKillMs)}`);
  }
  if (run.ownerOffForMs !== undefined) {
    await pause(Math.max(0, run.ownerOffForMs - (performance.now() - lastKillMs)));
    const living = cluster.nodes.filter((node) => node.alive).map((node) => node.address);
    await setInFile(owner.configPath, 'network.bootstrap', living);
    await cluster.restart(owner);
    await until(
      async () => (await owner.engine.peers()).filter((peer) => peer.eligible).length >= run.nodes - 1,
      30_000,
      'the owner has met all',
    );
  }
  const deadlineMs = lastKillMs + run.wholeWithinMs;
  do {
    result.health = await owner.engine.health();
    const { ok, degraded, critical, lost, shardsLive, shardsExpected } = result.health;
    log(
      `whole ${ok}, degraded ${degraded}, critical ${critical}, lost ${lost}; shards ${shardsLive} of ${shardsExpected}`,
    );
    if (ok === run.objects) {
      result.wholeAfterMs = performance.now() - lastKillMs;
      break;
    }
    await pause(2_000);
  } while (performance.now() < deadlineMs);
  stop.abort();
  await Promise.all(readers);

  await inLanes(4, run.objects, async (index) => {
    const name = `object-${index}`;
    const text = await readOne(owner.engine, name).catch((error: Error) => error.message);
    if (text !== hashes.get(name)) result.lost.push(`${name}: ${text}`);
  });
  const folders = cluster.nodes.map(({ dataDir }) => dataDir);
  const { found } = await compareDisks(cluster, folders);
  log(
    `the checker counts ${found.shardsLive} shards of ${found.objects} objects on ${folders.length} disks; ${found.differs.length} figures differ`,
  );
  result.differs = found.differs;
  return result;
}

/** Random objects, one after another, until the signal. */
async function read(
  engine: Engine,
  hashes: ReadonlyMap<string, string>,
  result: HealResult,
  signal: AbortSignal,
): Promise<void> {
  const names = [...hashes.keys()];
  while (!signal.aborted) {
    const name = names[Math.floor(Math.random() * names.length)]!;
    const text = await readOne(engine, name).catch((error: Error) => error.message);
    result.reads++;
    if (text !== hashes.get(name)) result.readsFailed.push(`${name}: ${text}`);
    await pause(5);
  }
}

async function readOne(engine: Engine, name: string): Promise<string> {
  const { body } = await engine.get(name);
  const hash = createHash('sha256');
  for await (const piece of body) hash.update(piece);
  return hash.digest('hex');
}

/** Orders that the node has not got confirmed, straight from its catalog. */
function pendingOrders(dataDir: string): number {
  const path = dataPaths(dataDir).catalog;
  if (!existsSync(path)) return 0;
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    return db.prepare('SELECT count(*) AS left FROM pending_orders').get()!.left as number;
  } finally {
    db.close();
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function inLanes(lanes: number, count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

async function until(
  check: () => boolean | Promise<boolean>,
  timeoutMs: number,
  what: string,
): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await check())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${timeoutMs / 1000} s`);
    await pause(100);
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
