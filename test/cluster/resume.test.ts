/** A put that dies goes on where it stopped when the same command is given again: with real processes, killed and interrupted. */
import type { ChildProcess } from 'node:child_process';
import { appendFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setInFile } from '../../src/config/store.ts';
import { dataPaths } from '../../src/engine/options.ts';
import { type Cluster, startCluster } from '../support/cluster.ts';
import { randomFile, sha256 } from '../support/files.ts';

const MIB = 1 << 20;
const FILE_BYTES = 96 * MIB;
const CODE = { k: 4, m: 2 };
/** Of all bytes that a put sends to the other five of six nodes. */
const WHOLE_BYTES = FILE_BYTES * 1.5 * (5 / 6);
/** Slow enough to be stopped on the way: the whole put takes some three seconds. */
const UP_BYTES_PER_SECOND = 40 * MIB;

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster(6, CODE);
  const putting = cluster.nodes[0]!;
  await setInFile(putting.configPath, 'bandwidth.upBytesPerSecond', UP_BYTES_PER_SECOND);
  await cluster.kill(putting);
  await cluster.restart(putting);
  await cluster.met();
}, 60_000);
afterAll(() => cluster.close());

/** By both connections, up to this moment. */
async function sentBytes(): Promise<number> {
  const peers = await cluster.nodes[0]!.engine.peers();
  return peers.reduce((sum, { planes }) => sum + planes.libp2p.sentBytes + planes.tls.sentBytes, 0);
}

/** Resolves when the put under way has done half of the file. */
async function halfDone(): Promise<void> {
  for (;;) {
    const { jobs } = await cluster.nodes[0]!.engine.snapshot();
    const job = jobs.find(({ verb, state }) => verb === 'put' && state === 'running');
    if (job !== undefined && job.doneBytes >= FILE_BYTES / 2) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const putJson = async (argv: readonly string[]) => {
  const before = await sentBytes();
  const { stdout } = await cluster.ok(0, ['put', ...argv, '--json']);
  const receipt = JSON.parse(stdout.split('\n')[0]!) as { stripesResumed: number };
  const sent = (await sentBytes()) - before;
  process.stdout.write(
    `put again: ${receipt.stripesResumed} of 24 stripes found, ${(sent / WHOLE_BYTES).toFixed(2)} of the bytes of a whole put sent\n`,
  );
  return { receipt, sent };
};

const journals = async () => await readdir(dataPaths(cluster.nodes[0]!.dataDir).journal);

async function comesBack(name: string, file: string): Promise<void> {
  const copy = join(cluster.folder, `copy of ${name}`);
  await cluster.ok(0, ['get', name, copy]);
  expect(await sha256(copy)).toBe(await sha256(file));
}

test('the node is killed half way: put again, it sends what is missing and says so', async () => {
  const file = join(cluster.folder, 'killed');
  await randomFile(file, FILE_BYTES);
  const putting = cluster.nodes[0]!;
  const dying = cluster.cli(0, ['put', file]);
  await halfDone();
  await cluster.kill(putting);
  expect((await dying).status).not.toBe(0);
  const [journal] = await journals();
  const mode = (await stat(join(dataPaths(putting.dataDir).journal, journal!))).mode & 0o777;
  expect(mode).toBe(0o600);

  await cluster.restart(putting);
  await cluster.met();
  const before = await sentBytes();
  const { stdout, stderr } = await cluster.ok(0, ['put', file]);
  const sent = (await sentBytes()) - before;
  const found = Number(/resumed: (\d+) of 24 stripes were already stored/.exec(stdout + stderr)?.[1]);
  process.stdout.write(
    `put again after SIGKILL: ${found} of 24 stripes found, ${(sent / WHOLE_BYTES).toFixed(2)} of the bytes of a whole put sent\n`,
  );
  expect(found).toBeGreaterThanOrEqual(8);
  expect(sent).toBeLessThan(0.6 * WHOLE_BYTES);
  expect(await journals()).toEqual([]);
  await comesBack('killed', file);
}, 120_000);

test('Ctrl-C half way, and again: the same; a changed file, or --no-resume, begins from the start', async () => {
  const file = join(cluster.folder, 'stopped');
  await randomFile(file, FILE_BYTES);
  const stopHalfWay = async () => {
    let child: ChildProcess | undefined;
    const stopped = cluster.cli(0, ['put', file], { started: (started) => (child = started) });
    await halfDone();
    child!.kill('SIGINT');
    expect((await stopped).status).toBe(130);
    // The service notices and closes the journal.
    while ((await cluster.nodes[0]!.engine.snapshot()).jobs.some(({ state }) => state === 'running')) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  await stopHalfWay();
  const again = await putJson([file]);
  expect(again.receipt.stripesResumed).toBeGreaterThanOrEqual(8);
  expect(again.sent).toBeLessThan(0.6 * WHOLE_BYTES);
  await comesBack('stopped', file);

  await stopHalfWay();
  const whole = await putJson([file, '--no-resume']);
  expect(whole.receipt.stripesResumed).toBe(0);
  expect(whole.sent).toBeGreaterThan(0.95 * WHOLE_BYTES);

  await appendFile(file, 'changed');
  const changed = await putJson([file]);
  expect(changed.receipt.stripesResumed).toBe(0);
  expect(changed.sent).toBeGreaterThan(0.95 * WHOLE_BYTES);
  await cluster.ok(0, ['get', 'stopped', join(cluster.folder, 'last')]);
  expect(await sha256(join(cluster.folder, 'last'))).toBe(await sha256(file));
}, 180_000);
