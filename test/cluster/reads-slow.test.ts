/**
 * Reads while two of fourteen holders answer five seconds late: nearly as quick as before, for few extra requests. Fourteen processes on two cores: the eighth slowest of
 * eight hundred reads is the machine's doing as often as the mesh's (0.7 to 2.1 times the healthy one, in runs of the same sources), so a round that misses is measured twice more, and the median counts.
 */
import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { median } from '../../bench/support/rows.ts';
import { type Cluster, startCluster } from '../support/cluster.ts';
import { meshAtRest, putRandomObjects, quantile, readUntil } from '../support/read-load.ts';

const OBJECTS = 8;
const READERS = 2;
const SLOW_MS = 5_000;
/** Reads of a phase: what a busy machine does takes longer. */
const HEALTHY = { forMs: 5_000, atLeast: 120 };
const SLOW = { forMs: 10_000, atLeast: 240 };
const ROUNDS = 3;
/** P99 while two are slow, of the healthy one. */
const MOST_RATIO = 2;
const MOST_EXTRA = 0.05;

interface Round {
  ratio: number;
  /** Of the requests for shards while two were slow, those sent because another was late. */
  extra: number;
  worstMs: number;
  states: (string | undefined)[];
}

async function measure(cluster: Cluster, contents: ReadonlyMap<string, Buffer>): Promise<Round> {
  const { engine } = cluster.nodes[0]!;
  const phase = async (until: { forMs: number; atLeast: number }) => {
    const before = (await engine.stats()).reads;
    const reads = await readUntil(engine, contents, READERS, until);
    const after = (await engine.stats()).reads;
    expect(reads.filter(({ error }) => error !== undefined)).toEqual([]);
    return { reads, asked: after.asked - before.asked, hedges: after.hedges - before.hedges };
  };
  await phase({ forMs: 2_000, atLeast: 40 });
  const first = await phase(HEALTHY);
  const victims = cluster.nodes.slice(-2);
  for (const { configPath } of victims) await writeFile(`${configPath}.slow`, String(SLOW_MS));
  const slow = await phase(SLOW);
  const peers = await engine.peers();
  for (const { configPath, child } of victims) {
    expect([child.exitCode, child.signalCode]).toEqual([null, null]);
    await rm(`${configPath}.slow`);
  }
  const second = await phase(HEALTHY);

  const healthy = [...first.reads, ...second.reads];
  const [healthyP50, healthyP99] = [quantile(healthy, 0.5), quantile(healthy, 0.99)];
  const [slowP50, slowP99, worstMs] = [
    quantile(slow.reads, 0.5),
    quantile(slow.reads, 0.99),
    quantile(slow.reads, 1),
  ];
  const [ratio, extra] = [slowP99 / healthyP99, slow.hedges / slow.asked];
  const states = victims.map(({ peerId }) => peers.find((peer) => peer.peerId === peerId)?.state);
  process.stdout.write(
    `healthy: ${healthy.length} reads of 1 MiB, p50 ${healthyP50.toFixed(0)} ms, p99 ${healthyP99.toFixed(0)} ms, ` +
      `${(((first.hedges + second.hedges) / (first.asked + second.asked)) * 100).toFixed(2)} % extra requests\n` +
      `two slow by 5 s: ${slow.reads.length} reads, p50 ${slowP50.toFixed(0)} ms, p99 ${slowP99.toFixed(0)} ms ` +
      `(${ratio.toFixed(2)} x), worst ${worstMs.toFixed(0)} ms, ${(extra * 100).toFixed(2)} % extra requests; ` +
      `the slow ones were ${states.join(' and ')}\n`,
  );
  return { ratio, extra, worstMs, states };
}

test('fourteen nodes, 10+4, reads without pause: two become slow by five seconds, P99 stays within twice the healthy one for 5 % extra requests', {
  timeout: 300_000,
}, async () => {
  const preload = new URL('../support/slow-net.mjs', import.meta.url).href;
  const cluster = await startCluster(14, { k: 10, m: 4 }, undefined, { NODE_OPTIONS: `--import=${preload}` });
  try {
    const contents = await putRandomObjects(cluster.nodes[0]!.engine, OBJECTS, randomBytes);
    await meshAtRest();
    const rounds = [await measure(cluster, contents)];
    const missed = ({ ratio, extra }: Round) => ratio >= MOST_RATIO || extra > MOST_EXTRA;
    while (missed(rounds[0]!) && rounds.length < ROUNDS) rounds.push(await measure(cluster, contents));
    for (const { states, worstMs } of rounds) {
      expect(states).toEqual(['active', 'active']);
      expect(worstMs).toBeLessThan(SLOW_MS);
    }
    expect(median(rounds.map(({ ratio }) => ratio))).toBeLessThan(MOST_RATIO);
    expect(median(rounds.map(({ extra }) => extra))).toBeLessThanOrEqual(MOST_EXTRA);
  } finally {
    await cluster.close();
  }
});
