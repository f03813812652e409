/** What it costs to look at a mesh in which nothing happens but its own life. */
import { setTimeout as sleep } from 'node:timers/promises';
import { residentBytes } from '../../test/support/process-memory.ts';
import { cpuSeconds } from '../support/process.ts';
import { median, type Report } from '../support/rows.ts';
import { inspected } from './live-heap.ts';
import type { BenchMesh } from './mesh.ts';

const START_MS = 60_000;
/** Until the just-in-time compiler and the first collections have settled. */
const WARM_MS = 10_000;
const SAMPLE_MS = 5_000;

/** @param collectEverySeconds to see the live heap over time; 0: never, since what a collection gives back is no growth afterwards */
export async function measureIdle(
  mesh: BenchMesh,
  report: Report,
  seconds: number,
  collectEverySeconds: number,
): Promise<void> {
  const heaps = [await inspected(), await inspected()] as const;
  const attached = mesh.console(mesh.service.configPath, heaps[0].env);
  const own = mesh.console(await mesh.ownConfig(), heaps[1].env);
  try {
    const all = new RegExp(`Peers (${mesh.peers - 1}|${mesh.peers})/`);
    for (const pty of [attached, own]) await pty.waitFor(all, START_MS);
    await sleep(WARM_MS);
    const live = async () => [await heaps[0].liveMiB(), await heaps[1].liveMiB()] as const;
    const liveBefore = await live();
    await sleep(WARM_MS);
    const pids = [attached.pid, own.pid, mesh.otherPid];
    const before = pids.map(cpuSeconds);
    for (const pty of [attached, own]) pty.forget();
    const startedMs = performance.now();
    const memory: number[][] = [];
    const elapsedMs = () => performance.now() - startedMs;
    let collected = 0;
    while (elapsedMs() < seconds * 1000) {
      if (collectEverySeconds > 0 && elapsedMs() >= collected * collectEverySeconds * 1000) {
        const [ofAttached, ofOwn] = await live();
        const after = `${collectEverySeconds * collected++} s`;
        report.add(`live heap after ${after}, attached`, [ofAttached], 'MiB');
        report.add(`live heap after ${after}, the console is the node`, [ofOwn], 'MiB');
      }
      memory.push(pids.map((pid) => residentBytes(pid) / 2 ** 20));
      await sleep(Math.min(SAMPLE_MS, Math.max(0, seconds * 1000 - elapsedMs())));
    }
    const elapsed = elapsedMs() / 1000;
    const percent = pids.map((pid, at) => (100 * (cpuSeconds(pid) - before[at]!)) / elapsed);
    const rss = pids.map((pid) => residentBytes(pid) / 2 ** 20);
    // Memory goes up and down with the collector's rounds: medians of the first tenth and of the last.
    const tenth = Math.ceil(memory.length / 10);
    const growth = (at: number) =>
      median(memory.slice(-tenth).map((row) => row[at]!)) -
      median(memory.slice(0, tenth).map((row) => row[at]!));
    const frames = attached.raw().split('\u001b[?2026h').length - 1;
    report.add('console attached to a service', [percent[0]!], '% of a core');
    report.add('the console is the node', [percent[1]!], '% of a core', {
      name: 'a node without a console',
      values: [percent[2]!],
    });
    report.add('frames', [frames / elapsed], 'a second');
    report.add('bytes a frame', [attached.raw().length / Math.max(1, frames)], 'B');
    report.add('memory, attached', [rss[0]!], 'MiB');
    report.add('memory, the console is the node', [rss[1]!], 'MiB', {
      name: 'a node without a console',
      values: [rss[2]!],
    });
    report.add(`growth in ${seconds} s, attached`, [growth(0)], 'MiB');
    report.add(`growth in ${seconds} s, the console is the node`, [growth(1)], 'MiB');
    const liveAfter = await live();
    report.add('live heap, attached', [liveAfter[0]], 'MiB');
    report.add('live heap, the console is the node', [liveAfter[1]], 'MiB');
    report.add(`growth of it in ${seconds} s, attached`, [liveAfter[0] - liveBefore[0]], 'MiB');
    report.add(
      `growth of it in ${seconds} s, the console is the node`,
      [liveAfter[1] - liveBefore[1]],
      'MiB',
    );
    const cleared = [attached, own].some((pty) => /\u001b\[[23]J/.test(pty.raw()));
    if (cleared) throw new Error('the screen was cleared after the first frame');
  } finally {
    for (const pty of [attached, own]) {
      pty.signal('SIGTERM');
      await pty.exited;
      await pty.close();
    }
  }
}
