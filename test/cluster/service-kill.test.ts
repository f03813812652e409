/**
 * The service of a small mesh is killed with SIGKILL at random moments while its user writes through it, and started again: what was acknowledged is there, byte for byte and with every
 * shard, what was cut short is there wholly or not at all, and `doctor` finds what it found before the first kill. SERVICE_KILLS=50 for the long run (npm run test:service:kill).
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seeded } from '../engine/shardstore/shards.ts';
import { type Cluster, startCluster } from '../support/cluster.ts';
import { writeBook } from '../support/write-load.ts';

const KILLS = Number(process.env.SERVICE_KILLS ?? 3);
const SEED = Number(process.env.SERVICE_KILL_SEED ?? 9);
const LANES = 4;
/** From the first acknowledgement of a life to its end, at most. */
const LIFE_MS = 1_500;
const MS_PER_KILL = 30_000;

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster(4, { k: 2, m: 1 });
}, 120_000);
afterAll(() => cluster?.close());

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Every check with its state; the test fails when one of them is `fail`. */
async function doctor(): Promise<string[]> {
  const { status, stdout, stderr } = await cluster.cli(0, ['doctor', '--json']);
  expect(status, stdout + stderr).toBe(0);
  return (
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { check: string; state: string })
      // Whether the port beside a node's own is free is chance, where all nodes of one machine take any port.
      .filter(({ check }) => check !== 'bulk port')
      .map(({ check, state }) => `${check} ${state}`)
      .sort()
  );
}

test(
  `${KILLS} kills of a service under load lose no acknowledged write`,
  async () => {
    const fraction = seeded(SEED);
    const owner = cluster.nodes[0]!;
    const book = writeBook(LANES);
    const healthy = await doctor();
    let acknowledged = 0;
    let cutShort = 0;
    for (let kill = 1; kill <= KILLS; kill++) {
      const load = book.start(() => owner.engine);
      while (load.acknowledged === 0) await sleep(5);
      await sleep(fraction() * LIFE_MS);
      load.dies();
      await cluster.kill(owner);
      await load.stop();
      acknowledged += load.acknowledged;
      expect(load.unexpected, `kill ${kill} of seed ${SEED}`).toEqual([]);
      await cluster.restart(owner);
      await cluster.met();
      cutShort += book.open();
      expect(await book.differences(owner.engine), `kill ${kill} of seed ${SEED}`).toEqual([]);
      expect(await doctor(), `kill ${kill} of seed ${SEED}`).toEqual(healthy);
    }
    const health = await owner.engine.health({ depth: 'proved' });
    process.stdout.write(
      `${KILLS} kills, ${acknowledged} writes acknowledged, ${cutShort} cut short, 0 lost; ${health.ok} of ${health.objects} objects whole, proved\n`,
    );
    expect(health).toMatchObject({ lost: 0, critical: 0 });
    expect(health.ok).toBe(health.objects);
    // Most lives end within a write.
    expect(cutShort).toBeGreaterThan(KILLS / 2);
  },
  60_000 + KILLS * MS_PER_KILL,
);
