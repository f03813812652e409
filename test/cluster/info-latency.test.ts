/** How long `info` takes through a running service: it asks every holder of the object, and must not be felt. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { startCluster } from '../support/cluster.ts';
import { meshAtRest, putRandomObjects } from '../support/read-load.ts';

const CALLS = 1_000;

/** User and system time of a process so far, from Linux's clock of 100 ticks a second; NaN elsewhere. */
async function cpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

test('a thousand infos through the control socket, six nodes, 4+2', { timeout: 120_000 }, async () => {
  const cluster = await startCluster(6);
  try {
    const { engine } = cluster.nodes[0]!;
    const names = [...(await putRandomObjects(engine, 8, randomBytes)).keys()];
    await meshAtRest();
    const tookMs: number[] = [];
    const info = async (call: number) => {
      const before = performance.now();
      const detail = await engine.info(names[call % names.length]!);
      expect(detail.state).toBe('ok');
      return performance.now() - before;
    };
    for (let call = 0; call < 100; call++) await info(call);
    const cpuBeforeMs = await cpuMs(cluster.nodes[0]!.pid);
    for (let call = 0; call < CALLS; call++) tookMs.push(await info(call));
    const cpuPerCallMs = ((await cpuMs(cluster.nodes[0]!.pid)) - cpuBeforeMs) / CALLS;
    tookMs.sort((a, b) => a - b);
    const at = (share: number) => tookMs[Math.ceil(share * CALLS) - 1]!;
    process.stdout.write(
      `info of objects of 1 MiB: p50 ${at(0.5).toFixed(2)} ms, p99 ${at(0.99).toFixed(2)} ms, worst ${at(1).toFixed(1)} ms; ` +
        `the node spent ${Number.isNaN(cpuPerCallMs) ? 'an unknown time' : `${cpuPerCallMs.toFixed(2)} ms of processor`} on each\n`,
    );
    // The bar of 10 ms is a quiet machine's; beside other work this holds all the same.
    expect(at(0.5)).toBeLessThan(50);
  } finally {
    await cluster.close();
  }
});
