/** Reads under load while holders die one after another: none fails, and none takes long. */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { startCluster } from '../support/cluster.ts';
import { meshAtRest, putRandomObjects, quantile, readUntil } from '../support/read-load.ts';

const OBJECTS = 8;
const READERS = 2;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('fourteen nodes, 10+4, reads without pause: four are killed one after another, no read fails, the slowest ends within five seconds', {
  timeout: 240_000,
}, async () => {
  const cluster = await startCluster(14, { k: 10, m: 4 });
  try {
    const { engine } = cluster.nodes[0]!;
    const contents = await putRandomObjects(engine, OBJECTS, randomBytes);
    await meshAtRest();
    const killsMs: number[] = [];
    const reads = await readUntil(engine, contents, READERS, async (done) => {
      await sleep(2_000);
      for (const victim of cluster.nodes.slice(-4)) {
        killsMs.push(performance.now());
        await cluster.kill(victim);
        await sleep(1_500);
      }
      await sleep(2_000);
      // A busy machine reads slowly.
      while (done.length <= 100) await sleep(100);
    });
    expect(reads.filter(({ error }) => error !== undefined).map(({ error }) => error)).toEqual([]);
    const settled = reads.filter(({ atMs }) => !killsMs.some((killMs) => Math.abs(atMs - killMs) < 1_000));
    const [p50, p99, worst] = [quantile(reads, 0.5), quantile(reads, 0.99), quantile(reads, 1)];
    process.stdout.write(
      `${reads.length} reads of 1 MiB while four of fourteen died: p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms, ` +
        `p99 more than a second from a death ${quantile(settled, 0.99).toFixed(0)} ms, worst ${worst.toFixed(0)} ms\n`,
    );
    expect(reads.length).toBeGreaterThan(100);
    expect(worst).toBeLessThan(5_000);
  } finally {
    await cluster.close();
  }
});
