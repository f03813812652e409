/**
 * The clocks of all nodes, then of some, are ten years fast and ten years slow: nothing is deleted, nothing is taken for expired, and writes of the wrong time do not hide later ones of the right time. With libfaketime
 * where it is installed (the whole process sees the wrong time), else by shifting Date in the nodes' processes, of which the engine's clock is made.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pattern } from '../engine/codec/reference.ts';
import { type Cluster, startCluster } from '../support/cluster.ts';

const YEARS = 10;
const SHIFT_MS = YEARS * 365.25 * 24 * 3_600_000;
const FAKETIME = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib', '/usr/local/lib']
  .map((folder) => `${folder}/faketime/libfaketime.so.1`)
  .find((path) => existsSync(path));
const shifted = fileURLToPath(new URL('../support/shifted-clock.mjs', import.meta.url));
const SLOW_MS = 300_000;

function clockOff(by: -1 | 0 | 1): Record<string, string> {
  if (by === 0) return {};
  if (FAKETIME !== undefined)
    return {
      LD_PRELOAD: FAKETIME,
      FAKETIME: `${by > 0 ? '+' : '-'}${YEARS}y`,
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  return { NODE_OPTIONS: `--import=${shifted}`, CLOCK_SHIFT_MS: String(by * SHIFT_MS) };
}

let cluster: Cluster;
/** By name, the contents of its versions, newest first, as seeds and lengths. */
const wanted = new Map<string, [seed: number, bytes: number][]>();
let seed = 0;

beforeAll(async () => {
  process.stdout.write(FAKETIME === undefined ? 'libfaketime is not there: Date is shifted instead\n' : '');
  cluster = await startCluster(4, { k: 2, m: 1 });
}, SLOW_MS);
afterAll(() => cluster?.close());

async function put(name: string): Promise<void> {
  const content: [number, number] = [++seed, [500, 20_000, 150_000][seed % 3]!];
  await cluster.ok(0, ['put', '-', '--name', name, '--pool', 'aged'], {
    input: pattern(content[1], content[0]),
  });
  wanted.set(name, [content, ...(wanted.get(name) ?? [])]);
}

async function restartWith(offsets: readonly (-1 | 0 | 1)[]): Promise<void> {
  await Promise.all(cluster.nodes.map(cluster.kill));
  for (const [i, node] of cluster.nodes.entries()) await cluster.restart(node, clockOff(offsets[i]!));
  await cluster.met();
}

/** Everything is there, by census and byte for byte, after `cleanup` has looked for what may go. */
async function nothingIsLost(when: string): Promise<void> {
  const { engine } = cluster.nodes[0]!;
  await cluster.cli(0, ['cleanup', '--yes']);
  const health = await engine.health({ depth: 'proved' });
  expect(health, when).toMatchObject({ lost: 0, critical: 0 });
  expect(health.ok, when).toBe(health.objects);
  for (const [name, contents] of wanted) {
    const { versions } = await engine.names.versions(name);
    expect(versions, `${when}: ${name}`).toHaveLength(contents.length);
    for (const [i, [of, bytes]] of contents.entries()) {
      const pieces: Uint8Array[] = [];
      const { body } = await engine.get(name, i === 0 ? {} : { version: contents.length - i });
      for await (const piece of body) pieces.push(Buffer.from(piece));
      expect(
        Buffer.concat(pieces).equals(pattern(bytes, of)),
        `${when}: ${name}, ${i} before the newest`,
      ).toBe(true);
    }
  }
}

test(
  'clocks of all nodes ten years fast and slow, then of two of them',
  async () => {
    // Old versions go after an hour: by a wrong clock all of them would.
    await cluster.ok(0, ['pool', 'create', 'aged', '--code', '2+1', '--keep-age', '1h']);
    for (let i = 0; i < 6; i++) await put(`file ${i}`);
    for (let i = 0; i < 3; i++) await put(`file ${i}`);
    await nothingIsLost('at the right time');

    await restartWith([1, 1, 1, 1]);
    expect((await cluster.nodes[0]!.engine.status()).startedAtMs).toBeGreaterThan(Date.now() + SHIFT_MS / 2);
    await nothingIsLost('ten years fast');
    await put('file 3');
    await put('new in the future');

    await restartWith([-1, -1, -1, -1]);
    expect((await cluster.nodes[0]!.engine.status()).startedAtMs).toBeLessThan(Date.now() - SHIFT_MS / 2);
    await nothingIsLost('ten years slow');
    await put('file 4');
    await put('file 3');

    await restartWith([0, 1, -1, 0]);
    await put('file 5');
    await nothingIsLost('two of four wrong');
    // Whoever is wrong is no worse a peer for it.
    const peers = await cluster.nodes[0]!.engine.peers();
    expect(peers.map(({ state }) => state)).toEqual(['active', 'active', 'active']);

    await restartWith([0, 0, 0, 0]);
    await put('new in the future');
    await put('file 3');
    await nothingIsLost('at the right time again');
  },
  SLOW_MS,
);
