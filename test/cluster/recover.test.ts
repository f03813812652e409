/**
 * 24 words on a blank machine, on real processes: the owner's node is killed and its data folder wiped, and as many further nodes are killed as the code allows.
 * RECOVER_FILES: how many files are stored; the catalog has to be listed within RECOVER_MS.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setInFile } from '../../src/config/store.ts';
import { pattern } from '../engine/codec/reference.ts';
import { type CliResult, runCli } from '../support/cli.ts';
import { type Cluster, startCluster } from '../support/cluster.ts';
import { makeOddTree } from '../support/odd-tree.ts';
import { differences } from '../support/same-tree.ts';

const FILES = Number(process.env.RECOVER_FILES ?? 40);
const LISTED_MS = Number(process.env.RECOVER_MS ?? 60_000);
const CODE = { k: 2, m: 2 };
const NODES = 8;
const OWNER = NODES - 1;
const PUTS_AT_ONCE = 64;
const STORE_TIMEOUT_MS = 60_000 + FILES * 100;

let cluster: Cluster;
let words: string;

beforeAll(async () => {
  cluster = await startCluster(NODES, CODE);
  // The owner's machine is one that keeps nothing for others: a laptop.
  const { configPath } = cluster.nodes[OWNER]!;
  await cluster.kill(cluster.nodes[OWNER]!);
  await setInFile(configPath, 'storage.quotaBytes', 0);
  await cluster.restart(cluster.nodes[OWNER]!);
  const metMs = performance.now();
  const eligible = async () =>
    (await cluster.nodes[OWNER]!.engine.peers()).filter((peer) => peer.eligible).length;
  while ((await eligible()) < NODES - 1) {
    if (performance.now() - metMs > 30_000) throw new Error('the owner has not met all nodes');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  words = JSON.parse((await cluster.ok(OWNER, ['keys', 'export', 'demo', '--json'])).stdout).phrase;
}, 120_000);
afterAll(() => cluster?.close(), 60_000);

/** Small ones that lie in their manifest, and some with stripes. */
const contentOf = (i: number) => pattern(i % 10 === 0 ? 20_000 + i : 30 + (i % 500), i);
const nameOf = (i: number) => `tree/${i % 17}/ü ${i}.bin`;

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function listing(index: number): Promise<string> {
  return (await cluster.ok(index, ['list', '--json'])).stdout;
}

describe(`${FILES} files, ${CODE.k}+${CODE.m} on ${NODES - 1} nodes`, () => {
  let before: string;
  let backupObjects = 0;
  const tree = () => join(cluster.folder, 'tree');

  it(
    'are stored, and their catalog is in the mesh a moment later',
    async () => {
      const { engine } = cluster.nodes[OWNER]!;
      let next = 0;
      const worker = async () => {
        for (let i = next++; i < FILES; i = next++) {
          const bytes = contentOf(i);
          await engine.put(once(bytes), { name: nameOf(i), sizeBytes: bytes.length, tags: [`t${i % 5}`] });
        }
      };
      await Promise.all(Array.from({ length: PUTS_AT_ONCE }, worker));
      // A second version, and one that is gone.
      await engine.put(once(contentOf(1_000_001)), { name: nameOf(1) });
      await engine.delete(nameOf(2));
      // A folder as well: its snapshot is objects as others are.
      makeOddTree(tree(), { files: 40, averageBytes: 20_000 });
      await engine.backups.backup({ source: tree() });
      backupObjects = (await engine.list({ prefix: '.datamesh/' })).objects.length;
      const doneMs = performance.now();
      for (;;) {
        const { mirror } = await engine.stats();
        if (mirror!.pendingChanges === 0 && mirror!.sequence > 0 && (mirror!.headHolders ?? 0) >= NODES - 1)
          break;
        expect(performance.now() - doneMs, JSON.stringify(mirror)).toBeLessThan(30_000);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      before = await listing(OWNER);
    },
    STORE_TIMEOUT_MS,
  );

  it(
    'come back on a blank machine with their owner’s disk wiped and m nodes dead',
    async () => {
      const owner = cluster.nodes[OWNER]!;
      await cluster.kill(owner);
      await rm(owner.dataDir, { recursive: true });
      for (const index of [1, 2]) await cluster.kill(cluster.nodes[index]!);

      const blank = join(cluster.folder, 'blank');
      await mkdir(blank, { mode: 0o700 });
      const wordsFile = join(blank, 'words');
      writeFileSync(wordsFile, words, { mode: 0o600 });
      const env = { HOME: blank, DATAMESH_CONFIG: join(blank, 'etc', 'config.json') };
      const run = (argv: readonly string[]) => runCli(argv, { cwd: blank, env, timeoutMs: 240_000 });

      const startedMs = performance.now();
      const recovered = await run([
        'recover',
        '--words-file',
        wordsFile,
        '--bootstrap',
        cluster.nodes[0]!.address,
        '--network',
        'local',
        '--network-name',
        'demo',
        '--folder',
        join(blank, 'data'),
        '--json',
      ]);
      expect(recovered.status, recovered.stderr).toBe(0);
      const report = JSON.parse(recovered.stdout.trim().split('\n')[0]!);
      expect(report).toMatchObject({
        objects: FILES - 1 + backupObjects,
        versions: FILES + backupObjects,
        missingSegments: [],
        conflicts: [],
      });
      const listed = await run(['list', '--json']);
      const tookMs = performance.now() - startedMs;
      expect(listed.status, listed.stderr).toBe(0);
      expect(withoutKey(listed.stdout)).toEqual(withoutKey(before));
      process.stdout.write(
        `recover and list of ${FILES} files: ${Math.round(tookMs)} ms, recover itself ${Math.round(report.durationMs)} ms\n`,
      );
      expect(tookMs).toBeLessThan(LISTED_MS);

      const service = await run(['service', 'start']);
      expect(service.status, service.stderr).toBe(0);
      try {
        await readBack(run, join(blank, 'out'));
        const restored = await run(['restore', 'latest', join(blank, 'tree')]);
        expect(restored.status, restored.stderr).toBe(0);
        expect(differences(tree(), join(blank, 'tree'))).toBe('');
      } finally {
        await run(['service', 'stop']);
      }
    },
    STORE_TIMEOUT_MS,
  );
});

async function readBack(run: (argv: readonly string[]) => Promise<CliResult>, out: string): Promise<void> {
  const read = async (wanted: Uint8Array, ...argv: string[]) => {
    const got = await run(['get', argv[0]!, out, '--force', ...argv.slice(1)]);
    expect(got.status, got.stderr).toBe(0);
    expect(Buffer.compare(readFileSync(out), wanted)).toBe(0);
  };
  for (const i of [0, 3, 10, FILES - 1]) await read(contentOf(i), nameOf(i));
  await read(contentOf(1_000_001), nameOf(1));
  await read(contentOf(1), nameOf(1), '--version', '1');
}

/** What the keyring calls the key is this machine's own. */
function withoutKey(lines: string): string[] {
  return lines
    .trim()
    .split('\n')
    .map((line) => JSON.stringify({ ...JSON.parse(line), ownerKey: undefined }));
}
