/**
 * The mesh through the engine's API: this process is the coordinator, six node processes hold the shards, sealed 4+2, on a tmpfs. A file put and got,
 * got again with two holders killed, and objects of 4 KiB. The reference is what this machine can do at all with the same work: the ceiling program,
 * named by DATAMESH_CEILING (it prints JSON rows), run before and after; without it the rows stand alone.
 *
 *   npm run bench:mesh [-- --json] [--size-mib 1024] [--runs 3] [--objects 2000] [--only latency,small,memory,bulk] [--threads]
 *   npm run bench:mesh -- --only memory [--size-mib 10240]     a generated stream, put and got into nothing, by a coordinator as it is installed
 *
 * Folders lie in /dev/shm, or where --folder says.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, rmSync, statfsSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NODE_ENVIRONMENT, NODE_FLAGS } from '../src/commands/node/node-flags.ts';
import { type DemoMesh, openDemoMesh, startNodes, untilAllMet } from '../src/commands/start/demo/nodes.ts';
import { realClock } from '../src/engine/effects/clock.ts';
import { realRandom } from '../src/engine/effects/random.ts';
import { realDisk } from '../src/engine/effects/real-disk.ts';
import type { Engine } from '../src/engine/engine.ts';
import { openKeyring } from '../src/engine/keys/keyring.ts';
import { openEngine } from '../src/engine/local.ts';
import { dataPaths, type EngineOptions } from '../src/engine/options.ts';
import { randomFile, sha256 } from '../test/support/files.ts';
import { peakBytes, resetPeak } from '../test/support/process-memory.ts';
import { numberOption, textOption } from './support/options.ts';
import { median, Report } from './support/rows.ts';
import { spent, type ThreadCpu, threadCpu } from './support/threads.ts';

const MIB = 2 ** 20;
const TMPFS = 0x01021994;
const NEVER = new AbortController().signal;
const IN_FLIGHT = 16;
const SMALL_BYTES = 4096;
/** What the nodes take when nothing is asked of them. */
const REST_MS = 5_000;
const SETTLE_MS = 1_000;

const sizeMiB = numberOption('size-mib', 1024);
const runs = numberOption('runs', 3);
const objects = numberOption('objects', 2000);
const report = new Report('mesh');
const phases = textOption('only', 'latency,small,memory,bulk').split(',');

const folder = textOption('folder', '/dev/shm');
if (folder === '/dev/shm' && statfsSync(folder).type !== TMPFS) {
  report.note(`${folder} is no tmpfs here: nothing was measured`);
  process.exit(0);
}
process.env.TMPDIR = folder;
const ceiling = new Map<string, number[]>();
measureCeiling();
// Each group has nodes of its own: what small objects leave behind, thousands of announcements to be made, took as much time of the processors as
// the bulk part itself; and the bulk part kills two of the six.
const groups = [['latency', 'small'], ['memory'], ['bulk']] as const;
for (const group of groups) {
  const wanted = group.filter((phase) => phases.includes(phase));
  if (wanted.length === 0) continue;
  const mesh = await openDemoMesh();
  try {
    await startNodes(mesh, {
      nodes: 6,
      code: { k: 4, m: 2 },
      quotaBytes: (runs + 3) * 2 * sizeMiB * MIB,
      env: process.env,
      signal: NEVER,
      tied: true,
    });
    await untilAllMet(mesh, NEVER);
    if (group[0] === 'memory') await memory(mesh);
    else await here(mesh, wanted);
  } finally {
    await mesh.close(false);
  }
}
report.end();
process.exit(0);

/** Rows of the ceiling program, by its own names of the cases. */
function measureCeiling(): void {
  const program = process.env.DATAMESH_CEILING;
  if (program === undefined) {
    report.note('DATAMESH_CEILING names no program: no reference in this run');
    return;
  }
  const { stdout, status, stderr } = spawnSync(program, [process.execPath], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the ceiling program failed: ${stderr}`);
  for (const line of stdout.split('\n').filter((text) => text.startsWith('{'))) {
    const row = JSON.parse(line) as { case: string; value: number };
    ceiling.set(row.case, [...(ceiling.get(row.case) ?? []), row.value]);
  }
}

function reference(name: string): { name: string; values: readonly number[] } | undefined {
  const values = ceiling.get(name);
  return values === undefined ? undefined : { name: 'ceiling', values };
}

/** A node that stores nothing: what it puts rests on the six. */
async function coordinatorOptions({ folder: base, nodes }: DemoMesh): Promise<EngineOptions> {
  const dataDir = join(base, 'coordinator');
  await mkdir(dataDir, { mode: 0o700 });
  const keyring = await openKeyring(
    { disk: realDisk(), random: realRandom(), clock: realClock() },
    dataPaths(dataDir).keyring,
  );
  await keyring.create('bench');
  return {
    name: 'coordinator',
    dataDir,
    role: 'regular',
    mode: 'embedded',
    network: {
      name: 'demo',
      preset: 'local',
      port: 0,
      bootstrap: nodes.map(({ address }) => address),
      zone: undefined,
      rack: undefined,
    },
    storage: { quotaBytes: 0, reserveFraction: 0 },
    // The mesh is measured, not the memory of the node that reads.
    reads: { cacheBytes: 0, cacheTtlMs: 0 },
    code: { k: 4, m: 2 },
    access: { mode: 'open', allow: [], deny: [] },
    bandwidth: { upBytesPerSecond: undefined, downBytesPerSecond: undefined },
    passphrase: undefined,
  };
}

/** Phases of which this process is the coordinator. */
async function here(mesh: DemoMesh, wanted: readonly (typeof groups)[number][number][]): Promise<void> {
  const engine = await coordinator(mesh);
  try {
    if (wanted.includes('latency')) await latency(engine);
    if (wanted.includes('small')) await small(engine, mesh);
    if (wanted.includes('bulk')) await bulk(engine, mesh);
  } finally {
    await engine.close();
  }
}

async function coordinator(mesh: DemoMesh): Promise<Engine> {
  const engine = await openEngine(await coordinatorOptions(mesh));
  const deadline = performance.now() + 30_000;
  for (;;) {
    const eligible = (await engine.peers()).filter((peer) => peer.eligible && peer.state === 'active');
    if (eligible.length === mesh.nodes.length) return engine;
    if (performance.now() > deadline) throw new Error('the coordinator has not met the six nodes');
    await pause(100);
  }
}

async function bulk(engine: Engine, { folder: base, nodes }: DemoMesh): Promise<void> {
  const source = join(base, 'source');
  const copy = join(base, 'copy');
  await randomFile(source, sizeMiB * MIB);
  const want = await sha256(source);
  const rates = { put: [] as number[], get: [] as number[], get2: [] as number[] };
  const cpu = { put: [] as Cpu[], get: [] as Cpu[], get2: [] as Cpu[] };
  const peak: number[] = [];
  const cpuNow = (): Cpu => ({
    client: threadCpu([process.pid]),
    holders: threadCpu(nodes.filter(({ alive }) => alive).map(({ pid }) => pid)),
  });
  const timed = async (phase: keyof typeof rates, round: number, work: () => Promise<unknown>) => {
    resetPeak(process.pid);
    const cpuBefore = cpuNow();
    const before = performance.now();
    await work();
    const seconds = (performance.now() - before) / 1000;
    if (round === 0) return; // pages and connections are warm from here on
    rates[phase].push((sizeMiB * MIB) / 1e6 / seconds);
    const cpuAfter = cpuNow();
    cpu[phase].push({
      client: spent(cpuBefore.client, cpuAfter.client),
      holders: spent(cpuBefore.holders, cpuAfter.holders),
    });
    peak.push(peakBytes(process.pid) / MIB);
  };
  const get = async (name: string) => {
    rmSync(copy, { force: true });
    // As `datamesh get` writes.
    const file = await open(copy, 'w');
    const { body } = await engine.get(name);
    for await (const piece of body) await file.writev([piece]);
    await file.close();
  };
  const check = async () => {
    if ((await sha256(copy)) !== want) throw new Error('get gave other bytes');
  };
  const atRest = cpuNow();
  await pause(REST_MS);
  const rested = cpuNow();
  for (const who of ['client', 'holders'] as const) {
    const seconds = sum(spent(atRest[who], rested[who]));
    report.add(`at rest, CPU of the ${who}`, [seconds / (REST_MS / 1000)], 's/s');
  }
  for (let round = 0; round <= runs; round++) {
    const name = `file-${round}`;
    const content = createReadStream(source, { highWaterMark: MIB });
    await timed('put', round, () =>
      engine.put(content, { name, sizeBytes: sizeMiB * MIB }, { givesPieces: true }),
    );
    await timed('get', round, () => get(name));
    if (round === 0) await check();
    if (round < runs) await engine.delete(name);
    // What the delete leaves to be done in the background is not the next put's.
    await pause(SETTLE_MS);
  }
  for (const node of nodes.slice(4)) {
    node.alive = false;
    node.child.kill('SIGKILL');
  }
  for (let round = 0; round <= runs; round++) await timed('get2', round, () => get(`file-${runs}`));
  await check();
  const size = `${sizeMiB} MiB`;
  report.add(`put ${size}`, rates.put, 'MB/s', reference('put 1 GiB tmpfs fresh'));
  report.add(`get ${size}`, rates.get, 'MB/s', reference('get 1 GiB tmpfs fresh'));
  report.add(`get ${size}, two holders dead`, rates.get2, 'MB/s', reference('get2 1 GiB tmpfs fresh'));
  for (const phase of ['put', 'get', 'get2'] as const) cpuRows(phase, cpu[phase]);
  // Beside the coordinator: the type stripper, the compiled bench, what reading and comparing the files leaves.
  report.add('peak of the whole bench process', [Math.max(...peak)], 'MiB');
  rmSync(source);
  rmSync(copy);
}

interface Cpu {
  client: ThreadCpu;
  /** All of them together. */
  holders: ThreadCpu;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function sum(cpu: ThreadCpu): number {
  return [...cpu.values()].reduce((total, seconds) => total + seconds, 0);
}

/** CPU seconds for each GiB, and with --threads those of every thread. */
function cpuRows(phase: string, rounds: readonly Cpu[]): void {
  const perGiB = (seconds: number) => (seconds * 1024) / sizeMiB;
  for (const who of ['client', 'holders'] as const) {
    const all = rounds.map((round) => perGiB(sum(round[who])));
    report.add(`${phase}, CPU of the ${who}`, all, 's/GiB');
    if (!process.argv.includes('--threads')) continue;
    for (const thread of new Set(rounds.flatMap((round) => [...round[who].keys()]))) {
      const each = rounds.map((round) => perGiB(round[who].get(thread) ?? 0));
      report.add(`  ${thread}`, each, 's/GiB');
    }
  }
}

/** `count` calls, IN_FLIGHT at once; calls a second. */
async function rate(count: number, call: (i: number) => Promise<unknown>): Promise<number> {
  let next = 0;
  const before = performance.now();
  const lane = async () => {
    while (next < count) await call(next++);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  return count / ((performance.now() - before) / 1000);
}

async function small(engine: Engine, { nodes }: DemoMesh): Promise<void> {
  const bytes = realRandom().bytes(SMALL_BYTES);
  const put = async (name: string) => {
    await engine.put(
      (async function* () {
        yield bytes;
      })(),
      { name, sizeBytes: SMALL_BYTES, code: { k: 1, m: 2 } },
    );
  };
  const get = async (name: string) => {
    const { body } = await engine.get(name);
    for await (const piece of body) if (piece.length !== SMALL_BYTES) throw new Error('another length');
  };
  const puts: number[] = [];
  const gets: number[] = [];
  const cpu = { put: [] as number[], get: [] as number[] };
  const pids = [process.pid, ...nodes.map(({ pid }) => pid)];
  /** Of all seven processes, µs an object: what holds on a busy machine, too. */
  const spentOn = async (phase: keyof typeof cpu, round: number, work: () => Promise<number>) => {
    const before = threadCpu(pids);
    const value = await work();
    if (round > 0) cpu[phase].push((sum(spent(before, threadCpu(pids))) * 1e6) / objects);
    return value;
  };
  for (let round = 0; round <= runs; round++) {
    const putRate = await spentOn('put', round, () => rate(objects, (i) => put(`small-${round}-${i}`)));
    const getRate = await spentOn('get', round, () => rate(objects, (i) => get(`small-${round}-${i}`)));
    if (round === 0) continue;
    puts.push(putRate);
    gets.push(getRate);
  }
  report.add('put 4 KiB, CPU of all seven processes', cpu.put, 'µs/object');
  report.add('get 4 KiB, CPU of all seven processes', cpu.get, 'µs/object');
  report.add(
    `put 4 KiB, three copies, ${IN_FLIGHT} in flight`,
    puts,
    'objects/s',
    reference('4 KiB x3 put16'),
  );
  report.add(`get 4 KiB, ${IN_FLIGHT} in flight`, gets, 'objects/s', reference('4 KiB x3 get16'));
}

/** In a process of its own, which runs what is installed; see there. */
async function memory(mesh: DemoMesh): Promise<void> {
  const entry = fileURLToPath(new URL('coordinator-memory.mjs', import.meta.url));
  const task = { options: await coordinatorOptions(mesh), holders: mesh.nodes.length, sizeMiB };
  const child = spawn(process.execPath, [...process.execArgv, ...NODE_FLAGS, entry, JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...NODE_ENVIRONMENT, ...process.env },
  });
  let output = '';
  for await (const text of child.stdout.setEncoding('utf8')) output += text;
  if ((await ended(child)) !== 0) throw new Error('the coordinator of the memory bench failed');
  for (const line of output.trim().split('\n')) {
    const row = JSON.parse(line) as { case: string; value: number };
    report.add(row.case, [row.value], 'MiB');
  }
}

function ended(child: ChildProcess): Promise<number | null> {
  return child.exitCode === null
    ? once(child, 'exit').then(([code]) => code as number | null)
    : Promise.resolve(child.exitCode);
}

async function latency(engine: Engine): Promise<void> {
  const bytes = realRandom().bytes(MIB);
  const took: number[] = [];
  await engine.put(
    (async function* () {
      yield bytes;
    })(),
    { name: 'one-mib', sizeBytes: MIB, code: { k: 2, m: 2 } },
  );
  for (let i = 0; i < 300; i++) {
    const before = performance.now();
    const { body } = await engine.get('one-mib');
    for await (const piece of body) if (piece.length === 0) throw new Error('an empty piece');
    took.push(performance.now() - before);
  }
  took.sort((a, b) => a - b);
  report.add('get 1 MiB, one at a time, p50', [median(took)], 'ms');
  report.add('get 1 MiB, one at a time, p99', [took[Math.floor(took.length * 0.99)]!], 'ms');
}
