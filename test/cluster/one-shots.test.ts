/** Commands without a service are nodes of their own that have just started: what they say of objects is true all the same. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { pattern } from '../engine/codec/reference.ts';
import { runCli } from '../support/cli.ts';
import { type Cluster, startCluster } from '../support/cluster.ts';

const ROUNDS = 3;
const OBJECTS = 12;

let cluster: Cluster;
let words: string;

beforeAll(async () => {
  cluster = await startCluster(5, { k: 3, m: 2 });
  const { engine } = cluster.nodes[0]!;
  for (let i = 0; i < OBJECTS; i++) {
    const bytes = pattern(i % 2 ? 300 : 100_000, i);
    const source = (async function* () {
      yield bytes;
    })();
    await engine.put(source, { name: `object ${i}`, sizeBytes: bytes.length });
  }
  words = JSON.parse((await cluster.ok(0, ['keys', 'export', 'demo', '--json'])).stdout).phrase;
}, 120_000);
afterAll(() => cluster?.close(), 60_000);

it('a node whose service is stopped reads, and counts nothing as lost', async () => {
  const node = cluster.nodes[0]!;
  const gone = once(node.child, 'exit');
  node.child.ref();
  await cluster.ok(0, ['service', 'stop']);
  await gone;
  for (let round = 0; round < ROUNDS; round++) {
    const { stdout } = await cluster.ok(0, ['health', '--check', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ lost: 0, silentPeers: [] });
    const { stdout: info } = await cluster.ok(0, ['info', 'object 1', '--json']);
    expect(JSON.parse(info)).toMatchObject({ state: 'ok' });
    await cluster.ok(0, ['get', `object ${round}`, join(cluster.folder, `got ${round}`)]);
  }
  const { stdout } = await cluster.ok(0, ['peers', '--json']);
  const peers = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { state: string });
  expect(peers.map(({ state }) => state)).toEqual(peers.map(() => 'active'));
  await cluster.restart(node);
  await cluster.met();
}, 120_000);

it('so does a blank machine, right after its catalog came back', async () => {
  const home = join(cluster.folder, 'blank');
  await mkdir(home, { mode: 0o700 });
  const wordsFile = join(home, 'words');
  await writeFile(wordsFile, words, { mode: 0o600 });
  const env = { HOME: home, DATAMESH_CONFIG: join(home, 'etc', 'config.json') };
  const run = (...argv: string[]) => runCli(argv, { cwd: home, timeoutMs: 60_000, env });
  // A mistyped address leaves nothing that the right one would find there.
  const mistyped = await run(
    'recover',
    '--words-file',
    wordsFile,
    '--bootstrap',
    cluster.nodes[1]!.address.slice(0, -1),
  );
  expect(mistyped.status, mistyped.stderr).toBe(2);
  expect(existsSync(env.DATAMESH_CONFIG)).toBe(false);
  const recovered = await run(
    ...['recover', '--words-file', wordsFile, '--bootstrap', cluster.nodes[1]!.address],
    ...['--network', 'local', '--network-name', 'demo', '--folder', join(home, 'data')],
  );
  expect(recovered.status, recovered.stderr).toBe(0);
  for (let i = 0; i < OBJECTS; i++) {
    const got = await run('get', `object ${i}`, join(home, `got ${i}`));
    expect(got, got.stderr).toMatchObject({ status: 0 });
  }
}, 120_000);
