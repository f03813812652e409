/** Reads while two of fourteen holders answer five seconds late: nearly as quick as before, for few extra requests. */
import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { startCluster } from '../support/cluster.ts';
import { meshAtRest, putRandomObjects, quantile, readUntil } from '../support/read-load.ts';

const OBJECTS = 8;
const READERS = 2;
const SLOW_MS = 5_000;
/** Reads of a phase: what a busy machine does takes longer. */
const HEALTHY = { forMs: 5_000, atLeast: 120 };
const SLOW = { forMs: 10_000, atLeast: 240 };

test('fourteen nodes, 10+4, reads without pause: two become slow by five seconds, P99 stays within twice the healthy one for 5 % extra requests', {
  timeout: 240_000,
}, async () => {
  const preload = new URL('../support/slow-net.mjs', import.meta.url).href;
  const cluster = await startCluster(14, { k: 10, m: 4 }, undefined, { NODE_OPTIONS: `--import=${preload}` });
  try {
    const { engine } = cluster.nodes[0]!;
    const contents = await putRandomObjects(engine, OBJECTS, randomBytes);
    const phase = async (until: { forMs: number; atLeast: number }) => {
      const before = (await engine.stats()).reads;
      const reads = await readUntil(engine, contents, READERS, until);
      const after = (await engine.stats()).reads;
      expect(reads.filter(({ error }) => error !== undefined)).toEqual([]);
      return { reads, asked: after.asked - before.asked, hedges: after.hedges - before.hedges };
    };
    await meshAtRest();
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
    const [slowP50, slowP99, worst] = [
      quantile(slow.reads, 0.5),
      quantile(slow.reads, 0.99),
      quantile(slow.reads, 1),
    ];
    const extra = slow.hedges / slow.asked;
    const states = victims.map(({ peerId }) => peers.find((peer) => peer.peerId === peerId)?.state);
    process.stdout.write(
      `healthy: ${healthy.length} reads of 1 MiB, p50 ${healthyP50.toFixed(0)} ms, p99 ${healthyP99.toFixed(0)} ms, ` +
        `${(((first.hedges + second.hedges) / (first.asked + second.asked)) * 100).toFixed(2)} % extra requests\n` +
        `two slow by 5 s: ${slow.reads.length} reads, p50 ${slowP50.toFixed(0)} ms, p99 ${slowP99.toFixed(0)} ms ` +
        `(${(slowP99 / healthyP99).toFixed(2)} x), worst ${worst.toFixed(0)} ms, ${(extra * 100).toFixed(2)} % extra requests; ` +
        `the slow ones were ${states.join(' and ')}\n`,
    );
    expect(states).toEqual(['active', 'active']);
    expect(slowP99).toBeLessThan(2 * healthyP99);
    expect(extra).toBeLessThanOrEqual(0.05);
    expect(worst).toBeLessThan(SLOW_MS);
  } finally {
    await cluster.close();
  }
});
