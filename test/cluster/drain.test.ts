/** Nodes that leave, on real processes: one that can, through a crash of its own, and one that cannot. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cluster, startCluster } from '../support/cluster.ts';

const OBJECTS = 50;
const sizeOf = (i: number) => (i % 2 === 0 ? 3_000 : 200_000) + i;
const bytesOf = (i: number) => Buffer.alloc(sizeOf(i), `object ${i} `);

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster(7);
}, 60_000);
afterAll(() => cluster.close());

const shardsOf = async (index: number) => (await cluster.nodes[index]!.engine.status()).store.shards;

async function readAll(): Promise<void> {
  for (let i = 0; i < OBJECTS; i++) {
    const { body } = await cluster.nodes[0]!.engine.get(`object-${i}`);
    const parts: Uint8Array[] = [];
    for await (const piece of body) parts.push(Uint8Array.from(piece));
    expect(Buffer.concat(parts).equals(bytesOf(i)), `object-${i}`).toBe(true);
  }
}

test('a drained node ends empty although it crashed on the way, and nothing is lost; the next one says why it cannot', async () => {
  const owner = cluster.nodes[0]!.engine;
  for (let i = 0; i < OBJECTS; i++) {
    const bytes = bytesOf(i);
    await owner.put(
      (async function* () {
        yield bytes;
      })(),
      { name: `object-${i}`, sizeBytes: bytes.length },
    );
  }
  const leaving = cluster.nodes[3]!;
  const before = await shardsOf(3);
  expect(before).toBeGreaterThan(0);

  // The command is broken off, the drain is not; then its process dies.
  const stopper = new AbortController();
  const brokenOff = expect(
    leaving.engine.drain({ action: 'start' }, { signal: stopper.signal }),
  ).rejects.toThrow();
  await expect
    .poll(async () => (await leaving.engine.drain({ action: 'status' })).state, { timeout: 20_000 })
    .not.toBe('off');
  stopper.abort();
  await brokenOff;
  await cluster.kill(leaving);
  await cluster.restart(leaving);
  const resumed = await leaving.engine.drain({ action: 'status' });
  expect(resumed.state).not.toBe('off');

  const drained = await cluster.cli(3, ['drain', '--json']);
  expect(drained.status, drained.stderr + drained.stdout).toBe(0);
  expect(JSON.parse(drained.stdout)).toMatchObject({ state: 'done', shardsLeft: 0, waiting: 0, blocked: 0 });
  expect(await shardsOf(3)).toBe(0);
  expect((await owner.peers()).find(({ peerId }) => peerId === leaving.peerId)?.state).toBe('draining');
  await cluster.kill(leaving);
  expect(await owner.health({ depth: 'proved' })).toMatchObject({ objects: OBJECTS, ok: OBJECTS });
  await readAll();

  // Six nodes are left for 4+2: none of them can go.
  const stuck = await cluster.cli(4, ['drain', '--json']);
  expect(stuck.status, stuck.stderr).toBe(3);
  const told = JSON.parse(stuck.stdout);
  expect(told).toMatchObject({ state: 'stuck', waiting: 0, unnamed: 0 });
  expect(told.blocked).toBe(told.shardsLeft);
  expect(told.reasons.join()).toMatch(/6 places \(4\+2\) by \w+: 5 other nodes/);
  // Its job is what ends it, as `drain --cancel` would.
  const listed = await cluster.ok(4, ['jobs', 'list', '--running', '--json']);
  const jobs = listed.stdout
    .trim()
    .split('\n')
    .flatMap((line) => JSON.parse(line));
  const { id } = jobs.find(({ verb }: { verb: string }) => verb === 'drain');
  const cancelled = await cluster.ok(4, ['jobs', 'cancel', id, '--json']);
  expect(JSON.parse(cancelled.stdout).state).toBe('cancelled');
  const off = await cluster.ok(4, ['drain', '--status', '--json']);
  expect(JSON.parse(off.stdout).state).toBe('off');
  expect(await owner.health({ depth: 'proved' })).toMatchObject({ objects: OBJECTS, ok: OBJECTS });
}, 240_000);
