/** Reads under load while holders die one after another: none fails, and none takes long. */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { type Cluster, startCluster } from './../support/cluster.ts';

const OBJECTS = 8;
const OBJECT_BYTES = 1 << 20;
const READERS = 2;

interface Read {
  atMs: number;
  tookMs: number;
  error: string | undefined;
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('fourteen nodes, 10+4, reads without pause: four are killed one after another, no read fails, the slowest ends within five seconds', {
  timeout: 240_000,
}, async () => {
  const cluster = await startCluster(14, { k: 10, m: 4 });
  try {
    const { reads, killsMs } = await readWhileKilling(cluster);
    const failed = reads.filter(({ error }) => error !== undefined);
    expect(failed.map(({ error }) => error)).toEqual([]);
    const took = reads.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
    const at = (share: number) => took[Math.floor((took.length - 1) * share)]!;
    const settled = reads
      .filter(({ atMs }) => !killsMs.some((killMs) => Math.abs(atMs - killMs) < 1_000))
      .map(({ tookMs }) => tookMs)
      .sort((a, b) => a - b);
    const settledP99 = settled[Math.floor((settled.length - 1) * 0.99)]!;
    const [p50, p99, settledMs, worst] = [at(0.5), at(0.99), settledP99, at(1)].map(Math.round);
    process.stdout.write(
      `${reads.length} reads of 1 MiB while four of fourteen died: p50 ${p50} ms, p99 ${p99} ms, ` +
        `p99 more than a second from a death ${settledMs} ms, worst ${worst} ms
`,
    );
    expect(reads.length).toBeGreaterThan(100);
    expect(at(1)).toBeLessThan(5_000);
  } finally {
    await cluster.close();
  }
});

async function readWhileKilling({ nodes, kill }: Cluster): Promise<{ reads: Read[]; killsMs: number[] }> {
  const killsMs: number[] = [];
  const { engine } = nodes[0]!;
  const contents = new Map<string, Buffer>();
  for (let i = 0; i < OBJECTS; i++) {
    const bytes = randomBytes(OBJECT_BYTES);
    contents.set(`object-${i}`, bytes);
    await engine.put(
      (async function* () {
        yield bytes;
      })(),
      { name: `object-${i}`, sizeBytes: bytes.length },
    );
  }
  const reads: Read[] = [];
  let stop = false;
  const reader = async (first: number) => {
    for (let i = first; !stop; i++) {
      const name = `object-${i % OBJECTS}`;
      const atMs = performance.now();
      let error: string | undefined;
      try {
        const pieces: Uint8Array[] = [];
        for await (const piece of (await engine.get(name)).body) pieces.push(Buffer.from(piece));
        if (!Buffer.concat(pieces).equals(contents.get(name)!)) error = `${name}: other bytes`;
      } catch (cause) {
        error = `${name}: ${(cause as Error).message}`;
      }
      reads.push({ atMs, tookMs: performance.now() - atMs, error });
    }
  };
  const readers = Array.from({ length: READERS }, (_, i) => reader(i));
  await sleep(2_000);
  for (const victim of nodes.slice(-4)) {
    killsMs.push(performance.now());
    await kill(victim);
    await sleep(1_500);
  }
  await sleep(2_000);
  stop = true;
  await Promise.all(readers);
  return { reads, killsMs };
}
